"""Which column of a table holds the targets."""

from pathlib import Path

import pytest

from xpnet.datasets import DataError
from xpnet.datasets.columns import TargetColumn

PATH = Path("table")
NAMES = ["width", "height", "kind"]


@pytest.mark.parametrize("label", ["kind", 2, -1, "2", "-1", None])
def test_by_name_or_index(label: str | int | None):
    assert TargetColumn(label).find(PATH, 3, NAMES) == 2


@pytest.mark.parametrize("name", ["label", "Target", "CLASS"])
def test_an_obvious_name_is_taken(name: str):
    assert TargetColumn().find(PATH, 3, ["0", name, "1"]) == 1


def test_a_name_goes_before_an_index():
    assert TargetColumn("0").find(PATH, 3, ["1", "2", "0"]) == 2


@pytest.mark.parametrize(
    ("label", "width", "names", "message"),
    [
        ("colour", 3, NAMES, "no column is called 'colour', it has columns width, height, kind"),
        ("colour", 3, None, "no column is called 'colour', it has no column names"),
        (3, 3, None, "label column 3 is outside its 3 columns: give -3 to 2"),
        (-4, 3, None, "label column -4 is outside its 3 columns"),
        (None, 1, None, "one column only"),
    ],
)
def test_what_is_no_column(label: str | int | None, width: int, names: list[str] | None, message: str):
    with pytest.raises(DataError, match=message):
        TargetColumn(label).find(PATH, width, names)


def test_for_features_alone_it_may_be_missing():
    assert TargetColumn(features=3).find(PATH, 3, NAMES) is None
    assert TargetColumn(features=2).find(PATH, 3, NAMES) == 2
    assert TargetColumn("width", features=2).find(PATH, 3, NAMES) == 0
    with pytest.raises(DataError, match="has 3 columns where 4 features and at most a column of labels were expected"):
        TargetColumn(features=4).find(PATH, 3, NAMES)
    with pytest.raises(DataError, match="has 3 columns where 3 features and a column of labels were expected"):
        TargetColumn("width", features=3).find(PATH, 3, NAMES)
