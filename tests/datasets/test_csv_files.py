"""Tables in .csv files: what is loaded, and what is refused, with the line and the column."""

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, load_data, load_features

ROWS = ["1,2.5,0", "3,4.5,1", "5,6.5,0", "7,8.5,1", "9,10.5,0"]
HEADED = ["width,height,kind", *ROWS]
EXPECTED = [[1, 2.5, "0"], [3, 4.5, "1"], [5, 6.5, "0"], [7, 8.5, "1"], [9, 10.5, "0"]]


def raw_rows(path: Path, label: str | int | None = None) -> list[list[float | str]]:
    """Return the raw rows that a table was loaded as, in order, each with the name of its class."""
    data = load_data(path, label=label)
    x = data.scaling.invert(np.concatenate([data.train.x, data.test.x]))
    names = [data.class_names[t] for t in np.concatenate([data.train.t, data.test.t])]
    # All cells are halves, and the roundings to float32 are far smaller than that.
    return sorted([*row, name] for row, name in zip((np.round(2 * x) / 2).tolist(), names, strict=True))


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("lines", [ROWS, HEADED, [*ROWS[:2], "", *ROWS[2:]], ["", *HEADED, ""]])
def test_plain_tables(write: Any, lines: list[str], end: str, encoding: str):
    assert raw_rows(write.csv(lines, end=end, encoding=encoding)) == EXPECTED


def test_whole_numbers_and_quotes(write: Any):
    path = write.csv(['"a, b",c', '"1",0', "2, 1", '3 ,"0"', "4,1", "-5,0"])
    assert raw_rows(path) == [[-5, "0"], [1, "0"], [2, "1"], [3, "0"], [4, "1"]]


def test_the_label_column_may_be_anywhere(write: Any):
    turned = [",".join(reversed(row.split(","))) for row in ROWS]
    expected = sorted([b, a, label] for a, b, label in EXPECTED)
    assert raw_rows(write.csv(["Target,0,1", *turned])) == expected
    assert raw_rows(write.csv(turned), 0) == expected
    assert raw_rows(write.csv(["kind,0,1", *turned]), "kind") == expected


def test_a_zero_in_the_first_row_is_no_name(write: Any):
    """Where the column of labels is chosen by its index: as an option of the command line, that is a text."""
    turned = ["0,5,1", "1,6,0", "0,7,1", "1,8,0", "0,9,1"]
    expected = [[5, 1, "0"], [6, 0, "1"], [7, 1, "0"], [8, 0, "1"], [9, 1, "0"]]
    for label in (0, "0", "-3"):
        assert raw_rows(write.csv(turned), label) == expected


def test_equal_names_are_told_apart(write: Any):
    names = load_data(write.csv(["a,a,a.1,,,a,kind", *(f"1,2,3,4,5,6,{i % 2}" for i in range(5))])).origin.columns
    assert names == ("a", "a.1", "a.1.1", "", ".1", "a.2")


def test_text_labels_are_class_names(write: Any):
    rows = [row[:-1] + ("setosa" if row.endswith("0") else "virginica ") for row in ROWS]
    for lines in (rows, ["a,b,species", *rows]):
        data = load_data(write.csv(lines))
        assert data.class_names == ("setosa", "virginica")
        assert data.features == 2


def test_labels_of_several_lines_are_one(write: Any):
    assert load_data(write.csv(["1,x", '2,"two', 'lines"', "3,x"])).class_names == ("two lines", "x")


def test_labels_are_numbered_in_numeric_order(write: Any):
    data = load_data(write.csv([f"{i},{label}" for i, label in enumerate([10, 9, 100, 9, 10, 100.0])]))
    assert data.class_names == ("9", "10", "100")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no rows"),
        (["", ""], "holds no rows"),
        (["a,b,c"], "holds no rows"),
        ([*HEADED, "1,,0"], r"line 7, column 2 \('height'\) has a missing value"),
        ([*ROWS, "1,?,0"], r"line 6, column 2 has a missing value.* missing='mean' or 'drop'"),
        ([*HEADED, "1, nan,0"], r"line 7, column 2 \('height'\) has a missing value"),
        ([*ROWS, "1,x,0"], r"line 6, column 2 holds 'x', not a number"),
        ([*ROWS, "1,--2,0"], r"line 6, column 2 holds '--2', not a number"),
        (["red,1,0", "red,2,1", "3,4,0"], r"line 3, column 1 holds the number '3' among texts"),
        (["1,5;2;0", "3,4;1;0", "2,3;2;1"], r"column 1 holds '1,5': write numbers with a point"),
        ([*HEADED, "", "inf,2,0"], r"line 8, column 1 \('width'\) holds 'inf', not a finite"),
        ([*ROWS, "1e200,2,0"], "line 6, column 1 holds '1e200', not a finite float32"),
        ([*ROWS, "1,2, "], "line 6, column 3 has no label"),
        ([*HEADED, "1,2"], "line 7 has 2 cells where 3 were expected"),
        ([*ROWS, "1,2,3,4"], "line 6 has 4 cells where 3 were expected"),
        (["a,b", *ROWS], "line 2 has 3 cells where 2 were expected"),
        ([*ROWS, "1,2,0.5"], "label 0.5 of sample 5 is not an integer.*classification=False"),
        (["1:2:0", "3:4:1"], "one column only.*separate columns by commas"),
        (["1,0", "2,0"], r"all samples are of one class \(0\)"),
    ],
)
def test_bad_tables(write: Any, lines: list[str], message: str):
    with pytest.raises(DataError, match=rf"table\.csv: .*{message}") as error:
        load_data(write.csv(lines))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("cell", "message"),
    [
        ("x", "holds 'x', not a number"),
        ("1e", "holds '1e', not a number"),
        ("1e39", "holds '1e39', not a finite float32 number"),
        ("", "has a missing value"),
    ],
)
def test_a_bad_cell_far_down_a_table(write: Any, cell: str, message: str):
    """Behind the first block, the first of two bad lines is named."""
    rows = [f"{i},{i / 8},-{i}e-3,{i % 2}" for i in range(30_000)]
    path = write.csv(rows)
    x = load_features(path, features=3)
    np.testing.assert_array_equal(x[-1], np.asarray([29_999, 29_999 / 8, -29.999], np.float32))
    rows[25_000] = rows[29_000] = f"1,{cell},2,0"
    with pytest.raises(DataError, match=rf"table\.csv: line 25001, column 2 {message}"):
        load_data(write.csv(rows))


@pytest.mark.parametrize("begin", ["", "1,2,0\n3,4,1\n"])
@pytest.mark.parametrize("filling", ["\0", "1,"])
def test_a_line_without_end_claims_no_memory(write: Any, begin: str, filling: str):
    path = write.path / "table.csv"
    path.write_text(begin + filling * (2**25 // len(filling)))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"table\.csv: has a line of more than 1048576 bytes: save .* as \.npy"):
            load_data(path)
        assert tracemalloc.get_traced_memory()[1] < 2**23
    finally:
        tracemalloc.stop()
    path.write_text("1\r2\r" * 2**19)
    with pytest.raises(DataError, match="one column only"):
        load_data(path)


def test_as_many_classes_as_samples_claim_little_memory(write: Any):
    path = write.csv([f"1,t{i}" for i in range(70_000)])
    with pytest.raises(DataError, match=r"its labels are of more than 65536 classes, .* or pass classification=False"):
        load_data(path)
    path = write.csv([f"1,{i}" for i in range(70_000)])
    with pytest.raises(DataError, match=r"its 70000 labels are of 70000 classes, .* or pass classification=False"):
        load_data(path)
    assert load_data(path, classification=False).outputs == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,2,a", r"line 7, column 3 \('kind'\) holds 'a', not a number"),
        ("1,2,", r"line 7, column 3 \('kind'\) has a missing value"),
        ("1,2,inf", r"line 7, column 3 \('kind'\) holds 'inf', not a finite float32 number"),
    ],
)
def test_bad_numeric_targets(write: Any, row: str, message: str):
    with pytest.raises(DataError, match=rf"table\.csv: {message}"):
        load_data(write.csv([*HEADED, row]), classification=False)


def test_bytes_that_are_no_text(write: Any):
    path = write.csv([])
    path.write_bytes(b"\xff\xfe\x00,1\n")
    with pytest.raises(DataError, match="not a table of text, or damaged"):
        load_data(path)


@pytest.mark.parametrize(
    "lines",
    [HEADED, ROWS, [row[:-1] + "what" for row in HEADED], [row[:-1] for row in ROWS], ["a,b", *(r[:-2] for r in ROWS)]],
)
def test_features_alone(write: Any, lines: list[str]):
    expected = [[1, 2.5], [3, 4.5], [5, 6.5], [7, 8.5], [9, 10.5]]
    np.testing.assert_array_equal(load_features(write.csv(lines), features=2), expected)


def test_features_beside_a_chosen_column(write: Any):
    x = load_features(write.csv(HEADED), features=2, label="width")
    np.testing.assert_array_equal(x, [[2.5, 0], [4.5, 1], [6.5, 0], [8.5, 1], [10.5, 0]])
