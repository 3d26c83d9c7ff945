"""What values an option may have."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._checks import check_choice, check_count, check_fraction, check_positive
from xpnet._files import read_small
from xpnet.network.initializers import weight_scale
from xpnet.schedules import read_schedule
from xpnet.training.threads import AUTO, check_threads

BALANCED = "balanced"


@dataclass(frozen=True)
class Domain:
    """The values of an option: what they are as text, and which are taken."""

    kind: type
    """What a text stands for: str, int, float or bool."""
    metavar: str
    check: Callable[[Any, str], None]
    """Takes a value and what to call it, and says what is wrong."""
    per_member: bool = False
    """Whether a sequence is taken, too: one value for each member."""
    names: tuple[str, ...] = ()
    """Values that have a name."""

    def read(self, value: Any, name: str) -> Any:
        """Return the value to keep: plain Python, sequences as tuples."""
        value = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
        value = fspath(value) if isinstance(value, PathLike) else value
        if self.per_member and isinstance(value, list | tuple):
            return self._read_all(value, name)
        self.check(value, name)
        return value

    def _read_all(self, values: Sequence[Any], name: str) -> tuple[Any, ...]:
        if not values:
            raise ValueError(f"{name} must hold one or more values, got none")
        for value in values:
            self.check(value, f"every value of {name}")
        return tuple(values)


def choice(names: Iterable[str]) -> Domain:
    """Return the domain of one of these names."""
    names = tuple(names)
    return Domain(str, "NAME", lambda value, name: check_choice(value, name, names), names=names)


def integer(minimum: int, maximum: int) -> Domain:
    """Return the domain of integers from `minimum` to `maximum`."""

    def check(value: Any, name: str) -> None:
        check_count(value, name, minimum=minimum)
        if value > maximum:
            raise ValueError(f"{name} must be an integer <= {maximum}, got {value}")

    return Domain(int, "N", check)


def _check_part(value: Any, name: str) -> None:
    check_fraction(value, name)
    if value in (0, 1):
        raise ValueError(f"{name} must be a number between 0 and 1, got {value}: 0.1 is a tenth of the training data")


def _check_text(value: Any, name: str) -> None:
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a text, got {value!r}")
    if not value:
        raise ValueError(f"{name} must not be empty: leave it out, or say which")


def _check_column(value: Any, name: str) -> None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise TypeError(f"{name} must be a column's name or index, got {value!r}")


def _check_switch(value: Any, name: str) -> None:
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be true or false, got {value!r}")


def _check_init(value: Any, name: str) -> None:
    _check_text(value, name)
    try:
        weight_scale(value, 1, 1)
    except ValueError as error:
        raise ValueError(f"{name}{str(error).removeprefix('init')}") from None


def _check_schedule(value: Any, name: str) -> None:
    _check_text(value, name)
    read_schedule(value, 1.0, steps=1, name=name)


COUNT = integer(1, 2**31 - 1)
SEED = replace(integer(0, 2**63 - 1), per_member=True)
POSITIVE = Domain(float, "X", check_positive, per_member=True)
NOT_NEGATIVE = Domain(float, "X", lambda value, name: check_positive(value, name, zero=True), per_member=True)
BELOW_ONE = Domain(float, "X", lambda value, name: check_fraction(value, name, one=False), per_member=True)
SECONDS = Domain(float, "SECONDS", lambda value, name: check_positive(value, name, zero=True))
UNIT = Domain(float, "X", check_fraction, per_member=True)
PART = Domain(float, "FRACTION", _check_part)
TEXT = Domain(str, "TEXT", _check_text)
COLUMN = Domain(str, "NAME|INDEX", _check_column)
SCHEDULE = Domain(str, "TEXT", _check_schedule)
SWITCH = Domain(bool, "", _check_switch)
INIT = Domain(str, "NAME", _check_init, per_member=True)


class _Threads(Domain):
    """`AUTO`, or a number."""

    def read(self, value: Any, name: str) -> Any:
        return super().read(int(value) if isinstance(value, str) and value.isdecimal() else value, name)


THREADS = _Threads(str, f"{AUTO}|N", check_threads)


class _ClassWeight(Domain):
    """`BALANCED`, or a number for each class: those of a file are read, so that they stay known when it is gone."""

    def read(self, value: Any, name: str) -> Any:
        if isinstance(value, str | PathLike):
            if value == BALANCED:
                return value
            try:
                value = [float(word) for word in read_small(Path(value)).decode().replace(",", " ").split()]
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else error
                raise ValueError(
                    f"{name} must be {BALANCED}, or a file with a number for each class; got {str(value)!r} ({why})"
                ) from None
        if not isinstance(value, list | tuple | np.ndarray):
            raise TypeError(f"{name} must be {BALANCED}, a file or numbers, got {value!r}")
        return self._read_all(tuple(value), name)


CLASS_WEIGHT = _ClassWeight(str, f"{BALANCED}|FILE", NOT_NEGATIVE.check, names=(BALANCED,))


def called(domain: Domain, metavar: str, names: Iterable[str] = ()) -> Domain:
    """Return the same domain under another name in the help, some of whose values have names."""
    return replace(domain, metavar=metavar, names=tuple(names))
