"""What the derivatives of a function of a whole array have in common: their options, and f at x."""

from dataclasses import fields
from functools import partial
from typing import Any

from xpnet._checks import check_callable
from xpnet._typing import Array, Namespace
from xpnet.numerical.evaluation import MAX_BYTES, Function, WholeFunction, call
from xpnet.numerical.steps import Options, as_point


def prepare(f: Function, x: Array, options: dict[str, Any], *, xp: Namespace) -> tuple[WholeFunction, Array, Options]:
    """Return f as a function of one whole array, x in the dtype to compute with, and what was chosen."""
    names = {field.name for field in fields(Options)}
    chosen = Options(**{name: value for name, value in options.items() if name in names})
    others = {name: value for name, value in options.items() if name not in names}
    return *_whole(f, x, xp=xp, **others), chosen


def _whole(
    f: Function,
    x: Array,
    *,
    args: Any = (),
    kwargs: Any = None,
    f0: Any = None,
    compute_dtype: str | None = None,
    vectorized: bool = False,
    max_bytes: int = MAX_BYTES,
    xp: Namespace,
) -> tuple[WholeFunction, Array]:
    check_callable(f, "f")
    point = as_point(x, compute_dtype, xp=xp)
    f = partial(call, f, args, kwargs)
    return WholeFunction(f, point, vectorized=vectorized, max_bytes=max_bytes, f0=f0, xp=xp), point
