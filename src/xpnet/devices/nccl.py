"""NCCL: what processes tell each other from GPU to GPU, each with a GPU of its own.

Written by the documents of NVIDIA and CuPy: it has not been seen on a GPU.
"""

import warnings
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from xpnet._typing import Array
from xpnet.devices.libraries import import_cupy


class Nccl:
    """Collective operations on contiguous arrays of CuPy, in the current stream: no process waits for the others.

    Parameters
    ----------
    size, rank : int
        How many processes there are, and which of them this one is.
    unique_id : object
        What `nccl_id` returned in one of them.
    """

    def __init__(self, size: int, rank: int, unique_id: Any) -> None:
        self._library = import_module("cupy.cuda.nccl")
        self._communicator = self._library.NcclCommunicator(size, unique_id, rank)

    def alltoall(self, sent: Array, lengths: Sequence[int], received: Array, expected: Sequence[int]) -> None:
        """Send each process in turn so many entries, and receive as many from each as are expected."""
        kind, stream, step = self._kind(sent), _stream(), sent.itemsize
        source, target = sent.data.ptr, received.data.ptr
        self._library.groupStart()  # One after the other, all would wait to be received.
        for peer, (given, taken) in enumerate(zip(lengths, expected, strict=True)):
            self._communicator.send(source, given, kind, peer, stream)
            self._communicator.recv(target, taken, kind, peer, stream)
            source, target = source + given * step, target + taken * step
        self._library.groupEnd()

    def allgather(self, part: Array, whole: Array) -> None:
        """Put the parts of all processes one after another."""
        self._communicator.allGather(part.data.ptr, whole.data.ptr, part.size, self._kind(part), _stream())

    def _kind(self, array: Array) -> Any:
        return getattr(self._library, f"NCCL_{array.dtype.name.upper()}")


def nccl_id() -> Any:
    """Return what the processes find each other by."""
    return import_module("cupy.cuda.nccl").get_unique_id()


def gpu_with_nccl(array: Array) -> bytes | None:
    """Return what tells the GPU of an array of CuPy from all others; None where NCCL is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # CuPy's, that it cannot load the library.
            available = import_module("cupy.cuda.nccl").available
    except ImportError:
        return None
    properties = import_cupy().cuda.runtime.getDeviceProperties(array.device.id)
    return bytes(properties["uuid"]) if available else None


def _stream() -> int:
    pointer: int = import_cupy().cuda.get_current_stream().ptr
    return pointer
