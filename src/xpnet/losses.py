r"""Losses of the output `y` of a network against targets `t`, each with its gradient.

All losses share one formula. With s_n the weight of sample n (0 where its label is ignored), l_n its loss and v_n the
weight of its class,

    none: s_n l_n        sum: sum_n s_n l_n        mean: sum_n s_n l_n / sum_n s_n v_n   (0 where the divisor is 0)

    squared error    l_n = 1/2 sum_c (y_nc - t_nc)^2,              v_n = 1
    cross-entropy    l_n = - sum_c w_c q_nc log p_nc,              v_n = sum_c w_c t_nc / sum_c t_nc
                     q_nc = (1 - e) t_nc + (e / C) sum_k t_nk      (e: label smoothing, w: class weights)

A label c is the target with t_nc = 1 and zeros elsewhere, so that for labels v_n is the weight of the label's class.

Shapes: `y` is (C,), one sample; (N, C), a mini-batch; or (M, N, C), the outputs of M networks, and gives one loss per
network. `t` is either as large as `y`, or integer labels with one axis less; both may lack the member axis M. Integers
with fewer axes than `y` are always labels, so integer one-hot targets must not lack it.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from xpnet._checks import as_floating, check_choice, check_count, check_fraction, check_positive, namespace_of
from xpnet._typing import Array, Namespace
from xpnet.activations import shifted_exponentials, softmax
from xpnet.targets import (
    IGNORE_INDEX,
    Targets,
    as_batch,
    check_labels,
    check_shapes,
    class_weights,
    dense,
    divisor,
    is_labels,
    not_ignored,
    one_hot,
    sample_weights,
)


class Loss(ABC):
    """A loss: ``loss(y, t)`` is its value, ``loss.gradient(y, t)`` its gradient with respect to `y`."""

    name: str
    classification: bool
    """Whether the network's output means classes (through softmax), or the predicted numbers themselves."""
    prepare: Callable[..., Targets]
    """``prepare(y, t, *, xp, **options)`` makes `t` ready for outputs like `y`, without a look at any value."""

    def __call__(self, y: Array, t: Array, *, reduction: str = "mean", **options: Any) -> Array:
        """Return the loss: one number per member, or with ``reduction="none"`` one per sample."""
        y, targets, xp = self._read(y, t, reduction, options)
        return _reduce(self.losses(as_batch(y), targets, xp=xp), targets, reduction, y.ndim == 1, xp=xp)

    def gradient(self, y: Array, t: Array, *, reduction: str = "mean", **options: Any) -> Array:
        """Return the gradient of the loss with respect to `y`, in the shape of `y` (of the sum, for "none")."""
        y, targets, xp = self._read(y, t, reduction, options)
        _, gradient = self.losses_and_gradients(as_batch(y), targets, xp=xp)
        if reduction == "mean":
            gradient = gradient / xp.expand_dims(divisor(targets, xp=xp), axis=(-2, -1))
        return xp.reshape(gradient, y.shape)

    def _read(self, y: Array, t: Array, reduction: str, options: dict[str, Any]) -> tuple[Array, Targets, Namespace]:
        xp = namespace_of(y=y, t=t)
        y = as_floating(y, "y", xp=xp)
        check_choice(reduction, "reduction", ("mean", "sum", "none"))
        labels = self.classification and is_labels(y, t, xp=xp)
        check_shapes(y, t, labels=labels)
        if labels:
            check_labels(t, "t", y.shape[-1], options.get("ignore_index", IGNORE_INDEX))
        return y, self.prepare(y, t, xp=xp, **options), xp

    @abstractmethod
    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        """Return s_n l_n, shape (..., N), of outputs with at least two axes."""

    @abstractmethod
    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        """Return s_n l_n and their gradients, shape (..., N, C), with respect to `y`."""

    def __repr__(self) -> str:
        return f"xpnet.{self.name}"


class MeanSquaredError(Loss):
    """Squared error, ``1/2 sum_c (y_c - t_c)^2`` per sample: the chapter's formula.

    Parameters
    ----------
    y, t : array, shape (C,), (N, C) or (M, N, C), real
        Outputs and targets; `t` has the shape of `y` (or lacks the member axis M) and is never broadcast otherwise.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula on top of this module.
    sample_weight : array, shape (N,) or (M, N), optional
        Weights of the samples, >= 0.
    scale : {"half", "mean"}
        What multiplies the sum of squares: 1/2 (the chapter), or 1/C (the textbook mean).

    Raises
    ------
    TypeError
        If `y` or `t` is no array, complex, or of another library.
    ValueError
        If the shapes differ, or `reduction` or `scale` is unknown.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([1, 2, 3]), np.asarray([3, 4, 7])
    >>> xpnet.mean_squared_error(y, t)
    np.float64(12.0)
    >>> xpnet.mean_squared_error.gradient(y, t)
    array([-2., -2., -4.])
    >>> xpnet.mean_squared_error(y, t, scale="mean")
    np.float64(8.0)
    """

    name = "mean_squared_error"
    classification = False

    def prepare(
        self, y: Array, t: Array, *, xp: Namespace, sample_weight: Array | None = None, scale: str = "half"
    ) -> Targets:
        check_choice(scale, "scale", ("half", "mean"))
        values = as_batch(dense(y, t, xp=xp))
        weights = sample_weights(y, values, sample_weight, xp=xp)
        scales = xp.full_like(weights, 0.5 if scale == "half" else 1 / values.shape[-1])
        return Targets(values, scales, weights, weights[..., 0])

    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        error = y - targets.values
        return xp.sum(error * error, axis=-1) * (targets.scales * targets.weights)[..., 0]

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        error = y - targets.values
        weighted = (targets.scales * targets.weights) * error
        return xp.sum(weighted * error, axis=-1), 2 * weighted


class CrossEntropy(Loss):
    """What the two cross-entropies share: their targets."""

    classification = True

    def prepare(
        self,
        y: Array,
        t: Array,
        *,
        xp: Namespace,
        sample_weight: Array | None = None,
        class_weight: Array | None = None,
        label_smoothing: float = 0.0,
        ignore_index: int = IGNORE_INDEX,
    ) -> Targets:
        check_fraction(label_smoothing, "label_smoothing")
        check_count(ignore_index, "ignore_index", minimum=-(2**31))
        labels = is_labels(y, t, xp=xp)
        q = as_batch(one_hot(t, y.shape[-1], y.dtype, xp=xp) if labels else dense(y, t, xp=xp))
        weights = sample_weights(y, q, sample_weight, xp=xp)
        if labels:
            counted = xp.reshape(not_ignored(t, ignore_index, xp=xp), (*q.shape[:-1], 1))
            weights = weights * xp.astype(counted, y.dtype)
        norms = weights
        totals = xp.sum(q, axis=-1, keepdims=True)
        if class_weight is not None:
            class_weight = class_weights(y, class_weight, xp=xp)
            safe_totals = xp.where(totals == 0, xp.ones_like(totals), totals)
            norms = weights * xp.sum(class_weight * q, axis=-1, keepdims=True) / safe_totals
        if label_smoothing:
            e = float(label_smoothing)
            q = (1 - e) * q + (e / y.shape[-1]) * totals
        if class_weight is not None:
            q = class_weight * q
        return Targets(q, xp.sum(q, axis=-1, keepdims=True), weights, norms[..., 0])


class CrossEntropyError(CrossEntropy):
    """Cross-entropy of probabilities, ``- sum_c t_c log(y_c + delta)`` per sample, exactly as in the chapter.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C), real
        Probabilities. For logits use `softmax_cross_entropy`, which is more accurate.
    t : array
        One-hot or other target probabilities in the shape of `y`, or integer labels with one axis less.
    delta : float
        Keeps the logarithm finite at y = 0.
    reduction, sample_weight, class_weight, label_smoothing, ignore_index
        As in `softmax_cross_entropy`.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([0, 2, 3, 8, 9]), np.asarray([3, 4, 7, 8, 9])
    >>> float(xpnet.cross_entropy_error(y, t))  # the chapter's own arrays, though no probabilities
    1.4808580471604245
    >>> y = np.asarray([[0.1, 0.6, 0.3], [0.2, 0.0, 0.8]])
    >>> round(float(xpnet.cross_entropy_error(y, np.asarray([1, 2]))), 6)
    0.366984
    """

    name = "cross_entropy_error"

    def prepare(self, y: Array, t: Array, *, xp: Namespace, delta: float = 1e-7, **options: Any) -> Targets:
        check_positive(delta, "delta", zero=True)
        return super().prepare(y, t, xp=xp, **options)._replace(delta=float(delta))

    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        return -xp.sum(targets.values * xp.log(y + targets.delta), axis=-1) * targets.weights[..., 0]

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        return self.losses(y, targets, xp=xp), -targets.weights * targets.values / (y + targets.delta)


class SoftmaxCrossEntropy(CrossEntropy):
    """Cross-entropy of logits, ``- sum_c t_c log softmax(y)_c`` per sample, finite for any finite logits.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C), real
        Logits.
    t : array
        One-hot or other target probabilities in the shape of `y`, or integer labels with one axis less.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula on top of this module.
    sample_weight : array, shape (N,) or (M, N), optional
        Weights s of the samples, >= 0.
    class_weight : array, shape (C,), optional
        Weights w of the classes, >= 0.
    label_smoothing : float, in [0, 1]
        The part e of each target that is spread evenly over all classes.
    ignore_index : int
        The label of samples that do not count.

    Raises
    ------
    TypeError
        If `y` or `t` is no array, complex, or of another library.
    ValueError
        If shapes do not fit, a label is no class, or an option has no such value.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y = np.asarray([[2.0, 1.0, 0.1], [0.5, 2.5, 0.3]])
    >>> float(xpnet.softmax_cross_entropy(y, np.asarray([0, 1]))).__round__(6)
    0.31854
    >>> xpnet.softmax_cross_entropy.gradient(y, np.asarray([0, 1])).round(6)
    array([[-0.170499,  0.121216,  0.049283],
           [ 0.054302, -0.09876 ,  0.044459]])
    """

    name = "softmax_cross_entropy"

    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        exponentials, shifted = shifted_exponentials(y, xp=xp)
        return _log_likelihood_loss(shifted, xp.sum(exponentials, axis=-1, keepdims=True), targets, xp=xp)

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        exponentials, shifted = shifted_exponentials(y, xp=xp)
        sums = xp.sum(exponentials, axis=-1, keepdims=True)
        losses = _log_likelihood_loss(shifted, sums, targets, xp=xp)
        gradients = exponentials * (targets.scales / sums)
        gradients -= targets.values
        gradients *= targets.weights
        return losses, gradients


class OfSoftmax(Loss):
    """A loss of probabilities, made one of logits by the softmax: ``loss(softmax(y), t)``."""

    def __init__(self, loss: Loss) -> None:
        self.loss = loss
        self.name = loss.name
        self.classification = loss.classification

    def prepare(self, y: Array, t: Array, *, xp: Namespace, **options: Any) -> Targets:
        return self.loss.prepare(y, t, xp=xp, **options)

    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        return self.loss.losses(softmax(y), targets, xp=xp)

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        p = softmax(y)
        losses, gradients = self.loss.losses_and_gradients(p, targets, xp=xp)
        return losses, p * (gradients - xp.sum(p * gradients, axis=-1, keepdims=True))


mean_squared_error = MeanSquaredError()
cross_entropy_error = CrossEntropyError()
softmax_cross_entropy = SoftmaxCrossEntropy()

LOSSES = {loss.name: loss for loss in (softmax_cross_entropy, OfSoftmax(cross_entropy_error), mean_squared_error)}
"""The losses of a network's outputs, by name."""


def _log_likelihood_loss(shifted: Array, sums: Array, targets: Targets, *, xp: Namespace) -> Array:
    # log softmax(y)_c = (y_c - max) - log sum exp(y - max), so no probability is ever formed and logged.
    losses = targets.scales[..., 0] * xp.log(sums)[..., 0] - xp.sum(targets.values * shifted, axis=-1)
    return losses * targets.weights[..., 0]


def _reduce(losses: Array, targets: Targets, reduction: str, single: bool, *, xp: Namespace) -> Array:
    if reduction == "none":
        return losses[0] if single else losses
    total = xp.sum(losses, axis=-1)
    return total if reduction == "sum" else total / divisor(targets, xp=xp)
