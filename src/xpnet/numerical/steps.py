"""How far from x to evaluate a function: steps that suit the dtype, and checks of those that a user chose."""

from typing import Any

from array_api_compat import device

from xpnet._checks import as_floating, check_callable, check_choice, check_positive
from xpnet._typing import Array, Namespace

METHODS = ("central", "richardson", "complex", "forward", "backward")
SMALLEST_SCALE = 0.1
COMPLEX_STEP = 1e-20
RICHARDSON_RUNGS, RICHARDSON_RATIO = 5, 4
_EXPONENTS = {"central": 1 / 3, "forward": 1 / 2, "backward": 1 / 2, "hessian": 1 / 4}


def check_options(f: Any, method: str, h: float | None, bounds: tuple[Any, Any] | None) -> None:
    """Refuse the options that are wrong whatever `x` is."""
    check_callable(f, "f")
    check_choice(method, "method", METHODS)
    if h is not None:
        check_positive(h, "h")
    if bounds is not None and method == "complex":
        raise ValueError("bounds must be None for method='complex', whose steps leave the real axis: take 'central'")


def scale_of(x: Array, *, xp: Namespace) -> Array:
    """Return the length over which a function is taken to change: |x|, but not less than 0.1."""
    return xp.maximum(xp.abs(x), SMALLEST_SCALE)


def best_step(x: Array, method: str, eps: float, *, xp: Namespace) -> Array:
    """Return the step that balances the truncation error of `method` with the rounding error of values with `eps`."""
    return eps ** _EXPONENTS[method] * scale_of(x, xp=xp)


def ladder(
    x: Array, method: str, h: float | None, bounds: tuple[Array, Array] | None, eps: float, rungs: int, *, xp: Namespace
) -> list[Array]:
    """Return the steps at every point, the largest first; a given `h` is the smallest (of Richardson, the largest)."""
    ratio = float(ratio_of(method))
    if h is not None:
        check_step(x, h, xp=xp)
        largest = xp.full_like(x, h)
    elif method == "richardson":
        # The 5 rungs leave an error of order h^10, which balances rounding at h ~ eps^(1/11).
        largest = xp.maximum(xp.abs(x), 4 * eps ** (1 / 11)) / 8
    else:
        largest = best_step(x, method, eps, xp=xp)
    if method != "richardson":
        largest = largest * ratio ** (rungs - 1)
    if h is None and bounds is not None:
        low, high = bounds
        largest = xp.minimum(largest, xp.maximum(x - low, high - x) / 2)
    return [largest * ratio**-k for k in range(rungs)]


def ratio_of(method: str) -> int:
    """Return how many times larger each step of the ladder is than the next."""
    return RICHARDSON_RATIO if method == "richardson" else 2


def check_step(x: Array, h: float, *, xp: Namespace) -> None:
    """Refuse a step that vanishes: ``x + h == x`` in the dtype of `x`."""
    if bool(xp.any(((x + h == x) | (x - h == x)) & xp.isfinite(x))):
        raise ValueError(
            f"h = {h!r} vanishes beside some x: x + h == x in {x.dtype}; "
            "take a larger h, or h=None for steps that suit every x"
        )


def as_bounds(bounds: tuple[Any, Any], x: Array, *, xp: Namespace) -> tuple[Array, Array]:
    """Return `bounds` as arrays like `x`; refuse those that do not enclose it."""
    low, high = (xp.broadcast_to(xp.asarray(b, dtype=x.dtype, device=device(x)), x.shape) for b in bounds)
    if bool(xp.any((x < low) | (x > high))):
        raise ValueError("bounds must enclose every x, got an x outside (lower, upper): widen them, or clip x")
    return low, high


def as_point(x: Array, compute_dtype: str | None, *, xp: Namespace) -> Array:
    """Return `x` in the dtype to compute with: integers promoted, infinities (which no step moves) as NaN."""
    x = as_floating(x, "x", xp=xp)
    if compute_dtype is not None:
        check_choice(compute_dtype, "compute_dtype", ("float32", "float64"))
        x = xp.astype(x, getattr(xp, compute_dtype))
    return xp.where(xp.isfinite(x), x, float("nan"))


def epsilon(*arrays: Array, xp: Namespace) -> float:
    """Return the relative precision of the coarsest of the `arrays`."""
    return max(float(xp.finfo(array.dtype).eps) for array in arrays)
