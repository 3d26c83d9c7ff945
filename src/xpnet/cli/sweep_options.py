"""What ``xpnet sweep`` is asked: options that may have several values, and the way back to those of one run."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from xpnet.cli.options import flag
from xpnet.settings import OPTIONS, Settings, read_values
from xpnet.sweeps import Interval, read_axis
from xpnet.sweeps.folder import read_plan
from xpnet.sweeps.grid import Axis

VALIDATION = 0.1


class Asked(NamedTuple):
    """What a sweep is to do."""

    settings: Settings
    """What all candidates have in common."""
    grid: dict[str, Axis]
    random: int | None
    halving: tuple[int, ...]


def read_asked(
    given: Mapping[str, tuple[str, ...]], file: Path | None, random: int | None, halving: str | None
) -> Asked:
    """Return what the command line and, for what it does not say, a TOML file ask for."""
    written = {} if file is None else read_values(file)
    own = {name: written.pop(name, None) for name in ("random", "halving")}
    here = {name: values for name, values in given.items() if values}

    def spelling(name: str) -> str:
        return f"{file}: {name}" if name in written and name not in here else flag(name)

    base: dict[str, Any] = {"validation": VALIDATION}
    grid: dict[str, Axis] = {}
    for name, values in ({name: [value] for name, value in written.items()} | here).items():
        axis = _axis(values, name, spelling(name)) if name in OPTIONS else values
        if isinstance(axis, Interval) or len(axis) > 1:
            grid[name] = axis
        else:
            base[name] = axis[0]
    return Asked(
        Settings.of(base, where=str(file), spelling=spelling),
        grid,
        own["random"] if random is None else random,
        _epochs(own["halving"] or () if halving is None else halving.split(",")),
    )


def planned(folder: Path) -> Asked:
    """Return what the sweep in a folder was asked."""
    settings, plan = read_plan(folder)
    grid = {name: read_axis(value, name, f"{folder}: {name}") for name, value in plan["grid"].items()}
    return Asked(settings, grid, plan["random"], tuple(plan["halving"]))


def _axis(values: Iterable[Any], name: str, called: str) -> Axis:
    """Return the values of an option that was given once, or several times."""
    axes = [read_axis(value, name, called) for value in values]
    if len(axes) == 1:
        return axes[0]
    if any(isinstance(axis, Interval) for axis in axes):
        raise ValueError(f"{called} must be one interval, or values: leave the others out")
    return [value for axis in axes if not isinstance(axis, Interval) for value in axis]


def _epochs(texts: Iterable[Any]) -> tuple[int, ...]:
    try:
        return tuple(int(text) for text in texts)
    except (TypeError, ValueError):
        raise ValueError(f"--halving must be epochs such as 5,10,20, got {texts!r}") from None
