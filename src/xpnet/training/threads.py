"""How many threads NumPy's matrix products have during a training.

Two threads may halve the time of a product. On a machine where others work too they wait for each other, and it takes
a hundred times as long. So both are timed, one thread and as many as the caller allows, the faster is kept, and now and
then looked at again. That must not change the numbers: where the first step rounds differently with one thread and with
all, nothing is chosen.
"""

import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from itertools import chain
from statistics import median
from threading import Lock
from typing import Any, TypeAlias, TypeVar

import numpy as np

from xpnet._checks import check_count
from xpnet.devices import Device

AUTO = "auto"
"""Leaves the choice to time."""

_ROUNDS = 5
"""How often one thread and all are timed by turns, of which the median counts."""
_SECONDS = 1e-3
"""How long at least; a step may be shorter than the clock and the scheduler are good for."""
_GAIN = 0.97
"""Which part of the time of one thread all of them may take: for less gain they are not worth their heat."""
_COST = 0.01
"""Which part of the time of training goes into looking again."""

_IN_USE = Lock()
"""The number is one for the process: of trainings in several threads the first decides."""

Batch = TypeVar("Batch", bound=tuple[Any, ...])
Differentiate: TypeAlias = Callable[..., tuple[list[Any], ...]]


def check_threads(value: Any, name: str) -> None:
    """Refuse anything but a positive number and "auto"."""
    if isinstance(value, str) and value != AUTO:
        raise ValueError(f"{name} must be {AUTO} or a number of threads, got {value!r}: leave it out, or give 1")
    if value != AUTO:
        check_count(value, name)


class Threads:
    """The threads of a training: a number, or `AUTO`. On other devices than the CPU there is nothing to choose."""

    def __init__(self, wanted: int | str, device: Device) -> None:
        self._libraries = _libraries() if device.name == "cpu" else []
        self._all = max((library.num_threads for library in self._libraries), default=1)
        self._chosen = self._all if wanted == AUTO else int(wanted)
        self._choosing = wanted == AUTO and self._all > 1
        self._compared = False
        self._held = False
        self._due = 0.0
        self._start_trial()

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Let products have the threads that are chosen, and after that as many as the caller gave them."""
        self._held = bool(self._libraries) and _IN_USE.acquire(blocking=False)
        if not self._held:
            yield
            return
        before = [library.num_threads for library in self._libraries]
        try:
            self._set(self._chosen)
            yield
        finally:
            for library, count in zip(self._libraries, before, strict=True):
                library.set_num_threads(count)
            self._held = False
            _IN_USE.release()

    def watched(self, batches: Iterator[Batch], differentiate: Differentiate) -> Iterator[Batch]:
        """Yield the batches, a step of training each; `differentiate` says what numbers a step gives."""
        if self._choosing and self._held and not self._compared:
            first = next(batches)
            self._choosing, self._compared = self._same_numbers(lambda: differentiate(*first)), True
            batches = chain([first], batches)
        while self._choosing and self._held and time.perf_counter() >= self._due:
            if not (yield from self._timed_batches(batches)):
                return
        yield from batches

    def _timed_batches(self, batches: Iterator[Batch]) -> Generator[Batch, None, bool]:
        """Yield batches for long enough to time them, and return whether there were so many."""
        count, steps, seconds = self._trial[-1], 0, 0.0
        self._set(count)
        start = time.perf_counter()
        for batch in batches:
            yield batch
            steps, seconds = steps + 1, time.perf_counter() - start
            if seconds >= _SECONDS:
                break
        if steps:
            self._trial.pop()
            self._timed[count].append((seconds, steps))
        if not self._trial or self._is_clear():
            self._end_trial()
        return seconds >= _SECONDS

    def _start_trial(self) -> None:
        self._trial = [self._all, 1] * _ROUNDS
        self._timed: dict[int, list[tuple[float, int]]] = {1: [], self._all: []}

    def _is_clear(self) -> bool:
        """Return whether a trial can end early, since one number took twice the time of the other whenever it did."""
        one, every = ([seconds / steps for seconds, steps in timed] for timed in self._timed.values())
        return min(len(one), len(every)) > 1 and (min(one) > 2 * max(every) or min(every) > 2 * max(one))

    def _end_trial(self) -> None:
        steps = {count: median(seconds / steps for seconds, steps in timed) for count, timed in self._timed.items()}
        self._chosen = self._all if steps[self._all] < _GAIN * steps[1] else 1
        self._set(self._chosen)
        lost = sum(
            seconds - number * steps[self._chosen] for timed in self._timed.values() for seconds, number in timed
        )
        self._due = time.perf_counter() + max(1.0, lost / _COST)
        self._start_trial()

    def _same_numbers(self, results: Callable[[], tuple[list[Any], ...]]) -> bool:
        """Return whether one thread and all give the same results to the bit; goes on with what is chosen."""
        each = []
        for count in (1, self._all):
            self._set(count)
            each.append([np.array(array) for arrays in results() for array in arrays])
        self._set(self._chosen)
        return all(np.array_equal(one, other, equal_nan=True) for one, other in zip(*each, strict=True))

    def _set(self, count: int) -> None:
        for library in self._libraries:
            library.set_num_threads(count)


def _libraries() -> list[Any]:
    """Return what controls each library of matrix products that is loaded."""
    from threadpoolctl import ThreadpoolController  # imported here, since looking for libraries takes a while

    return list(ThreadpoolController().select(user_api="blas").lib_controllers)
