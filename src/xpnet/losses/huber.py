"""The Huber loss."""

from dataclasses import dataclass

from xpnet._checks import check_positive
from xpnet._typing import Array, Namespace
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.targets import Targets


@dataclass(frozen=True)
class HuberLoss(Loss):
    """Huber loss, ``sum_c H(y_c - t_c)`` per sample: squares of small errors, and absolute values of large ones.

    ``H(e) = e^2 / 2`` where ``|e| <= delta``, else ``delta (|e| - delta / 2)``; the slope is e, cut to +-delta, so that
    no outlier pulls harder than `delta`. Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    delta : float, > 0
        Where a large error begins, in the unit of `y`.
    y, t, reduction, sample_weight
        As for `MeanSquaredError`.

    Raises
    ------
    TypeError, ValueError
        As for `MeanSquaredError`; if `delta` is no number > 0.

    References
    ----------
    P. J. Huber, "Robust Estimation of a Location Parameter", Annals of Mathematical Statistics 35, 1964.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.asarray([[0.5], [10.0]]), np.asarray([[0.0], [0.0]])
    >>> xpnet.huber_loss(y, t, reduction="none")
    array([0.125, 9.5  ])
    >>> xpnet.huber_loss.gradient(y, t, reduction="sum", delta=2.0)
    array([[0.5],
           [2. ]])
    """

    delta: float = 1.0

    name = "huber"

    def __post_init__(self) -> None:
        check_positive(self.delta, "delta")

    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        return Targets(xp.astype(t, weights.dtype, copy=False), weights), weights[..., 0]

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        error = y - targets.values
        sizes = xp.abs(error)
        small, ends = sizes <= self.delta, xp.minimum(xp.maximum(error, -self.delta), self.delta)

        def losses() -> Array:
            each = xp.where(small, error * error / 2, self.delta * (sizes - self.delta / 2))
            return xp.sum(each, axis=-1) * targets.weights[..., 0]

        plus, minus = xp.where(small, y, ends), xp.where(small, targets.values, xp.zeros_like(y))
        return Terms(losses, plus, minus, factor=targets.weights)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # The slope, integrated along the way: what lies beyond an end has a slope of +-delta, what is left is between
        # them, where ((e + d)^2 - e^2) / 2 = d (2 e + d) / 2.
        error = y - targets.values
        above = _beyond(error - self.delta, change, xp=xp)
        below = _beyond(-error - self.delta, -change, xp=xp)
        start = xp.minimum(xp.maximum(error, -self.delta), self.delta)
        inside = change - above + below
        each = self.delta * (above + below) + inside * (2 * start + inside) / 2
        return xp.sum(each, axis=-1) * targets.weights[..., 0]


def _beyond(position: Array, change: Array, *, xp: Namespace) -> Array:
    """Return how much of the way from `position` to ``position + change`` lies above 0, with its sign."""
    zeros = xp.zeros_like(change)
    rise = xp.minimum(xp.maximum(position + change, zeros), change)
    fall = xp.minimum(xp.maximum(position, zeros), -change)
    return xp.where(change > 0, rise, -fall)
