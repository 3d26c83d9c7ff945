"""Where the inputs of a data set are: on the network's device, or on the host, from where they are streamed to it."""

import math
from collections import deque
from collections.abc import Generator, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np
from array_api_compat import array_namespace
from array_api_compat import device as place_of
from numpy.typing import NDArray

from xpnet._typing import Array, Namespace
from xpnet.datasets import Rows
from xpnet.datasets.rows import is_mapped
from xpnet.devices import Device, ahead

_STREAMED_BYTES = 16 * 2**20
"""So much is gathered at once where it is streamed: the more, the more of it lies side by side in a file."""
_AHEAD = 2
"""So many items are made, or being made, while one is used."""

Item = TypeVar("Item")
Part: TypeAlias = slice | NDArray[np.int64]
"""Some samples that lie side by side, or those of each member, shape (M, n)."""


class Inputs(Protocol):
    """The inputs of a data set, shape (N, D)."""

    @property
    def samples(self) -> int:
        """Their number N."""

    @property
    def gather_bytes(self) -> int:
        """How much is to be gathered at once."""

    def gathered(self, order: NDArray[np.int64], indices: Array, parts: list[slice]) -> Generator[Array, None, None]:
        """Yield inputs in an order, which `indices` is on the device, part after part; one may overwrite another."""

    def pieces(self, parts: Sequence[Part]) -> Generator[Array, None, None]:
        """Yield inputs part after part, shape (n, D) or (M, n, D)."""

    def at(self, part: slice) -> "Inputs":
        """Return those in a slice."""


class Resident(NamedTuple):
    """Inputs on the device, in the dtype of the network."""

    x: Array
    device: Device

    @property
    def samples(self) -> int:
        """Their number."""
        return int(self.x.shape[0])

    @property
    def gather_bytes(self) -> int:
        """How much suits the device."""
        return self.device.gather_bytes

    def gathered(self, order: NDArray[np.int64], indices: Array, parts: list[slice]) -> Generator[Array, None, None]:
        """Gather them, on a CPU into the same memory, since what it gives back to the system comes page by page."""
        xp, take_into = self.device.namespace, self.device.take_into
        rows = max(part.stop - part.start for part in parts)
        kept = xp.empty((rows, self.x.shape[1]), dtype=self.x.dtype, device=self.device.handle)
        taken = (take_into(self.x, indices[part], kept[: part.stop - part.start, :]) for part in parts)
        yield from ahead(taken, xp=xp)

    def pieces(self, parts: Sequence[Part]) -> Generator[Array, None, None]:
        """Yield views, and copies of those of members."""
        for part in parts:
            if isinstance(part, slice):
                yield self.x[part, :]
            else:
                yield taken_rows(self.x, self.device.asarray(part), xp=self.device.namespace)

    def at(self, part: slice) -> "Resident":
        """Return a view."""
        return self._replace(x=self.x[part, :])


class Streamed(NamedTuple):
    """Inputs on the host, gathered there and brought to the device by another thread, ahead of their use."""

    x: Rows
    device: Device
    dtype: str
    """That of the network."""

    @property
    def samples(self) -> int:
        """Their number."""
        return len(self.x)

    @property
    def gather_bytes(self) -> int:
        """How much suits a file."""
        return _STREAMED_BYTES

    def gathered(self, order: NDArray[np.int64], indices: Array, parts: list[slice]) -> Generator[Array, None, None]:
        """Gather them on the host."""
        return self._brought(order[part] for part in parts)

    def pieces(self, parts: Sequence[Part]) -> Generator[Array, None, None]:
        """Read them one after another."""
        return self._brought(parts)

    def at(self, part: slice) -> "Streamed":
        """Read nothing yet."""
        return self._replace(x=self.x.select(np.arange(len(self.x))[part]))

    def _brought(self, parts: Iterable[Part]) -> Generator[Array, None, None]:
        return made_ahead(map(self._at, parts), self.device)

    def _at(self, part: Part) -> Array:
        x = self.x[part] if isinstance(part, slice) else self.x[part.reshape(-1)].reshape(*part.shape, -1)
        # As those on a device lie: not every library takes what runs backwards through memory.
        return self.device.asarray(np.ascontiguousarray(x), self.dtype)


def placed(
    x: Array, device: Device, dtype: str, *, chosen: NDArray[np.int64] | None = None, stream: bool | None = None
) -> Inputs:
    """Return inputs, or the rows that are chosen, where they are to be.

    By default they are streamed where they are `Rows`, lie in a mapped file, or would take more than half of the
    device's memory. What is on the device already stays there.
    """
    on_host, count = isinstance(x, np.ndarray | Rows), x.shape[0] if chosen is None else len(chosen)
    if on_host and (_is_large(x, count, device, dtype) if stream is None else stream):
        rows = x if isinstance(x, Rows) else Rows(x)
        rows.check_streamable("x")
        return Streamed(rows if chosen is None else rows.select(chosen), device, dtype)
    if chosen is not None:
        x = x[chosen] if isinstance(x, Rows) else taken(x, chosen, axis=0)
    # Of rows that do not lie together, numpy.take would make a copy of all each time.
    return Resident(device.asarray(np.ascontiguousarray(x) if on_host else x, dtype), device)


def taken(array: Array, rows: NDArray[np.int64], *, axis: int) -> Array:
    """Return the entries at some rows, where the array is."""
    xp = array_namespace(array)
    return xp.take(array, xp.asarray(rows, device=place_of(array)), axis=axis)


def taken_rows(array: Array, rows: Array, *, xp: Namespace) -> Array:
    """Return the rows of an array at indices of any shape."""
    taken = xp.take(array, xp.reshape(rows, (-1,)), axis=0)
    return xp.reshape(taken, (*rows.shape, *array.shape[1:]))


def _is_large(x: NDArray[Any] | Rows, count: int, device: Device, dtype: str) -> bool:
    if isinstance(x, Rows) or is_mapped(x):
        return True
    there = device.name == "cpu" and x.dtype == dtype
    return not there and 2 * count * x.shape[1] * np.dtype(dtype).itemsize > (device.memory or math.inf)


def made_ahead(items: Iterator[Item], device: Device) -> Generator[Item, None, None]:
    """Yield items that another thread makes, no more than a few ahead of their use.

    What goes wrong there is raised here; and when this ends, early too, so does the thread.
    """

    def make() -> Item | None:
        with device.current():
            return next(items, None)

    context = copy_context()  # It says what NumPy is not to warn of.
    pool = ThreadPoolExecutor(1, "xpnet-stream")
    try:
        made = deque(pool.submit(context.copy().run, make) for _ in range(_AHEAD))
        while (item := made.popleft().result()) is not None:
            made.append(pool.submit(context.copy().run, make))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
