"""Data that stay on the host: the next mini-batches come to the device while those before them are trained on."""

import math
from collections import deque
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._typing import Array, Namespace
from xpnet.datasets import Rows
from xpnet.datasets.rows import is_mapped
from xpnet.devices import Device, to_host
from xpnet.network import TwoLayerNet
from xpnet.training.batches import Item, Source, Split

_BLOCK_BYTES = 16 * 2**20
"""More than is gathered at once on a device: the more rows, the more of them lie side by side in a file."""
_AHEAD = 2
"""So many items are made, or being made, while one is used."""


class Streamed(NamedTuple):
    """A data set on the host, of which some samples at a time are brought to the network's device."""

    net: TwoLayerNet[Any]
    x: Rows
    t: NDArray[Any]
    sample_weight: NDArray[Any] | None

    @property
    def samples(self) -> int:
        """How many there are."""
        return len(self.x)

    @property
    def block_bytes(self) -> int:
        """How much is to be gathered at once."""
        return _BLOCK_BYTES

    @property
    def xp(self) -> Namespace:
        """The namespace of its splits."""
        return self.net.device.namespace

    def indices(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return indices on the host, where they are."""
        return order

    def gatherer(self, rows: int) -> Callable[[Array], Split]:
        """Return what gathers samples on the host and brings them to the device."""
        return self._bring

    def at(self, rows: slice) -> Split:
        """Return the samples in a slice of rows, on the device."""
        return self._bring(rows)

    def select(self, rows: NDArray[np.int64], *, weighted: bool = True) -> "Streamed":
        """Return the data set of the samples at some rows."""
        return Streamed(self.net, self.x.select(rows), self.t[rows], self._weights(rows) if weighted else None)

    def ahead(self, items: Iterator[Item]) -> Generator[Item, None, None]:
        """Yield items that are made of these samples, ahead of their use."""
        return _ahead(items, self.net.device)

    def _bring(self, rows: Any) -> Split:
        return Split.of(self.net, self.x[rows], self.t[rows], self._weights(rows))

    def _weights(self, rows: Any) -> NDArray[Any] | None:
        weight = self.sample_weight
        if weight is not None:
            # In the layout of memory that they get on a device: else their sums would be rounded in another order.
            weight = weight[..., rows] if isinstance(rows, slice) else np.take(weight, rows, axis=-1)
        return weight


def source(
    net: TwoLayerNet[Any], x: Array, t: Array, sample_weight: Array | None = None, *, stream: bool | None = None
) -> Source:
    """Return checked data as they are to be used: brought to the device at once, or streamed.

    By default streamed where they are `Rows`, lie in a mapped file, or would take half of the device's memory or more.
    What is on the device already stays there.
    """
    on_host = isinstance(x, np.ndarray | Rows)
    if not on_host or not (_is_large(net, x) if stream is None else stream):
        return Split.of(net, x, t, sample_weight)
    rows = x if isinstance(x, Rows) else Rows(x)
    rows.check_streamable("x")
    return Streamed(net, rows, to_host(t), None if sample_weight is None else to_host(sample_weight))


def _is_large(net: TwoLayerNet[Any], x: NDArray[Any] | Rows) -> bool:
    if isinstance(x, Rows) or is_mapped(x):
        return True
    there = net.device.name == "cpu" and x.dtype == net.dtype
    return not there and 2 * x.size * np.dtype(net.dtype).itemsize > (net.device.memory or math.inf)


def _ahead(items: Iterator[Item], device: Device) -> Generator[Item, None, None]:
    """Yield items that another thread makes, no more than a few ahead of their use.

    What goes wrong there is raised here; and when this ends, early too, so does the thread.
    """

    def make() -> Item | None:
        with device.current():
            return next(items, None)

    context = copy_context()  # It says what NumPy is not to warn of.
    pool = ThreadPoolExecutor(1, "xpnet-stream")
    try:
        made = deque(pool.submit(context.run, make) for _ in range(_AHEAD))
        while (item := made.popleft().result()) is not None:
            made.append(pool.submit(context.run, make))
            yield item
    finally:
        pool.shutdown(cancel_futures=True)
