"""Tables in .csv files: what is loaded, and what is refused, with the line and the column."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from xpnet.datasets import DataError, Dataset, load, load_features

ROWS = ["1,2.5,0", "3,4.5,1", "5,6.5,0", "7,8.5,1", "9,10.5,0"]
HEADED = ["width,height,kind", *ROWS]


def csv(tmp_path: Path, lines: list[str], *, end: str = "\n", encoding: str = "utf-8") -> Path:
    (tmp_path / "table.csv").write_bytes(end.join([*lines, ""]).encode(encoding))
    return tmp_path / "table.csv"


def raw_rows(path: Path, label: str | int | None = None) -> list[list[float | str]]:
    """Return the raw rows that a table was loaded as, in order, each with the name of its class."""
    data = load(path, label=label)
    x = np.concatenate([data.x_train, data.x_test]).astype(np.float64)
    # A column that is constant in the training part has lost its other values.
    x = np.divide(x, data.scaling.factor, where=np.asarray(data.scaling.factor) > 0, out=np.zeros_like(x))
    names = [data.class_names[t] for t in np.concatenate([data.t_train, data.t_test])]
    raw = np.round(x + data.scaling.offset, 4).tolist()
    return sorted([*row, name] for row, name in zip(raw, names, strict=True))


EXPECTED = [[1, 2.5, "0"], [3, 4.5, "1"], [5, 6.5, "0"], [7, 8.5, "1"], [9, 10.5, "0"]]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("lines", [ROWS, HEADED, [*ROWS[:2], "", *ROWS[2:]], ["", *HEADED, ""]])
def test_plain_tables(tmp_path: Path, lines: list[str], end: str, encoding: str):
    assert raw_rows(csv(tmp_path, lines, end=end, encoding=encoding)) == EXPECTED


def test_whole_numbers_and_quotes(tmp_path: Path):
    path = csv(tmp_path, ['"a, b",c', '"1",0', "2, 1", '3 ,"0"', "4,1", "-5,0"])
    assert raw_rows(path) == [[-5, "0"], [1, "0"], [2, "1"], [3, "0"], [4, "1"]]


@pytest.mark.parametrize("label", ["kind", 2, -1, "2", "-1", None])
def test_label_column_by_name_or_index(tmp_path: Path, label: str | int | None):
    assert raw_rows(csv(tmp_path, HEADED), label) == EXPECTED


@pytest.mark.parametrize("name", ["label", "Target", "CLASS"])
def test_an_obvious_name_is_the_label_column(tmp_path: Path, name: str):
    turned = [",".join(reversed(row.split(","))) for row in ROWS]
    expected = sorted([b, a, label] for a, b, label in EXPECTED)
    assert raw_rows(csv(tmp_path, [f"{name},0,1", *turned])) == expected
    assert raw_rows(csv(tmp_path, turned), 0) == expected


def test_text_labels_are_class_names(tmp_path: Path):
    rows = [row[:-1] + ("setosa" if row.endswith("0") else "virginica ") for row in ROWS]
    for lines in (rows, ["a,b,species", *rows]):
        data = load(csv(tmp_path, lines))
        assert data.class_names == ("setosa", "virginica")
        assert data.features == 2
    evaluated = load(csv(tmp_path, rows), class_names=("other", "virginica", "setosa"))
    assert set(evaluated.t_train.tolist()) | set(evaluated.t_test.tolist()) == {1, 2}
    with pytest.raises(DataError, match=r"label 'setosa' is none of the 2 classes \(cat, virginica\)"):
        load(csv(tmp_path, rows), class_names=("cat", "virginica"))


def test_labels_of_several_lines_are_one(tmp_path: Path):
    path = csv(tmp_path, ["1,x", '2,"two', 'lines"', "3,x"])
    assert load(path).class_names == ("two lines", "x")


def test_labels_are_numbered_in_numeric_order(tmp_path: Path):
    data = load(csv(tmp_path, [f"{i},{label}" for i, label in enumerate([10, 9, 100, 9, 10, 100.0])]))
    assert data.class_names == ("9", "10", "100")


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], "holds no rows"),
        (["", ""], "holds no rows"),
        (["a,b,c"], "holds no rows"),
        ([*HEADED, "1,,0"], r"line 7, column 2 \('height'\) has a missing value"),
        ([*ROWS, "1,?,0"], r"line 6, column 2 holds '\?', not a number"),
        ([*HEADED, "1, nan,0"], r"line 7, column 2 \('height'\) holds ' nan', not a finite"),
        ([*HEADED, "", "inf,2,0"], r"line 8, column 1 \('width'\) holds 'inf', not a finite"),
        ([*ROWS, "1e200,2,0"], "line 6, column 1 holds '1e200', not a finite float32"),
        ([*ROWS, "1,2, "], "line 6, column 3 has no label"),
        ([*HEADED, "1,2"], "line 7 has 2 cells where 3 were expected"),
        ([*ROWS, "1,2,3,4"], "line 6 has 4 cells where 3 were expected"),
        (["a,b", *ROWS], "line 2 has 3 cells where 2 were expected"),
        ([*ROWS, "1,2,0.5"], "label 0.5 of sample 5 is not an integer"),
        (["1,2,0"], "all samples are of one class"),
        (["1;2;0", "3;4;1"], "one column only.*separate columns by commas"),
        (["1,0", "2,0"], r"one class \(0\)"),
    ],
)
def test_bad_tables(tmp_path: Path, lines: list[str], message: str):
    with pytest.raises(DataError, match=rf"table\.csv: .*{message}") as error:
        load(csv(tmp_path, lines))
    assert "\n" not in str(error.value)


def test_bad_label_columns(tmp_path: Path):
    with pytest.raises(DataError, match="no column is called 'colour', it has columns width, height, kind"):
        load(csv(tmp_path, HEADED), label="colour")
    with pytest.raises(DataError, match="no column is called 'colour', it has no line of column names"):
        load(csv(tmp_path, ROWS), label="colour")
    with pytest.raises(DataError, match="label column 3 is outside its 3 columns: give -3 to 2"):
        load(csv(tmp_path, ROWS), label=3)


def test_one_row_cannot_be_split(tmp_path: Path):
    with pytest.raises(DataError, match="has 1 sample, too few"):
        load(csv(tmp_path, ROWS[:1]), class_names=("0", "1"))


def test_bytes_that_are_no_text(tmp_path: Path):
    (tmp_path / "table.csv").write_bytes(b"\xff\xfe\x00,1\n")
    with pytest.raises(DataError, match="not a comma-separated table, or damaged"):
        load(tmp_path / "table.csv")


def test_features_alone(tmp_path: Path):
    expected = [[1, 2.5], [3, 4.5], [5, 6.5], [7, 8.5], [9, 10.5]]
    for lines in (HEADED, ROWS, [row[:-1] + "what" for row in HEADED], [row[:-1] for row in ROWS]):
        np.testing.assert_array_equal(load_features(csv(tmp_path, lines), features=2), expected)
    bare = [row[:-2] for row in ROWS]
    np.testing.assert_array_equal(load_features(csv(tmp_path, ["a,b", *bare]), features=2), expected)
    np.testing.assert_array_equal(
        load_features(csv(tmp_path, HEADED), features=2, label="width")[:, 0], [2.5, 4.5, 6.5, 8.5, 10.5]
    )
    with pytest.raises(DataError, match="has 2 features a sample where 7 were expected"):
        load_features(csv(tmp_path, HEADED), features=7)


CELLS = st.sampled_from(
    ["1", "2", "0", "-3.5", "1e3", "nan", "", "x", '"', '"1"', "é", "1_0", "label", " ", "\x00", "#"]
)
TABLES = st.one_of(
    st.binary(max_size=60),
    st.lists(st.lists(CELLS, min_size=2, max_size=3).map(",".join), max_size=6).map(
        lambda rows: "\n".join(rows).encode()
    ),
    st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 2)), min_size=2).map(
        lambda rows: "\n".join(f"{x},{t}" for x, t in rows).encode()
    ),
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=TABLES)
def test_any_bytes_as_csv(tmp_path: Path, content: bytes):
    path = tmp_path / "fuzz.csv"
    path.write_bytes(content)
    try:
        data = load(path)
    except DataError as error:
        refusal = str(error)
    else:
        refusal = ""
        check(data)
    assert "\n" not in refusal


def check(data: Dataset) -> None:
    assert data.x_train.min() >= 0
    assert data.x_train.max() <= 1
    assert np.isfinite(data.x_test).all()
    assert set(data.t_train.tolist()) | set(data.t_test.tolist()) == set(range(data.classes))
