"""How samples and mini-batches are cut into shards, and which of these are a process's own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import accumulate, pairwise
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet._typing import Array
from xpnet.training.parallel import Processes


class Share(NamedTuple):
    """What a shard has of the samples, and of the mini-batches of an epoch."""

    rows: slice
    """Its samples."""
    batches: tuple[tuple[int, int], ...]
    """So many mini-batches, and how many samples of its own are in each: the full ones, and a last short one."""
    largest: int
    """What the shard that has most of a mini-batch has of it."""

    def order(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return in which order its samples, numbered from 0, come in an order of all samples."""
        if self.rows == slice(0, len(order)):
            return order
        own: NDArray[np.int64] = order[(order >= self.rows.start) & (order < self.rows.stop)] - self.rows.start
        return own


@dataclass(frozen=True)
class Sharding:
    """A number of shards, and the processes that share them out.

    Of each mini-batch every shard has as many samples as the others, or one more, always from the same part of the
    data: a process never needs the samples of another.

    Parameters
    ----------
    shards : int
        As many as there are processes, or more.
    processes : Processes
        Each has shards that follow one another, as many as the others or one more.

    Examples
    --------
    >>> from xpnet.training.sharding import Sharding
    >>> for share in Sharding(shards=2).shares(samples=23, batch_size=5):
    ...     print(share.rows, share.batches)
    slice(0, 14, None) ((4, 3), (1, 2))
    slice(14, 23, None) ((4, 2), (1, 1))
    """

    shards: int = 1
    processes: Processes = field(default_factory=Processes)

    def check(self, limits: Mapping[str, int]) -> None:
        """Refuse a number of shards that leaves a process without shards, or is above one of these named limits."""
        check_count(self.shards, "shards")
        if self.shards < self.processes.size:
            raise ValueError(
                f"shards must be at least {self.processes.size}, one for each process, got {self.shards}: "
                "take more, or start fewer processes"
            )
        for name, limit in limits.items():
            if self.shards > limit:
                raise ValueError(f"shards must be at most the {name}, {limit}, got {self.shards}: take fewer")

    @cached_property
    def counts(self) -> list[int]:
        """How many shards each process has."""
        return _cut(self.shards, self.processes.size)

    @property
    def own(self) -> int:
        """How many shards this process has."""
        return self.counts[self.processes.rank]

    def shares(self, samples: int, batch_size: int) -> list[Share]:
        """Return the shares of the shards of this process."""
        full, left = divmod(samples, batch_size)
        sizes = list(zip(_cut(batch_size, self.shards), _cut(left, self.shards), strict=True))
        ends = accumulate((full * size + rest for size, rest in sizes), initial=0)
        shares = [
            Share(slice(start, stop), ((full, size), (int(left > 0), rest)), sizes[0][0] if full else sizes[0][1])
            for (start, stop), (size, rest) in zip(pairwise(ends), sizes, strict=True)
        ]
        first = sum(self.counts[: self.processes.rank])
        return shares[first : first + self.own]

    def sum(self, parts: Sequence[Array]) -> Array:
        """Return the sum over all shards, in their order, given a part for each of this process's own."""
        return self.processes.sum(parts, self.counts)


def _cut(count: int, parts: int) -> list[int]:
    """Return parts of a count that differ by one at most, the larger ones first."""
    return [count // parts + (part < count % parts) for part in range(parts)]
