"""One network over many processes: what these tell each other.

Every mini-batch is cut into as many shards as `Sharding` says, however many processes there are. Each process holds the
samples of its own shards and computes their gradients, and all do the same step with the sum over all shards, added in
the order of the shards. So 1, 2 and 4 processes come to the same parameters bit for bit, on processors of one kind and
with as many BLAS threads in each.
"""

import platform
from collections.abc import Callable, Sequence
from functools import reduce
from operator import add
from time import monotonic, sleep
from typing import Any, NoReturn, TypeVar

from array_api_compat import array_namespace, device

from xpnet._typing import Array
from xpnet.devices import (
    Device,
    DeviceUnavailableError,
    Nccl,
    gpu_with_nccl,
    is_on_gpu,
    nccl_id,
    select_device,
    to_host,
)
from xpnet.training.ordered_sum import ByMPI, OrderedSum

Value = TypeVar("Value")


class Processes:
    """The processes that train one network together: here, this one alone.

    All of them have to call the same methods in the same order.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.training import Processes
    >>> Processes().sum([np.asarray([1.0, 2.0]), np.asarray([3.0, 4.0])], counts=[2])
    array([4., 6.])
    """

    size: int = 1
    """How many they are."""
    rank: int = 0
    """Which of them this one is; the first, 0, reads, prints and writes for all."""
    place: int = 0
    """Which of those on its machine it is."""

    def sum(self, parts: Sequence[Array], counts: Sequence[int]) -> Array:
        """Return the sum of all parts, added in the order of processes and, in each, as they come.

        Parameters
        ----------
        parts : sequence of arrays
            Those of this process: one or more, of one shape and dtype in all processes.
        counts : sequence of int
            How many parts each process has.
        """
        return reduce(add, parts)

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Return what `make` returns in the first process, the only one to call it."""
        return make()

    def largest(self, number: int) -> int:
        """Return the largest of the numbers that the processes give."""
        return number

    def select_device(self, request: str, *, operations: int | None = None) -> Device:
        """Return what `xpnet.select_device` does; of GPUs without a number, each process on a machine gets another."""
        return select_device(request, operations=operations)

    def lasting_name(self, device: Device) -> str:
        """Return the name by which all processes find their devices again."""
        return device.name

    def all_come(self, seconds: float) -> bool:
        """Return whether all processes call this, as after an error that is one of all, before so long has passed."""
        return True

    def abort(self, code: int) -> NoReturn:
        """End all processes, whatever they do or wait for, with an exit code."""
        raise SystemExit(code)


class MPIProcesses(Processes):
    """Those that ``mpiexec`` started.

    Arrays of CuPy go straight from GPU to GPU by NCCL, where all processes have it (``pip install nvidia-nccl-cu13``,
    or ``-cu12``) and each a GPU of its own; else by MPI where it says that it takes them (``mpi_memory_alloc_kinds`` of
    its version 4.1); other arrays, and these where neither is so, by way of the host. What is said here of GPUs has not
    been seen on any yet.

    Start a program of your own as ``mpiexec -n 4 python -m mpi4py program.py``, which ends all processes when one
    fails. When one is killed, ``mpiexec`` says so and kills the others before these could say more; a run with
    checkpoints goes on from the last of them.

    Parameters
    ----------
    communicator : mpi4py.MPI.Comm, optional
        All that were started, by default.

    Raises
    ------
    ImportError
        If there is no mpi4py, or no MPI.
    """

    def __init__(self, communicator: Any = None) -> None:
        self._communicator = _world() if communicator is None else communicator
        self._last = self._communicator.Dup()  # What others still tell each other does not meet what is told there.
        self.size, self.rank = self._communicator.Get_size(), self._communicator.Get_rank()
        machines = self._communicator.allgather(platform.node())
        self.place = machines[: self.rank].count(machines[self.rank])
        self._by_mpi = OrderedSum(self.size, ByMPI(self._communicator))
        self._between_gpus: dict[Any, OrderedSum | None] = {}

    def sum(self, parts: Sequence[Array], counts: Sequence[int]) -> Array:
        """Return the sum of all parts, added in the order of processes and, in each, as they come."""
        ordered_sum = self._between(parts[0]) if is_on_gpu(parts[0]) else None
        if ordered_sum is not None:
            return ordered_sum(parts, counts)
        total = self._by_mpi([to_host(part) for part in parts], counts)
        return array_namespace(parts[0]).asarray(total, device=device(parts[0]))

    def from_first(self, make: Callable[[], Value]) -> Value:
        """Return what `make` returns in the first process, the only one to call it."""
        made: Value = self._communicator.bcast(None if self.rank else make())
        return made

    def largest(self, number: int) -> int:
        """Return the largest of the numbers that the processes give."""
        numbers: list[int] = self._communicator.allgather(number)
        return max(numbers)

    def select_device(self, request: str, *, operations: int | None = None) -> Device:
        """Return what `xpnet.select_device` does; of GPUs without a number, each process on a machine gets another.

        Raises
        ------
        DeviceUnavailableError
            If some have a GPU, and others none.
        """
        device = select_device(request, operations=operations)
        if device.name.startswith("gpu") and ":" not in request:
            device = select_device(f"gpu:{self.place}")
        kinds = self._communicator.allgather(device.name.partition(":")[0])
        if len(set(kinds)) > 1:
            raise DeviceUnavailableError(
                f"all processes must have the same kind of device, got {', '.join(kinds)}, asked for {request}: "
                "take cpu, or give each a GPU"
            )
        return device

    def lasting_name(self, device: Device) -> str:
        """Return the name by which all processes find their devices again."""
        return "gpu" if device.name.startswith("gpu") and self.size > 1 else device.name

    def all_come(self, seconds: float) -> bool:
        """Return whether all processes call this, as after an error that is one of all, before so long has passed."""
        request, end = self._last.Ibarrier(), monotonic() + seconds
        while not (come := bool(request.Test())) and monotonic() < end:
            sleep(0.01)
        return come

    def abort(self, code: int) -> NoReturn:
        """End all processes, whatever they do or wait for, with an exit code."""
        self._communicator.Abort(code)
        raise SystemExit(code)

    def _between(self, like: Array) -> OrderedSum | None:
        """Return what adds up arrays where they are, on a GPU; None where that cannot be."""
        gpu = device(like).id
        if gpu not in self._between_gpus:
            gpus = self._communicator.allgather(gpu_with_nccl(like))
            if None not in gpus and len(set(gpus)) == self.size:
                nccl = Nccl(self.size, self.rank, self.from_first(nccl_id))
                self._between_gpus[gpu] = OrderedSum(self.size, nccl)
            else:
                kinds = self._communicator.Get_info().get("mpi_memory_alloc_kinds", "").split(",")
                takes_cuda = any(kind.partition(":")[0] == "cuda" for kind in kinds)
                self._between_gpus[gpu] = self._by_mpi if takes_cuda else None
        return self._between_gpus[gpu]


def _world() -> Any:
    try:
        from mpi4py import MPI  # imported here, since it is optional, and starts MPI
    except (ImportError, RuntimeError) as error:  # The latter where it finds no MPI.
        raise ImportError(
            f'several processes need mpi4py and an MPI ({error}): pip install "xpnet[mpi]", and mpich if the machine '
            "has none"
        ) from error
    return MPI.COMM_WORLD
