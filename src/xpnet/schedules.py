"""Learning rates that depend on the step: each schedule is a callable ``rate(step)``, with steps counted from 0.

A schedule is also a text, without its initial rate: ``str(CosineDecay(0.1, 1000))`` is ``"cosine:1000"``, and
`read_schedule` makes it a schedule again.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, dataclass, fields
from typing import Any, ClassVar, TypeAlias

from xpnet._checks import check_choice, check_count, check_positive

Schedule: TypeAlias = Callable[[int], float]
LearningRate: TypeAlias = float | Schedule | Sequence[float]
"""A constant, a schedule, or a constant for each member."""


@dataclass(frozen=True)
class _Written:
    """What schedules share: their numbers but the first, as text."""

    name: ClassVar[str]

    def __str__(self) -> str:
        values = [getattr(self, option.name) for option in fields(self)[1:]]
        for option in reversed(fields(self)[1:]):
            if option.default != values[-1]:
                break
            values.pop()
        return ":".join([self.name, *map(str, values)])


@dataclass(frozen=True)
class StepDecay(_Written):
    """``initial * factor ** (step // steps)``: the rate falls by `factor` after every so many steps.

    Examples
    --------
    >>> [StepDecay(0.5, steps=10, factor=0.5)(step) for step in (0, 9, 10, 20)]
    [0.5, 0.5, 0.25, 0.125]
    """

    initial: float
    steps: int = 1000
    factor: float = 0.1

    name = "step"

    def __post_init__(self) -> None:
        check_positive(self.initial, "initial")
        check_count(self.steps, "steps")
        check_positive(self.factor, "factor")

    def __call__(self, step: int) -> float:
        return self.initial * self.factor ** (step // self.steps)


@dataclass(frozen=True)
class CosineDecay(_Written):
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

    name = "cosine"

    def __post_init__(self) -> None:
        check_positive(self.initial, "initial")
        check_count(self.steps, "steps")
        check_positive(self.final, "final", zero=True)

    def __call__(self, step: int) -> float:
        cosine = math.cos(math.pi * min(step / self.steps, 1.0))
        return self.final + (self.initial - self.final) * (1 + cosine) / 2


@dataclass(frozen=True)
class WarmUp(_Written):
    """Rise linearly over the first `steps` steps to `initial`, a number or another schedule, then follow it.

    Examples
    --------
    >>> rate = WarmUp(StepDecay(1.0, steps=2, factor=0.5), steps=4)
    >>> [rate(step) for step in range(8)]
    [0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 0.5, 0.5]
    >>> str(rate)
    'warmup:4,step:2:0.5'
    """

    initial: float | Schedule
    steps: int

    name = "warmup"

    def __post_init__(self) -> None:
        if not callable(self.initial):
            check_positive(self.initial, "initial")
        check_count(self.steps, "steps")

    def __call__(self, step: int) -> float:
        if step < self.steps:
            return self._follow(0) * (step + 1) / self.steps
        return self._follow(step - self.steps)

    def __str__(self) -> str:
        return f"{super().__str__()},{self.initial}" if callable(self.initial) else super().__str__()

    def _follow(self, step: int) -> float:
        return self.initial(step) if callable(self.initial) else self.initial


SCHEDULES: dict[str, type[Any]] = {schedule.name: schedule for schedule in (StepDecay, CosineDecay, WarmUp)}
CONSTANT = "constant"


def read_schedule(text: str, initial: float, *, steps: int, name: str = "schedule") -> float | Schedule:
    """Return the schedule that `text` writes, or `initial` itself for "constant".

    Parameters
    ----------
    text : str
        "constant", "step:STEPS:FACTOR", "cosine:STEPS:FINAL" or "warmup:STEPS", whose last numbers may be left out, or
        "warmup:STEPS," followed by another one.
    initial : float
        The rate it starts from, > 0.
    steps : int
        Those of the whole training, of which a cosine without a number takes what a warm-up before it leaves.
    name : str
        What errors call it.

    Raises
    ------
    ValueError
        If there is no such schedule, or a number is not in its domain.

    Examples
    --------
    >>> from xpnet.schedules import read_schedule
    >>> read_schedule("warmup:100,cosine", 0.1, steps=1000)
    WarmUp(initial=CosineDecay(initial=0.1, steps=900, final=0.0), steps=100)
    """
    head, comma, rest = text.partition(",")
    kind, *numbers = head.split(":")
    check_choice(kind, name, (CONSTANT, *SCHEDULES))
    if comma and kind != WarmUp.name:
        raise ValueError(f"{name}: nothing can follow {kind!r}, got {text!r}: leave out what comes after the comma")
    if kind == CONSTANT:
        if numbers:
            raise ValueError(f"{name}: {kind!r} takes no number, got {text!r}: write {kind!r}")
        return initial
    schedule = SCHEDULES[kind]
    options = fields(schedule)[1:]
    if kind == CosineDecay.name and not numbers:
        numbers = [str(steps)]
    needed = sum(option.default is MISSING for option in options)
    try:
        if not needed <= len(numbers) <= len(options):
            raise ValueError(f"{len(numbers)} numbers are too {'few' if len(numbers) < needed else 'many'}")
        values = {option.name: _number(option, number) for option, number in zip(options, numbers, strict=False)}
        made: Schedule = schedule(initial, **values)
    except ValueError as error:
        usage = ":".join([kind, *(option.name.upper() for option in options)])
        raise ValueError(f"{name}: {error} in {head!r}: write {usage}") from None
    if comma:
        made = schedule(read_schedule(rest, initial, steps=max(1, steps - values["steps"]), name=name), **values)
    return made


def _number(option: Field[Any], text: str) -> Any:
    try:
        return int(text) if option.name == "steps" else float(text)
    except ValueError:
        kind = "an integer" if option.name == "steps" else "a number"
        raise ValueError(f"{option.name} must be {kind}") from None
