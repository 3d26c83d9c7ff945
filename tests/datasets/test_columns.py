"""Which column of a table holds the targets."""

from pathlib import Path

import pytest

from xpnet.datasets import DataError
from xpnet.datasets.columns import Columns

PATH = Path("table")
NAMES = ["width", "height", "kind"]


@pytest.mark.parametrize("label", ["kind", 2, -1, "2", "-1", None])
def test_by_name_or_index(label: str | int | None):
    assert Columns(label).find(PATH, 3, NAMES)[1] == 2


@pytest.mark.parametrize("name", ["label", "Target", "CLASS"])
def test_an_obvious_name_is_taken(name: str):
    assert Columns().find(PATH, 3, ["0", name, "1"])[1] == 1


def test_a_name_goes_before_an_index():
    assert Columns("0").find(PATH, 3, ["1", "2", "0"])[1] == 2


@pytest.mark.parametrize(
    ("label", "width", "names", "message"),
    [
        ("colour", 3, NAMES, "no column is called 'colour', it has columns width, height, kind"),
        ("colour", 3, [], "no column is called 'colour', it has no column names"),
        (3, 3, [], "label column 3 is outside its 3 columns: give -3 to 2"),
        (-4, 3, [], "label column -4 is outside its 3 columns"),
        (None, 1, [], "one column only"),
    ],
)
def test_what_is_no_column(label: str | int | None, width: int, names: list[str], message: str):
    with pytest.raises(DataError, match=message):
        Columns(label).find(PATH, width, names)


def test_for_features_alone_it_may_be_missing():
    assert Columns(features=3).find(PATH, 3, NAMES)[1] is None
    assert Columns(features=2).find(PATH, 3, NAMES)[1] == 2
    assert Columns("width", features=2).find(PATH, 3, NAMES)[1] == 0
    with pytest.raises(DataError, match="has 3 columns where 4 features and at most a column of labels were expected"):
        Columns(features=4).find(PATH, 3, NAMES)
    with pytest.raises(DataError, match="has 3 columns where 3 features and a column of labels were expected"):
        Columns("width", features=3).find(PATH, 3, NAMES)


def test_a_models_features_are_found_by_name():
    columns = Columns(names=("a", "b"), usual="kind")
    assert columns.find(PATH, 4, ["b", "note", "kind", "a"]) == ([3, 0], 2)
    assert Columns("note", names=("a", "b"), usual="kind").find(PATH, 4, ["b", "note", "kind", "a"]) == ([3, 0], 1)
    assert columns.find(PATH, 3, ["b", "kind", "a"]) == ([2, 0], 1)
    assert Columns(features=2, names=("a", "b")).find(PATH, 2, ["b", "a"]) == ([1, 0], None)
    with pytest.raises(DataError, match="has no b among its columns a, c: give data with those of the model, a, b"):
        Columns(features=2, names=("a", "b")).find(PATH, 2, ["a", "c"])
    with pytest.raises(DataError, match="no column is called 'kind', it has columns a, b, c: give a name or an index"):
        columns.find(PATH, 3, ["a", "b", "c"])
    with pytest.raises(DataError, match="a is a feature of the model: choose another"):
        Columns("a", names=("a", "b")).find(PATH, 3, ["a", "b", "kind"])


def test_a_models_column_of_targets_is_the_usual_one():
    assert Columns(features=2, usual=0).find(PATH, 3) == ([1, 2], 0)
    assert Columns(features=3, usual=0).find(PATH, 3) == ([0, 1, 2], None)
    assert Columns(2, usual=0).find(PATH, 3) == ([0, 1], 2)


@pytest.mark.parametrize(
    ("columns", "cells", "expected"),
    [
        (Columns(), ["0", "1", "Label"], True),
        (Columns(), ["0", "1", "kind"], False),
        (Columns("kind"), ["0", "1", "kind"], True),
        (Columns("0"), ["0", "1", "kind"], False),
        (Columns("-1"), ["-1", "1", "2"], False),
        (Columns(0), ["0", "1", "2"], False),
        (Columns(usual="kind"), ["0", "1", "kind"], True),
        (Columns(names=("0", "1")), ["1", "0"], True),
        (Columns(names=("0", "1")), ["0", "2"], False),
    ],
)
def test_a_header_of_numbers_is_known_by_what_is_sought(columns: Columns, cells: list[str], expected: bool):
    assert columns.is_header(cells) == expected
