"""The cross-entropies: of probabilities as in the chapter, and of logits."""

from typing import Any

from xpnet._checks import check_count, check_fraction, check_positive
from xpnet._typing import Array, Namespace
from xpnet.activations import shifted_exponentials, softmax
from xpnet.losses.loss import Loss, OutputLoss
from xpnet.losses.targets import (
    IGNORE_INDEX,
    Targets,
    as_batch,
    class_weights,
    dense,
    is_labels,
    not_ignored,
    one_hot,
    sample_weights,
)


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
        return _log_loss(y, targets, xp=xp)

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        return _log_loss(y, targets, xp=xp), -targets.weights * targets.values / (y + targets.delta)

    def differences(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # log(y + d + delta) - log(y + delta) = log1p(d / (y + delta))
        logs = xp.log1p(change / (y + targets.delta))
        return -xp.sum(targets.values * logs, axis=-1) * targets.weights[..., 0]


class CrossEntropyErrorOfLogits(OutputLoss):
    """The chapter's cross-entropy error of the softmax of logits: ``cross_entropy_error(softmax(y), t)``."""

    name = CrossEntropyError.name
    classification = True
    _of_probabilities = CrossEntropyError()

    def prepare(self, y: Array, t: Array, *, xp: Namespace, **options: Any) -> Targets:
        return self._of_probabilities.prepare(y, t, xp=xp, **options)

    def losses(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        return self._of_probabilities.losses(softmax(y), targets, xp=xp)

    def losses_and_gradients(self, y: Array, targets: Targets, *, xp: Namespace) -> tuple[Array, Array]:
        p = softmax(y)
        losses, gradients = self._of_probabilities.losses_and_gradients(p, targets, xp=xp)
        return losses, p * (gradients - xp.sum(p * gradients, axis=-1, keepdims=True))

    def differences(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # The softmax changes by p_c (expm1(d_c) - S) / (1 + S) with S = sum_c p_c expm1(d_c).
        p, exponentials = softmax(y), xp.expm1(change)
        sums = xp.sum(p * exponentials, axis=-1, keepdims=True)
        return self._of_probabilities.differences(p, targets, p * (exponentials - sums) / (1 + sums), xp=xp)

    def magnitudes(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        p = softmax(y)
        _, gradients = self._of_probabilities.losses_and_gradients(p, targets, xp=xp)
        gradients = xp.abs(gradients)
        return p * (gradients + xp.sum(p * gradients, axis=-1, keepdims=True))

    def line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        p = softmax(y)
        return p, targets.weights * targets.values, p / (p + targets.delta)

    def line_differences(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        p, values, ratios = line
        classes = range(p.shape[-1])
        exponentials = [xp.expm1(s * directions[:, c]) for c in classes]
        sums = sum(p[:, c, None] * exponentials[c] for c in classes)
        return -sum(
            values[:, c, None] * xp.log1p(ratios[:, c, None] * (exponentials[c] - sums) / (1 + sums)) for c in classes
        )


class SoftmaxCrossEntropy(CrossEntropy, OutputLoss):
    """Cross-entropy of logits, ``- sum_c t_c log softmax(y)_c`` per sample, finite for any finite logits.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C), real
        Logits.
    t : array
        One-hot or other target probabilities in the shape of `y`, or integer labels with one axis less.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula of `xpnet.losses`.
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

    def differences(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # log sum exp(y + d) - log sum exp(y) = log1p(sum p expm1(d)) with p = softmax(y)
        sums = xp.sum(softmax(y) * xp.expm1(change), axis=-1)
        differences = targets.scales[..., 0] * xp.log1p(sums) - xp.sum(targets.values * change, axis=-1)
        return differences * targets.weights[..., 0]

    def magnitudes(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        return targets.weights * (targets.scales * softmax(y) + targets.values)

    def line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        # sum_c p_c expm1(s v_c) = sum_k s^k m_k / k! with the moments m_k = sum_c p_c v_c^k: as many terms as the
        # series of expm1 needs up to `reach`, and no exponential of every sample, unit and class.
        p = softmax(y)
        moments, power = [], xp.ones_like(directions)
        for k in range(1, _series_terms(reach, float(xp.finfo(y.dtype).eps)) + 1):
            power = power * directions / k
            moments.append(xp.matmul(p, xp.matrix_transpose(power)))
        slopes = targets.weights * xp.matmul(targets.values, xp.matrix_transpose(directions))
        return targets.weights * targets.scales, slopes, *moments

    def line_differences(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        weights, slopes, *moments = line
        series = moments[-1]
        for moment in reversed(moments[:-1]):
            series = moment + s * series
        return weights * xp.log1p(s * series) - slopes * s


def _log_loss(p: Array, targets: Targets, *, xp: Namespace) -> Array:
    return -xp.sum(targets.values * xp.log(p + targets.delta), axis=-1) * targets.weights[..., 0]


def _log_likelihood_loss(shifted: Array, sums: Array, targets: Targets, *, xp: Namespace) -> Array:
    # log softmax(y)_c = (y_c - max) - log sum exp(y - max), so no probability is ever formed and logged.
    losses = targets.scales[..., 0] * xp.log(sums)[..., 0] - xp.sum(targets.values * shifted, axis=-1)
    return losses * targets.weights[..., 0]


def _series_terms(reach: float, eps: float) -> int:
    """Return how many terms of ``expm1(d) = d + d^2/2! + ...`` are exact to rounding for |d| <= `reach`."""
    terms, remainder = 1, reach / 2
    while remainder > eps / 4:
        terms += 1
        remainder *= reach / (terms + 1)
    return terms
