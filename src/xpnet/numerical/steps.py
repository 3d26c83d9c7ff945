"""How far from x to evaluate a function: steps that suit the dtype, and checks of those that a user chose."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from array_api_compat import device, is_array_api_obj

from xpnet._checks import as_floating, check_choice, check_count, check_positive
from xpnet._typing import Array, Namespace

METHODS = ("central", "richardson", "complex", "forward", "backward")
SMALLEST_SCALE = 0.1
COMPLEX_STEP = 1e-20
_HIGHEST_ORDER = 4


@dataclass(frozen=True)
class Options:
    """What a user asked for, checked as far as that goes without `x`."""

    method: str = "central"
    order: int = 1
    h: Any = None
    h_rel: float | None = None
    bounds: tuple[Any, Any] | None = None
    tolerance: tuple[float, float] = (0.0, 0.0)
    rtol: float | None = None
    atol: float = 0.0
    full_output: bool = False

    def __post_init__(self) -> None:
        """Refuse what is wrong whatever `x` is."""
        check_choice(self.method, "method", METHODS)
        check_count(self.order, "order")
        if self.order > _HIGHEST_ORDER:
            raise ValueError(f"order must be 1, 2, 3 or 4, got {self.order}: differentiate a derivative")
        if self.h is not None and not is_array_api_obj(self.h):
            check_positive(self.h, "h")
        if self.h_rel is not None:
            check_positive(self.h_rel, "h_rel")
            if self.h is not None:
                raise ValueError("h and h_rel are two names for one step, got both: leave one of them out")
        if self.method == "complex" and self.bounds is not None:
            raise ValueError(
                "bounds must be None for method='complex', whose steps leave the real axis: take 'central'"
            )
        if self.method == "complex" and self.order > 1:
            raise ValueError(f"order must be 1 for method='complex', got {self.order}: take method='richardson'")
        if not isinstance(self.tolerance, Sequence) or len(self.tolerance) != 2:
            raise TypeError(f"tolerance must be a pair, (absolute, relative), got {self.tolerance!r}")
        absolute, relative = self.tolerance
        for name, value in (("tolerance[0]", absolute), ("tolerance[1]", relative), ("atol", self.atol)):
            check_positive(value, name, zero=True)
        if self.rtol is not None:
            check_positive(self.rtol, "rtol", zero=True)


def scale_of(x: Array, *, xp: Namespace) -> Array:
    """Return the length over which a function is taken to change: |x|, but not less than 0.1."""
    return xp.maximum(xp.abs(x), SMALLEST_SCALE)


def best_step(x: Array, method: str, eps: float, *, xp: Namespace) -> Array:
    """Return the step that balances the truncation error of `method` with the rounding error of values with `eps`."""
    return eps ** step_exponent(method, 1) * scale_of(x, xp=xp)


def step_exponent(method: str, order: int) -> float:
    """Return which power of the precision the best step is, in units of the scale of x."""
    return 1 / (order + (2 if method == "central" else 1))


def given_step(options: Options, x: Array, scale: Array, *, xp: Namespace) -> Array | None:
    """Return the step that a user chose, an array like `x`; None if there is none."""
    if options.h_rel is not None:
        step = options.h_rel * scale
    elif options.h is None:
        return None
    elif is_array_api_obj(options.h):
        step = xp.astype(xp.broadcast_to(options.h, x.shape), x.dtype)
        if bool(xp.any(~((step > 0) & (step < float("inf"))))):
            raise ValueError("h must be finite and > 0 in every entry: repair the others, or take h=None")
    else:
        step = xp.full_like(x, float(options.h))
    check_step(x, options.h if options.h_rel is None else options.h_rel, xp=xp, step=step)
    return step


def check_step(x: Array, h: Any, *, step: Array | None = None, xp: Namespace) -> None:
    """Refuse a step that vanishes: ``x + h == x`` in the dtype of `x`."""
    step = h if step is None else step
    if bool(xp.any(((x + step == x) | (x - step == x)) & xp.isfinite(x))):
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


def choose_side(
    x: Array, step: Array, bounds: tuple[Array, Array], near: float, far: float, *, xp: Namespace
) -> tuple[Array, Array]:
    """Return on which side of each x to stay, and a step that keeps within the bounds.

    The side is 0 (both) where ``near * step`` fits to both sides; else that with more room, 1 or -1, where the farthest
    point is ``far * step`` away.
    """
    below, above = x - bounds[0], bounds[1] - x
    both = xp.minimum(below, above) >= near * step
    room = xp.maximum(below, above) / far
    side = xp.where(above >= below, xp.ones_like(x), -1.0)
    return xp.where(both, 0.0, side), xp.where(both, step, xp.minimum(step, room))


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


def any_on_host(mask: Array, *, xp: Namespace) -> bool:
    """Return whether any entry is true; False where values cannot be read, as in a function that JAX compiles."""
    try:
        return bool(xp.any(mask))
    except TypeError:
        return False
