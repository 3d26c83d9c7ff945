"""The squared error."""

from xpnet._checks import check_choice
from xpnet._typing import Array, Namespace
from xpnet.losses.loss import OutputLoss
from xpnet.losses.targets import Targets, as_batch, dense, sample_weights


class MeanSquaredError(OutputLoss):
    """Squared error, ``1/2 sum_c (y_c - t_c)^2`` per sample: the chapter's formula.

    Parameters
    ----------
    y, t : array, shape (C,), (N, C) or (M, N, C), real
        Outputs and targets; `t` has the shape of `y` (or lacks the member axis M) and is never broadcast otherwise.
    reduction : {"mean", "sum", "none"}
        Over the samples; see the formula of `xpnet.losses`.
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

    def differences(self, y: Array, targets: Targets, change: Array, *, xp: Namespace) -> Array:
        # (e + d)^2 - e^2 = d (2 e + d)
        error = y - targets.values
        return xp.sum(change * (2 * error + change), axis=-1) * (targets.scales * targets.weights)[..., 0]

    def magnitudes(self, y: Array, targets: Targets, *, xp: Namespace) -> Array:
        return 2 * targets.scales * targets.weights * (xp.abs(y) + xp.abs(targets.values))

    def line(self, y: Array, targets: Targets, directions: Array, reach: float, *, xp: Namespace) -> tuple[Array, ...]:
        weights = targets.scales * targets.weights
        slopes = 2 * weights * xp.matmul(y - targets.values, xp.matrix_transpose(directions))
        return slopes, weights * xp.sum(directions * directions, axis=-1)

    def line_differences(self, s: Array, line: tuple[Array, ...], directions: Array, *, xp: Namespace) -> Array:
        slopes, curvatures = line
        return s * (slopes + s * curvatures)
