"""The table of formats: one row brings a format into dispatch, help and errors."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, describe_formats, formats, load_data, load_features
from xpnet.datasets.columns import Columns
from xpnet.datasets.formats import FORMATS, Format
from xpnet.datasets.samples import RawSamples


def read_pairs(path: Path, columns: Columns) -> tuple[RawSamples]:
    table = np.asarray([line.split() for line in path.read_text().splitlines()], np.float64)
    features, target = columns.find(path, table.shape[1])
    x, t = table[:, features], None if target is None else table[:, target]
    return (RawSamples(x, t, "features of pairs", "labels of pairs"),)


@pytest.fixture
def pairs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give a file of a format that is known by a row of the table only."""
    row = Format((".pairs",), "a .pairs table", "words", read_pairs, read_pairs, is_table=True)
    monkeypatch.setattr(formats, "FORMATS", (row, *FORMATS))
    (tmp_path / "some.pairs").write_text("1 0\n2 1\n3 0\n4 1\n5 1\n")
    return tmp_path / "some.pairs"


def test_a_row_is_all_that_a_format_needs(pairs: Path, assert_valid: Any):
    data = load_data(pairs)
    assert_valid(data)
    assert (data.features, data.classes) == (1, 2)
    assert load_data(pairs, label=0, classification=False).outputs == 1
    assert load_features(pairs, features=1).tolist() == [[1], [2], [3], [4], [5]]
    with pytest.raises(DataError, match=r"in a \.pairs table, .* or a \.npy table only: leave label out"):
        load_data("digits", label=0)
    with pytest.raises(DataError, match=r"not a \.pairs table, a folder of idx files, .* or a \.npz file"):
        load_data(pairs.rename(pairs.with_suffix(".txt")))
    assert "a .pairs table: words" in describe_formats()


@pytest.mark.parametrize(("loader", "features"), [(load_data, False), (load_features, True)])
def test_help_lists_the_formats(loader: Any, features: bool):
    listed = [line.strip()[2:] for line in loader.__doc__.splitlines() if line.strip().startswith("- ")]
    assert listed == describe_formats(features=features)
    assert len(listed) == 5


def test_what_is_of_no_format(tmp_path: Path):
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(
        DataError, match=r"not a folder of idx files, a \.csv or \.tsv table, .* or a \.npz file: give one"
    ):
        load_data(tmp_path / "a.txt")
    with pytest.raises(DataError, match=r"not a \.csv or \.tsv table, .* or an idx file: give one"):
        load_features(tmp_path, features=2)


def test_a_label_column_is_for_tables(write: Any, images: tuple[Any, ...]):
    for source in ("digits", write.npz(x=np.eye(2), t=[0, 1]), write.folder(images)):
        with pytest.raises(
            DataError, match=r"in a \.csv or \.tsv table, a \.parquet table or a \.npy table only: leave"
        ):
            load_data(source, label=0)
    with pytest.raises(DataError, match="leave label out"):
        load_features(write.npz(x=np.eye(2)), features=2, label=0)
