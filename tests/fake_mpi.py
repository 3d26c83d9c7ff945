"""MPI among threads: a communicator with the few methods that are used, and what it was given to look at."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from xpnet.training import MPIProcesses


class World:
    """What the communicators of all threads share."""

    def __init__(self, size: int, kinds: str | None = None) -> None:
        self.size, self.kinds = size, kinds
        self.given: list[Any] = [None] * size
        self.barrier = Barrier(size)
        self.codes: list[int] = []
        self.come: set[int] = set()


class Communicator:
    """That of one thread."""

    def __init__(self, world: World, rank: int) -> None:
        self.world, self.rank = world, rank
        self.buffers: list[Any] = []

    def Get_size(self) -> int:
        return self.world.size

    def Get_rank(self) -> int:
        return self.rank

    def Get_info(self) -> dict[str, str]:
        return {} if self.world.kinds is None else {"mpi_memory_alloc_kinds": self.world.kinds}

    def Dup(self) -> "Communicator":
        return self

    def Ibarrier(self) -> "Communicator":
        self.world.come.add(self.rank)
        return self

    def Test(self) -> bool:
        return len(self.world.come) == self.world.size

    def Abort(self, code: int) -> None:
        self.world.codes.append(code)

    def allgather(self, value: Any) -> list[Any]:
        self.world.given[self.rank] = value
        self.world.barrier.wait()
        values = list(self.world.given)
        self.world.barrier.wait()
        return values

    def bcast(self, value: Any) -> Any:
        return self.allgather(value)[0]

    def Alltoallv(self, sent: list[Any], received: list[Any]) -> None:
        (buffer, counts), (target, expected) = sent, received
        self.buffers += [buffer, target]
        start, flat = 0, target.reshape(-1)
        for other, lengths in self.allgather((buffer.reshape(-1).copy(), counts)):
            first = sum(lengths[: self.rank])
            flat[start : start + lengths[self.rank]] = other[first : first + lengths[self.rank]]
            assert lengths[self.rank] == expected.pop(0)
            start += lengths[self.rank]

    def Allgather(self, sent: Any, received: Any) -> None:
        self.buffers += [sent, received]
        for row, other in enumerate(self.allgather(sent.copy())):
            received.reshape(self.world.size, -1)[row, :] = other


def in_threads(size: int, work: Callable[[MPIProcesses], Any], kinds: str | None = None) -> list[Any]:
    """Return what `work` returns in each of so many "processes"; an error in one is raised."""
    world = World(size, kinds)

    def run(rank: int) -> Any:
        try:
            return work(MPIProcesses(Communicator(world, rank)))
        except BaseException:
            world.barrier.abort()
            raise

    with ThreadPoolExecutor(size) as pool:
        return list(pool.map(run, range(size)))
