"""What a sweep compares: lists, ranges and intervals as texts, all combinations, draws, and what is refused."""

from itertools import product

import numpy as np
import pytest

from xpnet import Settings
from xpnet.sweeps import Interval, read_axis
from xpnet.sweeps.grid import candidates

BASE = Settings(validation=0.1)


@pytest.mark.parametrize(
    ("name", "value", "axis"),
    [
        ("learning_rate", "0.01,0.03,1e-1", (0.01, 0.03, 0.1)),
        ("learning_rate", "0.5", (0.5,)),
        ("learning_rate", "0.001..0.1", Interval(0.001, 0.1)),
        ("learning_rate", [0.1, 0.3], (0.1, 0.3)),
        ("learning_rate", 0.1, (0.1,)),
        ("hidden", "20, 50,100", (20, 50, 100)),
        ("hidden", "20..22", range(20, 23)),
        ("seed", "0..7", range(8)),
        ("optimizer", "sgd,adam", ("sgd", "adam")),
        ("init", "normal:0.1,he", ("normal:0.1", "he")),
        ("nesterov", "true,false", (True, False)),
        ("schedule", "warmup:100,cosine", ("warmup:100,cosine",)),
        ("schedule", "constant,cosine", ("constant", "cosine")),
        ("schedule", ["warmup:10,step", "cosine"], ("warmup:10,step", "cosine")),
        ("data", "a,b.csv", ("a,b.csv",)),
        ("class_weight", [1.0, 2.0], ((1.0, 2.0),)),
        ("class_weight", ["balanced", [1.0, 2.0]], ("balanced", (1.0, 2.0))),
    ],
)
def test_a_text_or_a_list_is_read_as_values(name, value, axis):
    assert read_axis(value, name, name) == axis


@pytest.mark.parametrize(
    ("name", "value", "match"),
    [
        ("learning_rate", "0.1,x", r"<learning_rate> must be a finite number > 0, got 'x'"),
        ("learning_rate", "-1..2", r"<learning_rate> must be a finite number > 0, got -1"),
        ("learning_rate", "0.1..0.01", r"an interval must go from a smaller to a larger number, got 0.1..0.01"),
        ("hidden", "1.5", r"<hidden> must be an integer, got '1.5'"),
        ("hidden", "0..3", r"<hidden> must be an integer >= 1, got 0"),
        ("optimizer", "sgd,adma", r"<optimizer> must be one of .*did you mean 'adam'"),
        ("nesterov", "yes", r"<nesterov> must be true or false, got 'yes'"),
        ("schedule", "step:x,cosine", r"<schedule>: steps must be an integer"),
    ],
)
def test_refuses_a_text_that_is_no_value(name, value, match):
    with pytest.raises((TypeError, ValueError), match=match):
        read_axis(value, name, f"<{name}>")


def test_candidates_are_all_combinations_and_the_seeds_are_apart():
    grid = {"learning_rate": [0.1, 0.3], "seed": range(2, 5), "hidden": np.asarray([5, 7, 5])}
    chosen = candidates(BASE, grid, None, str)
    assert chosen.axes == ("learning_rate", "hidden")
    assert [chosen.values(i) for i in range(4)] == [
        {"learning_rate": rate, "hidden": hidden} for rate, hidden in product([0.1, 0.3], [5, 7])
    ]
    assert chosen.seeds == (2, 3, 4)
    assert {one.seed for one in chosen.settings} == {2}


def test_draws_are_different_ones_of_all_and_the_same_again():
    grid = {"learning_rate": Interval(1e-3, 1e-1), "hidden": range(10, 20), "init": ["he", "xavier"], "seed": [3, 1]}
    chosen, again = (candidates(BASE, grid, 40, str) for _ in range(2))
    assert chosen == again
    assert candidates(BASE, {**grid, "seed": [4]}, 40, str).settings != chosen.settings
    rates = [one.learning_rate for one in chosen.settings]
    assert len(chosen.settings) == len(set(rates)) == 40
    assert 1e-3 <= min(rates) < 3e-3 < 3e-2 < max(rates) <= 1e-1
    assert 10 < sum(rate < 1e-2 for rate in rates) < 30
    assert {one.hidden for one in chosen.settings} <= set(range(10, 20))


@pytest.mark.parametrize("count", [6, 7, 100])
def test_more_draws_than_combinations_give_all(count):
    grid = {"hidden": [1, 2, 3], "nesterov": [False, True]}
    chosen = candidates(Settings(optimizer="momentum"), grid, count, str)
    assert {(one.hidden, one.nesterov) for one in chosen.settings} == set(product([1, 2, 3], [False, True]))
    assert len(chosen.settings) == 6


@pytest.mark.parametrize(
    ("grid", "match"),
    [
        ({"learnig_rate": [1]}, r"an axis must be one of .*did you mean 'learning_rate'"),
        ({"data": ["digits", "mnist"]}, r"an axis must be one of loss, .*got"),
        ({"stream": [True, False]}, r"an axis must be one of loss, .*got"),
        ({"hidden": []}, r"<hidden> must be a list of one or more values, got \[\]"),
        ({"init": "he"}, r"<init> must be a list of one or more values, got 'he'"),
        ({"hidden": [0]}, r"<hidden> must be an integer >= 1, got 0"),
        ({"hidden": range(0, 3)}, r"<hidden> must be an integer >= 1, got 0"),
        ({"learning_rate": [[0.1, 0.2]]}, r"a setting of a sweep is one network's"),
        ({"learning_rate": Interval(0.1, 0.2)}, r"the interval 0.1..0.2 has no end of values: .*--random N"),
        ({"seed": Interval(1, 2)}, r"<seed> must be integers, got an interval"),
        ({"loss": ["softmax_cross_entropy", "mean_squared_error"]}, r"<loss> must be all of classes or all of numbers"),
        ({"momentum": [0.5, 0.9]}, r"<momentum> does not go with <optimizer> sgd"),
    ],
)
def test_refuses_what_cannot_be_compared(grid, match):
    with pytest.raises((TypeError, ValueError), match=match):
        candidates(BASE, grid, None, "<{}>".format)
