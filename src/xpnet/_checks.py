"""Argument checkers: each names the argument, what was expected, what came, and how to repair it."""

import math
import re
from collections.abc import Callable, Iterable
from difflib import get_close_matches
from numbers import Integral, Real
from typing import Any

import array_api_compat
import numpy as np

from xpnet._typing import Array, Namespace

quietly = np.errstate(over="ignore", divide="ignore", invalid="ignore")
"""Decorates a function whose limits are right, such as exp(-inf) = 0: NumPy alone would warn on the way there."""


def namespace_of(**arrays: Array) -> Namespace:
    """Return the one array API namespace that all the named arguments share."""
    for name, array in arrays.items():
        if not array_api_compat.is_array_api_obj(array):
            raise TypeError(
                f"{name} must be an array (NumPy, CuPy, PyTorch, JAX, ...), got {type(array).__name__}: "
                f"wrap it, for example numpy.asarray({name})"
            )
    try:
        return array_api_compat.array_namespace(*arrays.values())
    except TypeError:
        kinds = ", ".join(f"{name} is of {type(array).__module__.partition('.')[0]}" for name, array in arrays.items())
        raise TypeError(
            f"all arrays must come from one library, got a mixture ({kinds}): "
            "move them with Device.asarray or xpnet.to_host first"
        ) from None


def as_floating(array: Array, name: str, *, xp: Namespace) -> Array:
    """Return `array` itself if it is real floating; integers and booleans in the default floating dtype."""
    if xp.isdtype(array.dtype, "real floating"):
        return array
    check_real(array, name, xp=xp)
    return xp.astype(array, xp.__array_namespace_info__().default_dtypes()["real floating"])


def check_real(array: Array, name: str, *, xp: Namespace) -> None:
    """Refuse complex numbers, which a conversion would cut down to their real parts."""
    if xp.isdtype(array.dtype, "complex floating"):
        raise TypeError(f"{name} must be real, got dtype {array.dtype}: pass its real part, or real data")


def check_callable(value: object, name: str) -> None:
    """Refuse what cannot be called."""
    if not callable(value):
        raise TypeError(
            f"{name} must be callable, got {value!r} of type {type(value).__name__}: pass the function, not its value"
        )


def check_choice(value: object, name: str, choices: Iterable[str]) -> None:
    """Refuse a `value` that is none of the `choices`, and offer the nearest one."""
    choices = list(choices)
    if value in choices:
        return
    near = nearest(str(value), choices)
    hint = f": did you mean {near!r}?" if near else ""
    raise ValueError(f"{name} must be one of {', '.join(choices)}; got {value!r}{hint}")


def nearest(name: str, choices: Iterable[str]) -> str | None:
    """Return the choice that is meant: by its beginning, its initials, one of its words, or by its spelling."""
    words = {choice: re.split("[-_ ]", choice) for choice in choices}
    given = name.lower()
    if not given:
        return None
    rules: tuple[Callable[[str], bool], ...] = (
        lambda choice: choice.startswith(given),
        lambda choice: given == "".join(word[:1] for word in words[choice]),
        lambda choice: given in words[choice],
        lambda choice: given.startswith(choice),
    )
    by_rule = (choice for rule in rules for choice in words if rule(choice))
    by_spelling = iter(get_close_matches(given, words, n=1))
    return next(by_rule, next(by_spelling, None))


def check_positive(value: Any, name: str, *, zero: bool = False) -> None:
    """Refuse a number that is not finite or not above zero (`zero=True`: not at or above it)."""
    expected = "a finite number >= 0" if zero else "a finite number > 0"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {expected}, got {value!r} of type {type(value).__name__}")
    if not 0 <= _as_float(value) < math.inf or (value == 0 and not zero):
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer beyond float64
        return math.inf


def check_not_negative(value: Any, name: str) -> None:
    """Refuse a number that is not finite or below zero."""
    check_positive(value, name, zero=True)


def check_count(value: Any, name: str, *, minimum: int = 1, maximum: int | None = None) -> None:
    """Refuse anything but an integer of at least `minimum` and at most `maximum`."""
    if isinstance(value, bool) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be an integer, got {value!r} of type {type(value).__name__}")
    if value < minimum:
        raise ValueError(f"{name} must be an integer >= {minimum}, got {value}")
    if maximum is not None and int(value) > maximum:
        raise ValueError(f"{name} must be an integer <= {maximum}, got {value}")


def check_switch(value: object, name: str) -> None:
    """Refuse anything but True and False."""
    if not isinstance(value, bool):
        raise TypeError(f"{name} must be True or False, got {value!r} of type {type(value).__name__}")


def check_fraction(value: Any, name: str, *, one: bool = True) -> None:
    """Refuse anything but a number in [0, 1] (`one=False`: in [0, 1))."""
    expected = "a number in [0, 1]" if one else "a number in [0, 1)"
    if isinstance(value, bool) or not isinstance(value, Real):
        raise TypeError(f"{name} must be {expected}, got {value!r} of type {type(value).__name__}")
    if not 0 <= _as_float(value) <= 1 or (value == 1 and not one):
        raise ValueError(f"{name} must be {expected}, got {value!r}")


def check_members(count: int, name: str, members: int | None) -> None:
    """Refuse a sequence of so many values where there are not as many members."""
    if count != members:
        shown = "no" if members is None else members
        raise ValueError(f"{name} must be one for all, or one for each member: got {count} for {shown} members")


def as_numbers(value: Any, name: str, check: Callable[[Any, str], None]) -> tuple[float, ...]:
    """Return a list or tuple of numbers as a tuple, each of them checked."""
    if not isinstance(value, list | tuple) or not value:
        raise TypeError(f"{name} must be a list, tuple or 1-D array of one or more numbers, got {value!r}")
    for index, number in enumerate(value):
        check(number, f"{name}[{index}]")
    return tuple(number.item() if isinstance(number, np.generic) else number for number in value)
