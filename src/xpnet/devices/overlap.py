"""What is needed next, made beside what is done now."""

import threading
from collections.abc import Iterator
from typing import Any, TypeVar

from array_api_compat import is_cupy_namespace

from xpnet._typing import Namespace
from xpnet.devices.libraries import import_cupy

Item = TypeVar("Item")


def ahead(items: Iterator[Item], *, xp: Namespace) -> Iterator[Item]:
    """Yield items of arrays: with CuPy each is made on a second stream while the one before it is worked with.

    An item must have memory of its own, and be done with, as far as calls go, before the next is asked for. Other
    libraries make each item when it is asked for.

    Examples
    --------
    >>> import array_api_compat.numpy as xp
    >>> from xpnet.devices import ahead
    >>> [int(xp.sum(item)) for item in ahead((xp.ones(n) for n in (1, 2)), xp=xp)]
    [1, 2]
    """
    if not is_cupy_namespace(xp):
        return items
    cuda = import_cupy().cuda
    try:
        here, beside = cuda.get_current_stream(), _second_stream(cuda)
        beside.wait_event(here.record())
    except Exception:  # Of many kinds, and each means that there is one stream alone: then it does all.
        return items
    return _on_two_streams(items, here, beside)


class _Streams(threading.local):
    """The second stream of each GPU, one for a thread: CuPy keeps memory for each, to be used again on that alone."""

    def __init__(self) -> None:
        self.of: dict[int, Any] = {}


_SECOND = _Streams()


def _second_stream(cuda: Any) -> Any:
    gpu = cuda.Device().id
    if gpu not in _SECOND.of:
        _SECOND.of[gpu] = cuda.Stream(non_blocking=True)
    return _SECOND.of[gpu]


def _on_two_streams(items: Iterator[Item], here: Any, beside: Any) -> Iterator[Item]:
    made = None
    while True:
        # What is made now may get memory of an item that is done with: after all that has been asked of it.
        beside.wait_event(here.record())
        with beside:
            item = next(items, None)
        ready = beside.record()
        if made is not None:
            here.wait_event(made[1])
            yield made[0]
        if item is None:
            return
        made = item, ready
