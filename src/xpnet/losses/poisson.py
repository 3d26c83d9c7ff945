"""The loss of counts."""

from dataclasses import dataclass

from xpnet._typing import Array, Namespace
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.targets import Targets
from xpnet.losses.tasks import Rates


@dataclass(frozen=True)
class PoissonLoss(Loss):
    """Half the Poisson deviance of rates ``exp(y)``, ``sum_c exp(y_c) - t_c + t_c (log t_c - y_c)`` per sample.

    The negative log-likelihood of counts, less what that of a perfect fit is, so that 0 is the best; 0 log 0 is 0.
    Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    y : array, shape (C,), (N, C) or (M, N, C), real
        Logarithms of rates.
    t : array, in the shape of `y`
        Counts, or other numbers >= 0 around their rates.
    reduction, sample_weight
        As for `MeanSquaredError`.

    Raises
    ------
    TypeError, ValueError
        As for `MeanSquaredError`; if a target is negative.

    Examples
    --------
    >>> import numpy as np, xpnet
    >>> y, t = np.log(np.asarray([[2.0], [3.0]])), np.asarray([[2], [0]])
    >>> xpnet.poisson_loss(y, t, reduction="none").round(6)
    array([0., 3.])
    >>> xpnet.poisson_loss.gradient(y, t, reduction="sum").round(6)
    array([[0.],
           [3.]])
    """

    name = "poisson"
    task = Rates()

    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        return Targets(xp.astype(t, weights.dtype, copy=False), weights), weights[..., 0]

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        rates, t = xp.exp(y), targets.values

        def losses() -> Array:
            logs = xp.log(xp.where(t == 0, xp.ones_like(t), t))
            return xp.sum(rates - t + t * (logs - y), axis=-1) * targets.weights[..., 0]

        return Terms(losses, rates, t, factor=targets.weights)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # exp(y + d) - exp(y) = exp(y) (exp(d) - 1)
        each = xp.exp(y) * xp.expm1(change) - targets.values * change
        return xp.sum(each, axis=-1) * targets.weights[..., 0]
