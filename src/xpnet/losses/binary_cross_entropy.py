"""The cross-entropy of two classes, with one logit."""

from dataclasses import dataclass
from typing import ClassVar

from xpnet._typing import Array, Namespace
from xpnet.activations import sigmoid
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.targets import Targets
from xpnet.losses.tasks import Binary, Task


@dataclass(frozen=True)
class BinaryCrossEntropy(Loss):
    """Cross-entropy of two classes, ``-t log p - (1 - t) log(1 - p)``, where the logit of p, of class 1, is `y`.

    Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    y : array, shape (1,), (N, 1) or (M, N, 1), real
        Logits.
    t : array
        Labels 0 and 1 with one axis less than `y`, or probabilities of class 1 in the shape of `y`.
    reduction, sample_weight
        As for `SoftmaxCrossEntropy`.

    Raises
    ------
    TypeError
        As for `SoftmaxCrossEntropy`.
    ValueError
        If shapes do not fit, a label is not 0 or 1, a probability not between them, or `y` has several outputs.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([[2.0], [-1.0]]), np.asarray([1, 1])
    >>> xpnet.binary_cross_entropy(y, t, reduction="none").round(6)
    array([0.126928, 1.313262])
    >>> xpnet.binary_cross_entropy.gradient(y, t, reduction="sum").round(6)
    array([[-0.119203],
           [-0.731059]])
    """

    name = "binary_cross_entropy"
    task: ClassVar[Task] = Binary()

    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        values = xp.expand_dims(t, axis=-1) if labels else t
        return Targets(xp.astype(values, weights.dtype, copy=False), weights), weights[..., 0]

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        def losses() -> Array:
            # log(1 + exp(y)) = max(y, 0) + log1p(exp(-|y|)), in which no exponential overflows.
            softplus = xp.maximum(y, xp.zeros_like(y)) + xp.log1p(xp.exp(-xp.abs(y)))
            return xp.sum(softplus - targets.values * y, axis=-1) * targets.weights[..., 0]

        return Terms(losses, sigmoid._value(y, xp=xp), targets.values, factor=targets.weights)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # log(1 + exp(y + d)) - log(1 + exp(y)) = log1p(sigmoid(y) (exp(d) - 1))
        each = xp.log1p(sigmoid._value(y, xp=xp) * xp.expm1(change)) - targets.values * change
        return xp.sum(each, axis=-1) * targets.weights[..., 0]
