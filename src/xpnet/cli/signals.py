"""Ctrl-C, SIGTERM and SIGHUP during a training: an epoch counts whole or not at all."""

import signal
from collections.abc import Iterable, Iterator
from types import FrameType, TracebackType
from typing import Any, Self, TypeVar

from xpnet.training import Processes

Item = TypeVar("Item")

_NUMBERS = [getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)]


class Stopped(BaseException):
    """A signal asked for the end."""

    def __init__(self, number: int) -> None:
        super().__init__(f"stopped by {signal.Signals(number).name}")
        self.number = number
        self.note = ""
        """What there is to tell."""


def heeded() -> list[int]:
    """Return the signals that this process does not ignore, as under nohup."""
    return [number for number in _NUMBERS if signal.getsignal(number) not in (signal.SIG_IGN, None)]


class StopSignals:
    """While it is entered, a signal raises `Stopped` inside `between`; one that comes elsewhere, at the next `check`.

    So what is being written is written to its end. After the first signal, Ctrl-C ends the process at once, and the
    others are not heard: a terminal that closes may send SIGHUP twice.

    Of several processes, a signal to one stops all, before the same item.
    """

    def __init__(self, processes: Processes) -> None:
        self._processes = processes
        self._number: int | None = None
        self._at_work = False
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self._before = {number: signal.signal(number, self._stop) for number in heeded()}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def between(self, items: Iterable[Item]) -> Iterator[Item]:
        """Yield the items, whose making a signal may break off at any instruction."""
        iterator = iter(items)
        while True:
            try:
                self._at_work = self._processes.size == 1
                self.check()
                item = next(iterator)
            except StopIteration:
                return
            finally:
                self._at_work = False
            yield item

    def check(self) -> None:
        """Raise `Stopped` if there was a signal, to any of the processes."""
        number = self._processes.largest(self._number or 0)
        if number:
            raise Stopped(number)

    def _stop(self, number: int, frame: FrameType | None) -> None:
        if self._number is not None:
            return
        self._number = number
        if signal.SIGINT in self._before:
            signal.signal(signal.SIGINT, signal.SIG_DFL)
        if self._at_work:
            self._at_work = False
            raise Stopped(number)
