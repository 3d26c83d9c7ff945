"""The candidates of a sweep: all combinations of the values of its axes, or some that are drawn."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, TypeAlias

import numpy as np

from xpnet._checks import check_choice, check_count, check_positive
from xpnet._random import generator
from xpnet.losses import LOSSES
from xpnet.settings import OPTIONS, Settings

_SAME_FOR_ALL = (
    *("data", "data_dir", "label", "missing", "preset", "validation"),
    *("stream", "device", "threads", "checkpoint_every", "checkpoint_seconds", "keep"),
)
"""What candidates are compared on, what has decided on all other options, and what does not matter to them."""
_DRAWS = 100
"""So many draws for each candidate that is asked for may find one that is there already."""


@dataclass(frozen=True)
class Interval:
    """All real numbers from `low` to `high`, both above 0, which `--random` draws by an even spread of logarithms."""

    low: float
    high: float

    def __post_init__(self) -> None:
        check_positive(self.low, "the lower end of an interval")
        check_positive(self.high, "the upper end of an interval")
        if not self.low < self.high:
            raise ValueError(f"an interval must go from a smaller to a larger number, got {self.low}..{self.high}")

    def draw(self, draws: np.random.Generator) -> float:
        """Return a number of six digits, so that it can be written."""
        return float(f"{math.exp(draws.uniform(math.log(self.low), math.log(self.high))):.6g}")


Axis: TypeAlias = Sequence[Any] | Interval
Grid: TypeAlias = Mapping[str, Axis]


@dataclass(frozen=True)
class Candidates:
    """What a sweep compares: settings, each of which is trained once for every seed."""

    axes: tuple[str, ...]
    """The options in which they differ."""
    settings: tuple[Settings, ...]
    """Of the first seed."""
    seeds: tuple[int, ...]

    def values(self, index: int) -> dict[str, Any]:
        """Return in what a candidate differs from others."""
        return {name: getattr(self.settings[index], name) for name in self.axes}


def read_axis(value: Any, name: str, called: str) -> Axis:
    """Return the values of an option that the command line, or a TOML file, lists.

    A text is one value if it can be; else ``A,B,C`` are several, ``0..7`` all integers from 0 to 7 and ``0.001..0.1``
    the interval. A list of a file holds values.
    """
    domain = OPTIONS[name].domain
    if isinstance(value, list):
        single = name == "class_weight" and not any(isinstance(item, str | list) for item in value)
        return tuple(domain.read(item, called) for item in ([value] if single else value))
    if not isinstance(value, str):
        return (domain.read(value, called),)
    low, dots, high = value.partition("..")
    if dots and domain.kind is int:
        ends = [domain.read(_typed(end, int), called) for end in (low, high)]
        return range(ends[0], ends[1] + 1)
    if dots and domain.kind is float:
        return Interval(*(domain.read(_typed(end, float), called) for end in (low, high)))
    try:
        return (domain.read(_typed(value, domain.kind), called),)
    except (TypeError, ValueError):
        if "," not in value:
            raise
    return tuple(domain.read(_typed(part.strip(), domain.kind), called) for part in value.split(","))


def candidates(settings: Settings, grid: Grid, random: int | None, spelling: Callable[[str], str]) -> Candidates:
    """Return all combinations of the values of a grid, the last axis running fastest; or `random` of them, drawn.

    Raises
    ------
    TypeError, ValueError
        If a name is no option that candidates may differ in, a value is outside its domain, or values do not go
        together.
    """
    axes: dict[str, Axis] = {}
    for name, axis in grid.items():
        check_choice(name, "an axis", [option for option in OPTIONS if option not in _SAME_FOR_ALL])
        axes[name] = axis if isinstance(axis, Interval) else _checked(axis, name, spelling(name))
    seeds = axes.pop("seed", (settings.first_seed,))
    if isinstance(seeds, Interval):
        raise TypeError(f"{spelling('seed')} must be integers, got an interval: write 0..7, say")
    if random is None:
        combinations = [dict(zip(axes, values, strict=True)) for values in product(*map(_all_of, axes.values()))]
    else:
        check_count(random, "random")
        combinations = list(_drawn(axes, random, generator(seeds[0], "sweep")))
    made = tuple(replace(settings, seed=seeds[0], spelling=spelling, **values) for values in combinations)
    if any(candidate.members is not None for candidate in (settings, *made)):
        raise ValueError("a setting of a sweep is one network's: give one number of each kind, and lists in the grid")
    if len({LOSSES[candidate.loss].task.classification for candidate in made}) > 1:
        raise ValueError(f"{spelling('loss')} must be all of classes or all of numbers: leave one kind out")
    return Candidates(tuple(axes), made, tuple(seeds))


def _checked(axis: Any, name: str, called: str) -> Sequence[Any]:
    if isinstance(axis, str) or not isinstance(axis, Sequence | np.ndarray) or not len(axis):
        raise TypeError(f"{called} must be a list of one or more values, got {axis!r}")
    if isinstance(axis, range):
        for end in (axis[0], axis[-1]):
            OPTIONS[name].domain.read(end, called)
        return axis
    return tuple(dict.fromkeys(OPTIONS[name].domain.read(value, called) for value in axis))


def _all_of(axis: Axis) -> Sequence[Any]:
    if isinstance(axis, Interval):
        raise ValueError(
            f"the interval {axis.low}..{axis.high} has no end of values: list some, or draw with random (--random N)"
        )
    return axis


def _drawn(axes: Mapping[str, Axis], count: int, draws: np.random.Generator) -> Iterator[dict[str, Any]]:
    """Yield different combinations, each axis drawn by itself, `count` or as many as there are."""
    seen = set()
    for _ in range(_DRAWS * count):
        values = {
            name: axis.draw(draws) if isinstance(axis, Interval) else axis[int(draws.integers(len(axis)))]
            for name, axis in axes.items()
        }
        key = tuple(values.values())
        if key not in seen:
            seen.add(key)
            yield values
        if len(seen) == count:
            return


def _typed(text: str, kind: type) -> Any:
    """Return what a text stands for; itself where it stands for nothing of that kind, which a domain then refuses."""
    if kind is bool:
        return {"true": True, "false": False}.get(text.lower(), text)
    try:
        return kind(text)
    except ValueError:
        return text
