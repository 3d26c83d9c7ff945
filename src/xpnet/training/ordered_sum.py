"""Sums over processes, added in one order however many these are.

An MPI, or NCCL, that adds up numbers itself promises no order. So each process gets its piece of the parts of all
shards (alltoall), adds these up, and passes the sum on (allgather): with n numbers, S shards and R processes each of
them receives ``(S / R + 1) n`` numbers, 2 n where there is a shard for each.
"""

from collections.abc import Sequence
from functools import partial, reduce
from operator import iadd
from typing import Any, Protocol

from array_api_compat import array_namespace, device

from xpnet._typing import Array
from xpnet.devices import is_on_gpu, synchronize


class Collectives(Protocol):
    """What all processes do together, in one order; with contiguous arrays, of NumPy or CuPy."""

    def alltoall(self, sent: Array, lengths: Sequence[int], received: Array, expected: Sequence[int]) -> None:
        """Send each process in turn so many entries, and receive as many from each as are expected."""

    def allgather(self, part: Array, whole: Array) -> None:
        """Put the parts of all processes one after another."""


class ByMPI:
    """Those of MPI, once all is done that was asked of a GPU."""

    def __init__(self, communicator: Any) -> None:
        self._communicator = communicator

    def alltoall(self, sent: Array, lengths: Sequence[int], received: Array, expected: Sequence[int]) -> None:
        """Send each process in turn so many entries, and receive as many from each as are expected."""
        synchronize(sent)
        self._communicator.Alltoallv([sent, lengths], [received, expected])

    def allgather(self, part: Array, whole: Array) -> None:
        """Put the parts of all processes one after another."""
        synchronize(part)
        self._communicator.Allgather(part, whole)


class OrderedSum:
    """The sum of parts of all processes, added in the order of processes and, in each, as they come."""

    def __init__(self, size: int, collectives: Collectives) -> None:
        self._size, self._collectives = size, collectives
        self._kept: dict[Any, tuple[Array, Array]] = {}

    def __call__(self, parts: Sequence[Array], counts: Sequence[int]) -> Array:
        """Return it; each process has so many parts, all of one shape and dtype."""
        like = parts[0]
        sent, received = self._buffers(like, len(parts), sum(counts))
        piece = received.shape[1]
        full = like.size // piece  # The process after those gets what is left, and others nothing.
        for row, part in enumerate(parts):
            flat = part.reshape(-1)
            sent[:full, row, :] = flat[: full * piece].reshape(full, piece)
            sent[full : full + 1, row, : like.size - full * piece] = flat[full * piece :]
        lengths, expected = [len(parts) * piece] * self._size, [count * piece for count in counts]
        self._collectives.alltoall(sent, lengths, received, expected)
        total = reduce(iadd, received)
        whole = array_namespace(like).empty(self._size * piece, dtype=like.dtype, device=device(like))
        self._collectives.allgather(total, whole)
        return whole[: like.size].reshape(like.shape)

    def _buffers(self, like: Array, own: int, shards: int) -> tuple[Array, Array]:
        """Return what such parts are sent from, shape (size, own, piece), and into, (shards, piece)."""
        key = like.size, like.dtype, own, shards
        if key not in self._kept:
            new = partial(array_namespace(like).zeros, dtype=like.dtype, device=device(like))
            piece = -(-like.size // self._size)
            buffers = new((self._size, own, piece)), new((shards, piece))
            if is_on_gpu(like):  # Two streams would write into the same memory, of which CuPy keeps some for each.
                return buffers
            self._kept[key] = buffers  # To ask for memory anew in every step takes longer than the additions.
        return self._kept[key]
