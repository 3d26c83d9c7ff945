"""Learning rates that depend on the step: each schedule is a callable ``rate(step)``, with steps counted from 0.

A plain number is the constant schedule; an array of shape (M,) is a constant of its own for each member.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from xpnet._checks import check_count, check_positive
from xpnet._typing import Array

Schedule: TypeAlias = Callable[[int], float]
LearningRate: TypeAlias = float | Schedule | Array


@dataclass(frozen=True)
class StepDecay:
    """``initial * factor ** (step // every)``: the rate falls by `factor` after every so many steps.

    Examples
    --------
    >>> [StepDecay(0.5, factor=0.5, every=10)(step) for step in (0, 9, 10, 20)]
    [0.5, 0.5, 0.25, 0.125]
    """

    initial: float
    factor: float = 0.1
    every: int = 1000

    def __post_init__(self) -> None:
        check_positive(self.initial, "initial")
        check_positive(self.factor, "factor")
        check_count(self.every, "every")

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.every)


@dataclass(frozen=True)
class CosineDecay:
    """``final + (initial - final) (1 + cos(pi step / steps)) / 2``, and `final` from step `steps` on.

    References
    ----------
    I. Loshchilov and F. Hutter, 2017, SGDR: stochastic gradient descent with warm restarts.

    Examples
    --------
    >>> [round(CosineDecay(1.0, steps=4)(step), 3) for step in range(6)]
    [1.0, 0.854, 0.5, 0.146, 0.0, 0.0]
    """

    initial: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check_positive(self.initial, "initial")
        check_positive(self.final, "final", zero=True)
        check_count(self.steps, "steps")

    def __call__(self, step: int) -> float:
        cosine = math.cos(math.pi * min(step / self.steps, 1.0))
        return self.final + (self.initial - self.final) * (1 + cosine) / 2


@dataclass(frozen=True)
class WarmUp:
    """Rise linearly over the first `steps` steps to the start of another schedule (or number), then follow it.

    Examples
    --------
    >>> rate = WarmUp(4, StepDecay(1.0, factor=0.5, every=2))
    >>> [rate(step) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.5]
    """

    steps: int
    then: float | Schedule

    def __post_init__(self) -> None:
        check_count(self.steps, "steps")
        if not callable(self.then):
            check_positive(self.then, "then")

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return self._follow(0) * (step + 1) / self.steps
        return self._follow(step - self.steps)

    def _follow(self, step: int) -> float:
        return self.then(step) if callable(self.then) else self.then
