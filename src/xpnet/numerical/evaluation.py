"""Calls of a user's function at displaced points, and checks of what it returns."""

from collections.abc import Callable, Mapping, Sequence
from math import prod
from typing import Any

import numpy as np
from array_api_compat import device, is_array_api_obj, is_numpy_array

from xpnet._checks import check_callable, check_count, namespace_of
from xpnet._typing import Array, Namespace

Function = Callable[..., Any]

MAX_BYTES = 64 * 2**20
_CACHE_BYTES = 2**20


def call(f: Function, args: Sequence[Any], kwargs: Mapping[str, Any] | None, x: Array) -> Any:
    """Return f of x and its further arguments."""
    return f(x, *args, **(kwargs or {}))


def as_values(values: Any, points: Array, *, xp: Namespace) -> Array:
    """Return what f gave at `points` as an array of their library with a floating (or, from complex, complex) dtype."""
    if isinstance(values, np.generic) and not is_numpy_array(points):
        values = xp.asarray(values.item(), dtype=getattr(xp, values.dtype.name), device=device(points))
    if isinstance(values, int | float | complex) and not is_array_api_obj(values):
        dtype = xp.result_type(points.dtype, xp.complex64) if isinstance(values, complex) else points.dtype
        values = xp.asarray(values, dtype=dtype, device=device(points))
    if not is_array_api_obj(values):
        raise TypeError(f"f must return an array or a number, got {type(values).__name__}: does it lack a return?")
    namespace_of(x=points, **{"f(x)": values})
    if xp.isdtype(values.dtype, ("bool", "integral")):
        return xp.astype(values, points.dtype)
    if xp.isdtype(values.dtype, "complex floating") and xp.isdtype(points.dtype, "real floating"):
        raise TypeError(f"f must return real numbers of real points, got {values.dtype}: differentiate its real part")
    return values


def check_elementwise(values: Array, shape: tuple[int, ...]) -> None:
    """Refuse values of a function that is not elementwise."""
    if values.shape != shape:
        raise ValueError(
            f"f must return one value per point, shape {shape}, got {values.shape}: numerical_diff is for elementwise "
            "functions; of a whole array, take numerical_gradient or numerical_jacobian"
        )


class WholeFunction:
    """A function of one whole array `x`, ready to be called where some entries of x have moved.

    With ``vectorized=True`` it maps batches (B, *x.shape) to (B, *shape), of at most `max_bytes`; else x to `shape`.
    """

    def __init__(
        self, f: Function, x: Array, *, vectorized: bool, max_bytes: int, f0: Any = None, xp: Namespace
    ) -> None:
        check_callable(f, "f")
        check_count(max_bytes, "max_bytes")
        self._f, self._x, self._vectorized = f, x, vectorized
        self._max_bytes = max_bytes if vectorized else min(max_bytes, _CACHE_BYTES)
        if f0 is None:
            self.centre = self._call(xp.asarray(xp.expand_dims(x, axis=0), copy=True), None, xp=xp)[0, ...]
        else:
            self.centre = as_values(f0, x, xp=xp)

    def check_number(self) -> None:
        """Refuse an f that returns anything but one number for each x."""
        if self.centre.shape != ():
            raise ValueError(
                f"f must return one number for each x, got shape {self.centre.shape}: "
                "reduce it to a number, or take numerical_jacobian"
            )

    def moved(self, points: list[Array], index: Array, *, xp: Namespace) -> Array:
        """Return f where one entry of x at a time is moved, shape (points, entries, *shape of f).

        Value (k, i) is that of x with its entry ``index[i]`` (flat) replaced by ``points[k][i]``.
        """
        flat = xp.reshape(self._x, (-1,))
        every = xp.arange(flat.shape[0], device=device(flat))
        table = xp.stack(points, axis=-1)[:, :, None]

        def rows(start: int, stop: int) -> Array:
            return xp.where(every == index[start:stop, None, None], table[start:stop, ...], flat)

        values = self.at_rows(rows, index.shape[0], len(points), xp=xp)
        return xp.moveaxis(values, 1, 0)

    def along(self, distances: list[Array], directions: Callable[[int, int], Array], *, xp: Namespace) -> Array:
        """Return f at x moved along directions, shape (points, directions, *shape of f).

        Value (k, i) belongs to x plus ``distances[k][i]`` times the direction i; ``directions(start, stop)`` gives
        these, flattened: shape (stop - start, x.size).
        """
        flat = xp.reshape(self._x, (-1,))
        table = xp.stack(distances, axis=-1)[:, :, None]

        def rows(start: int, stop: int) -> Array:
            return flat + table[start:stop, ...] * directions(start, stop)[:, None, :]

        return xp.moveaxis(self.at_rows(rows, table.shape[0], len(distances), xp=xp), 1, 0)

    def at_rows(self, rows: Callable[[int, int], Array], count: int, points: int, *, xp: Namespace) -> Array:
        """Return f of ``rows(0, count)``, made in chunks, shape (count, points, *shape of f).

        ``rows(start, stop)`` gives the flattened arguments of f, shape (stop - start, points, x.size).
        """
        shape, dtype = self.centre.shape, rows(0, 0).dtype
        if count == 0:
            return xp.zeros((0, points, *shape), dtype=dtype, device=device(self._x))
        numbers = 2 if xp.isdtype(dtype, "complex floating") else 1
        row_bytes = points * prod(self._x.shape) * numbers * xp.finfo(self._x.dtype).bits // 8
        chunk = max(1, self._max_bytes // max(1, row_bytes))
        chunks = []
        for start in range(0, count, chunk):
            stop = min(start + chunk, count)
            chunks.append(self._call(xp.reshape(rows(start, stop), (-1, *self._x.shape)), shape, xp=xp))
        return xp.reshape(xp.concat(chunks), (count, points, *shape))

    def _call(self, batch: Array, shape: tuple[int, ...] | None, *, xp: Namespace) -> Array:
        size = batch.shape[0]
        if self._vectorized:
            values = as_values(self._f(batch), batch, xp=xp)
            if values.ndim == 0 or values.shape[0] != size or shape not in (None, values.shape[1:]):
                expected = (size, *(shape or ("...",)))
                raise ValueError(
                    f"f must map a batch of shape {batch.shape} to {expected}, got {values.shape}: "
                    "with vectorized=True its first axis counts points"
                )
            return values
        values = [as_values(self._f(batch[k, ...]), batch, xp=xp) for k in range(size)]
        shapes = {value.shape for value in values}
        if len(shapes | ({shape} if shape is not None else set())) > 1:
            raise ValueError(f"f must always return the same shape, got {sorted(shapes)} after {shape}")
        return xp.stack(values)
