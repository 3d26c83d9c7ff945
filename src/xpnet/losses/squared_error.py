"""The squared error."""

from dataclasses import dataclass

from xpnet._checks import check_choice
from xpnet._typing import Array, Namespace
from xpnet.losses.loss import Loss, Terms
from xpnet.losses.targets import Targets


@dataclass(frozen=True)
class MeanSquaredError(Loss):
    """Squared error, ``1/2 sum_c (y_c - t_c)^2`` per sample: the chapter's formula.

    Called with ``(y, t, *, reduction="mean", sample_weight=None)``.

    Parameters
    ----------
    scale : {"half", "mean"}
        What multiplies the sum of squares: 1/2 (the chapter), or 1/C (the textbook mean).
    y, t : array, shape (C,), (N, C) or (M, N, C), real
        Outputs and targets; `t` has the shape of `y` (or lacks the member axis M) and is never broadcast otherwise.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula of `xpnet.losses`.
    sample_weight : array, shape (N,) or (M, N), optional
        Weights of the samples, >= 0.

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

    scale: str = "half"

    name = "mean_squared_error"

    def __post_init__(self) -> None:
        check_choice(self.scale, "scale", ("half", "mean"))

    def _prepare(self, t: Array, weights: Array, outputs: int, *, labels: bool, xp: Namespace) -> tuple[Targets, Array]:
        scale = 0.5 if self.scale == "half" else 1 / outputs
        return Targets(xp.astype(t, weights.dtype, copy=False), scale * weights), weights[..., 0]

    def _terms(self, y: Array, targets: Targets, *, xp: Namespace) -> Terms:
        def losses() -> Array:
            error = y - targets.values
            return xp.sum(error * error, axis=-1) * targets.weights[..., 0]

        return Terms(losses, y, targets.values, factor=2 * targets.weights)

    def _difference(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # (e + d)^2 - e^2 = d (2 e + d)
        error = y - targets.values
        return xp.sum(change * (2 * error + change), axis=-1) * targets.weights[..., 0]
