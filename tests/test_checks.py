"""The checkers of numbers: what each takes, and how it refuses the rest."""

import math

import numpy as np
import pytest

from xpnet import _checks as checks

TAKEN = [
    (checks.check_positive, (1, 0.1, 5e-324, np.float32(0.5), np.int64(3))),
    (checks.check_not_negative, (0, -0.0, 2.5)),
    (checks.check_fraction, (0, 0.5, 1, np.float32(1))),
    (checks.check_count, (1, 10**30, np.uint8(3))),
    (checks.check_switch, (True, False)),
]
REFUSED = [
    (checks.check_positive, TypeError, ("1", None, True, 1j, [1.0], np.ones(1))),
    (checks.check_positive, ValueError, (0, -1.0, math.inf, math.nan, np.float32("inf"), 10**400, -(10**400))),
    (checks.check_not_negative, ValueError, (-5e-324, math.nan)),
    (checks.check_fraction, TypeError, ("0.5", True)),
    (checks.check_fraction, ValueError, (-0.1, 1.1, math.nan, 10**400)),
    (checks.check_count, TypeError, (1.0, "1", True)),
    (checks.check_count, ValueError, (0, -(10**30))),
    (checks.check_switch, TypeError, (1, "yes", None, np.True_)),
    (checks.check_callable, TypeError, (1, "f")),
]


@pytest.mark.parametrize(("check", "values"), TAKEN)
def test_takes(check, values):
    assert [check(value, "x") for value in values] == [None] * len(values)


@pytest.mark.parametrize(("check", "error", "values"), REFUSED)
def test_refuses_by_name(check, error, values):
    for value in values:
        with pytest.raises(error, match=r"^x must be "):
            check(value, "x")


def test_bounds_may_be_moved():
    checks.check_fraction(0.999, "x", one=False)
    with pytest.raises(ValueError, match=r"^x must be a number in \[0, 1\), got 1$"):
        checks.check_fraction(1, "x", one=False)
    checks.check_count(0, "x", minimum=0, maximum=0)
    with pytest.raises(ValueError, match=r"^x must be an integer <= 7, got 8$"):
        checks.check_count(8, "x", maximum=7)


def test_a_choice_offers_the_nearest():
    checks.check_choice("sum", "x", ("mean", "sum"))
    with pytest.raises(ValueError, match=r"^x must be one of mean, sum; got 'maen': did you mean 'mean'\?$"):
        checks.check_choice("maen", "x", ("mean", "sum"))


def test_numbers_become_a_tuple_of_python_s_own():
    numbers = checks.as_numbers([1, np.float32(0.5)], "x", checks.check_positive)
    assert numbers == (1, 0.5)
    assert [type(number) for number in numbers] == [int, float]
    with pytest.raises(ValueError, match=r"^x\[1\] must be a finite number > 0, got -1$"):
        checks.as_numbers((1, -1), "x", checks.check_positive)
    for value in ((), 0.5, "12", {1.0}):
        with pytest.raises(TypeError, match=r"^x must be a list, tuple or 1-D array of one or more numbers, got"):
            checks.as_numbers(value, "x", checks.check_positive)


def test_limits_are_silent_and_other_code_still_warns():
    assert checks.quietly(lambda: np.float64(1) / np.float64(0))() == math.inf
    with pytest.warns(RuntimeWarning, match="divide by zero"):
        np.float64(1) / np.float64(0)


OPTIONS = ("data", "data-dir", "learning-rate", "weight-decay", "max_gradient_norm", "hidden", "epochs")


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("lr", "learning-rate"),
        ("WD", "weight-decay"),
        ("mgn", "max_gradient_norm"),
        ("hid", "hidden"),
        ("epoch", "epochs"),
        ("norm", "max_gradient_norm"),
        ("dataset", "data"),
        ("data-dri", "data"),
        ("lerning-rate", "learning-rate"),
        ("nothing", None),
        ("", None),
    ],
)
def test_the_nearest_choice_is_what_people_mean(name, meant):
    assert checks.nearest(name, OPTIONS) == meant
