"""How samples and mini-batches are cut into shards, and which of these are a process's own."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._checks import check_count
from xpnet._typing import Array
from xpnet.training.parallel import Processes


class Share(NamedTuple):
    """What a shard has of the samples, and of every mini-batch."""

    start: int
    stop: int
    """Its samples are those from `start` on, before `stop`."""
    batch_size: int
    """Of each mini-batch of the full size, it has so many samples."""
    steps: int
    """The number of these mini-batches; what is left of its samples belongs to one more, shorter one."""

    def order(self, order: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return where an order of all samples visits those of this shard, counted from its `start`."""
        return order[(order >= self.start) & (order < self.stop)] - self.start


class Sharding(NamedTuple):
    """A number of shards, and the processes that have each some of them.

    A shard has so many samples of each mini-batch that their numbers differ by one at most, always in the same part of
    the data: so a process needs no other part, and only the sums of all shards are told to all.

    Examples
    --------
    >>> from xpnet.training.sharding import Sharding
    >>> Sharding(shards=2).shares(samples=23, batch_size=5)
    [Share(start=0, stop=14, batch_size=3, steps=4), Share(start=14, stop=23, batch_size=2, steps=4)]
    """

    shards: int = 1
    processes: Processes = Processes()

    @property
    def counts(self) -> list[int]:
        """How many shards each process has."""
        ends = [rank * self.shards // self.processes.size for rank in range(self.processes.size + 1)]
        return [stop - start for start, stop in zip(ends, ends[1:], strict=False)]

    def shares(self, samples: int, batch_size: int) -> list[Share]:
        """Return the shares of this process's shards."""
        steps, left = divmod(samples, batch_size)
        sizes = [(_part(batch_size, self.shards, shard), _part(left, self.shards, shard)) for shard in range(self.shards)]
        ends = np.cumsum([0, *(steps * size + rest for size, rest in sizes)]).tolist()
        first = sum(self.counts[: self.processes.rank])
        own = range(first, first + self.counts[self.processes.rank])
        return [Share(ends[shard], ends[shard + 1], sizes[shard][0], steps) for shard in own]

    def sum(self, parts: Sequence[Array]) -> Array:
        """Return the sum over all shards, given a part for each of this process's own."""
        return self.processes.sum(parts, self.counts)

    def check(self, samples: int, batch_size: int) -> None:
        """Refuse a number of shards that leaves a process, or a shard, without samples."""
        check_count(self.shards, "shards")
        ...


def _part(count: int, parts: int, index: int) -> int:
    """Return the size of a part, where all are as large as can be alike, and the first ones the larger."""
    return count // parts + (index < count % parts)
