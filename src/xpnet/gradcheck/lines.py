"""Lines through x along which f is looked at: one for each entry of an array, or some random directions."""

from abc import ABC, abstractmethod
from typing import Any

import numpy as np

from xpnet.gradcheck.problem import Problem
from xpnet.gradcheck.slopes import Ladder
from xpnet.numerical.noise import Host

_ULPS = 1
"""The smallest step, in units of the last place of the coordinate."""
_BELOW = 2.0**-8
"""The smallest step at 0, in units of eps times the scale."""
_WIDEST = 0.5
_FAR = 4.0


class Lines(ABC):
    """n lines: for each its scale, the first step to take, and how large the coordinate is that moves."""

    def __init__(self, problem: Problem, scale: Host, size: Host, h: Host | None) -> None:
        self.problem, self.scale, self.size = problem, scale, size
        self.h = problem.eps ** (1 / 3) * scale if h is None else h

    @abstractmethod
    def sample(self, lines: Host, steps: Host) -> tuple[Host, Host]:
        """Return the steps really taken, shape (k,), and f there, shape (k, values of f)."""

    def near(self) -> Ladder:
        """Return f at h and 2h to both sides of x, on all lines."""
        lines = np.arange(len(self.h))
        return self._ladder(lines, np.stack([self.h, 2 * self.h]))

    def far(self, lines: Host) -> Ladder:
        """Return f at a quarter and at four times of the scale."""
        scale = np.maximum(self.scale[lines], self.h[lines])
        return self._ladder(lines, np.stack([_WIDEST / 2 * scale, _FAR * scale]))

    def all_steps(self, lines: Host) -> Ladder:
        """Return f at steps from half the scale down to the precision of the coordinate, each half the last one.

        For a coordinate far below the scale, those between that and the precision of the scale are left out.
        """
        h, scale, size, eps = self.h[lines], self.scale[lines], self.size[lines], self.problem.eps
        lowest = _BELOW * eps * scale
        smallest = np.where(size > 0, _ULPS * eps * size, lowest)
        largest = np.maximum(_WIDEST * scale, 2 * h)
        low, high = int(np.floor(np.min(np.log2(smallest / h)))), int(np.ceil(np.max(np.log2(largest / h))))
        steps = np.ldexp(h, np.arange(low, high + 1)[:, None])
        taken = (steps >= smallest) & (steps <= largest) & ((steps <= 4 * size) | (steps >= lowest))
        return self._ladder(lines, np.where(taken, steps, np.nan))

    def _ladder(self, lines: Host, steps: Host) -> Ladder:
        """Return f at steps of shape (steps, lines); a column of the ladder for each line and value of f."""
        which, at = np.broadcast_to(lines, steps.shape), np.isfinite(steps)
        values = self.problem.centre.size
        found = []
        for sign in (1, -1):
            actual, f = self.sample(which[at], sign * steps[at])
            taken, seen = np.full(steps.shape, np.nan), np.full((*steps.shape, values), np.nan)
            taken[at] = np.where(actual == 0, np.nan, np.abs(actual))
            seen[at] = np.where(np.isfinite(f), f, np.nan)
            found.append((np.repeat(taken, values, axis=1), seen.reshape(len(steps), -1)))
        (right, above), (left, below) = found
        centre, size = np.tile(self.problem.centre, len(lines)), np.repeat(self.size[lines], values)
        tiny = np.full(centre.shape, self.problem.tiny)
        return Ladder(right, left, above, below, centre, size, self.problem.eps, tiny)


class EntryLines(Lines):
    """One line for each of some entries of an array."""

    def __init__(self, problem: Problem, name: str, index: Host, h: Host | None) -> None:
        at, scale = problem.hosts[name].reshape(-1)[index], problem.scales[name].reshape(-1)[index]
        super().__init__(problem, scale, np.abs(at), None if h is None else h.reshape(-1)[index])
        self._name, self._index = name, index
        if h is not None:
            actual = problem.shifted(name, index, self.h)[1]
            if np.any((actual == 0) & np.isfinite(at)):
                raise ValueError(
                    f"h = {float(np.min(self.h))!r} vanishes beside some x: x + h == x in "
                    f"{problem.arrays[name].dtype}; take a larger h, or h=None for steps that suit every x"
                )

    def sample(self, lines: Host, steps: Host) -> tuple[Host, Host]:
        """Move one entry at a time."""
        return self.problem.moved(self._name, self._index[lines], steps)


class DirectionLines(Lines):
    """Lines along which every entry of every array moves; rounding of n entries counts as that of sqrt(n)."""

    def __init__(self, problem: Problem, directions: list[dict[str, Host]], h: float | None) -> None:
        ones = np.ones(len(directions))
        entries = sum(host.size for host in problem.hosts.values())
        super().__init__(problem, ones, np.sqrt(entries) * ones, None if h is None else h * ones)
        self._directions = directions

    def sample(self, lines: Host, steps: Host) -> tuple[Host, Host]:
        """Move along one direction at a time."""
        values: list[Any] = [
            self.problem.along(self._directions[line], step[None]) for line, step in zip(lines, steps, strict=True)
        ]
        return steps, np.concatenate([np.zeros((0, self.problem.centre.size)), *values])
