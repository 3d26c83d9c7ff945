"""Tables with texts and missing values, in files and in memory: what becomes of them, and that a model knows it."""

import csv
import gzip
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import polars
import pytest

from xpnet import Model, TwoLayerNet, load_model, save_model
from xpnet.datasets import DataError, load_data, load_features, summarize

ROWS = [[i, "red" if i % 3 else "blue", 2.5 * i, "yes" if i % 2 else "no"] for i in range(20)]
NAMES = ["size", "colour", "weight", "label"]


def write_csv(path: Path, rows: list[list[Any]], separator: str = ",", names: list[str] = NAMES) -> Path:
    stream = io.StringIO()
    csv.writer(stream, delimiter=separator, lineterminator="\n").writerows([names, *rows])
    content = stream.getvalue().encode()
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)
    return path


def write_parquet(path: Path, rows: list[list[Any]]) -> Path:
    pandas.DataFrame(rows, columns=NAMES).to_parquet(path)
    return path


SOURCES = {
    "csv": lambda folder, rows: write_csv(folder / "a.csv", rows),
    "semicolons": lambda folder, rows: write_csv(folder / "a.csv", rows, ";"),
    "tsv": lambda folder, rows: write_csv(folder / "a.tsv", rows, "\t"),
    "gz": lambda folder, rows: write_csv(folder / "a.csv.gz", rows),
    "parquet": lambda folder, rows: write_parquet(folder / "a.parquet", rows),
    "pandas": lambda folder, rows: pandas.DataFrame(rows, columns=NAMES),
    "polars": lambda folder, rows: polars.DataFrame(rows, schema=NAMES, orient="row"),
}


@pytest.fixture(params=sorted(SOURCES))
def source(request: pytest.FixtureRequest, tmp_path: Path) -> Any:
    """Give what makes a table of rows of this kind."""
    return lambda rows: SOURCES[request.param](tmp_path, rows)


def test_a_column_of_texts_is_one_hot(source: Any):
    data = load_data(source(ROWS))
    assert (data.features, data.class_names, data.origin.label) == (4, ("no", "yes"), "label")
    assert data.origin.columns == ("size", "colour", "weight")
    assert data.origin.encoding.categories == ((), ("blue", "red"), ())
    for x, t in (data.train, data.test):
        size = np.round(data.scaling.invert(x)[:, 0]).astype(int)
        np.testing.assert_array_equal(x[:, 1], size % 3 == 0)
        np.testing.assert_array_equal(x[:, 2], size % 3 != 0)
        np.testing.assert_array_equal(t, size % 2)


def test_missing_values(source: Any):
    rows = [*ROWS, [None, "red", 1.0, "no"], [3.0, None, 1.0, "yes"]]
    with pytest.raises(DataError, match=r"column 1 \('size'\) has a missing value: fill it in .*missing='mean' or 'dr"):
        load_data(source(rows))
    dropped, whole = load_data(source(rows), missing="drop"), load_data(source(ROWS))
    np.testing.assert_array_equal(dropped.train.x, whole.train.x)
    filled = load_data(source(rows), missing="mean", seed=1)
    assert len(filled.train.x) + len(filled.test.x) == 22
    assert np.isfinite(filled.train.x).all()
    fill = filled.origin.encoding.fill
    assert fill is not None
    np.testing.assert_allclose(fill[1] + fill[2], 1, rtol=1e-6)  # Frequencies.
    summary = summarize(source(rows))
    assert (summary.missing, summary.incomplete, summary.samples) == ({"size": 1, "colour": 1}, 2, (22,))
    assert (summary.classes, summary.categories) == ({"no": 11, "yes": 11}, {"colour": ("blue", "red")})


def test_a_model_takes_raw_rows(source: Any, tmp_path: Path):
    data = load_data(source([*ROWS, [None, None, 1.0, "no"]]), missing="mean")
    save_model(TwoLayerNet(4, 3, 2, init="xavier", dtype="float64"), tmp_path / "model", origin=data.origin)
    model = load_model(tmp_path / "model")
    rows = [[1.0, "red", 4.0], [2.0, "blue", 5.0], [None, "red", None]]
    said = model.predict_proba(rows)
    frame = pandas.DataFrame(rows, columns=NAMES[:3])
    np.testing.assert_array_equal(model.predict_proba(frame[["weight", "colour", "size"]]), said)
    path = write_csv(
        tmp_path / "new.csv",
        [[row[1], row[0], row[2], "?"] for row in rows],
        names=["colour", "size", "weight", "note"],
    )
    raw = load_features(path, features=4, like=model.origin)
    assert raw.tolist() == [*rows[:2], [pytest.approx(np.nan, nan_ok=True), "red", pytest.approx(np.nan, nan_ok=True)]]
    np.testing.assert_array_equal(model.predict_proba(raw), said)
    with pytest.raises(
        DataError, match=r"x: column 2 \('colour'\) holds 'green', none of the model's .* \(blue, red\)"
    ):
        model.predict([[1.0, "green", 4.0]])
    with pytest.raises(DataError, match=r"x: column 1 \('size'\) holds 'big', not a number"):
        model.predict([["big", "red", 4.0]])
    held = load_data(path.parent / "held.csv" if write_csv(path.parent / "held.csv", ROWS) else path, like=model.origin)
    assert (len(held.train.x), len(held.test.x)) == (0, 20)


def test_numbers_are_predicted_too(source: Any):
    data = load_data(source(ROWS), label="weight", classification=False)
    assert (data.outputs, data.features) == (1, 5)
    assert data.origin.encoding.categories == ((), ("blue", "red"), ("no", "yes"))
    with pytest.raises(DataError, match=r"column 4 \('label'\) holds 'no', not a number"):
        load_data(source(ROWS), label="label", classification=False)


def test_what_is_in_memory_is_the_same_again():
    frame = pandas.DataFrame(ROWS, columns=NAMES)
    data = load_data(frame, seed=4)
    again = load_data(frame, like=data.origin)
    np.testing.assert_array_equal(again.test.x, data.test.x)
    assert len(load_data(frame[:-1], like=data.origin).train.x) == 0
    x, t = np.arange(20.0).reshape(10, 2), np.arange(10) % 2
    for pair in ((x, t), (x.tolist(), t.tolist()), (x, np.asarray(["a", "b"])[t])):
        data = load_data(pair)
        assert (data.features, data.classes, data.train.x.shape) == (2, 2, (8, 2))
    data = load_data((frame[NAMES[:3]], frame["label"]))
    assert (data.features, data.class_names, data.origin.columns) == (4, ("no", "yes"), ("size", "colour", "weight"))
    assert x[0, 0] == 0
    with pytest.raises(DataError, match=r"a pair of features and targets, got 3: give \(X, y\)"):
        load_data((x, t, t))


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (pandas.DataFrame([[1, 2, 3]], columns=["a", "a", "t"]), "two of its columns have the same name"),
        (pandas.DataFrame({"a": pandas.to_datetime(["2020-01-01"]), "t": [1]}), "'a'.* is of dtype datetime64"),
        (pandas.DataFrame({"a": [[1], [2]], "t": [0, 1]}), "'a'.* holds what is neither number nor text"),
        (pandas.DataFrame({"a": [np.inf, 1.0], "t": [0, 1]}), r"sample 0, column 1 \('a'\) holds inf, not a finite"),
        (pandas.DataFrame({"a": [str(i) + "x" for i in range(200)], "t": [0, 1] * 100}), "holds 200 different texts"),
    ],
)
def test_frames_that_are_refused(frame: Any, message: str):
    with pytest.raises(DataError, match=message):
        load_data(frame)


def test_parquet_of_other_types_is_refused(tmp_path: Path):
    path = tmp_path / "a.parquet"
    frame = pandas.DataFrame(
        {"a": pandas.to_datetime(["2020-01-01"] * 4), "b": [True, False] * 2, "label": [0, 1, 0, 1]}
    )
    frame.to_parquet(path)
    with pytest.raises(DataError, match=r"'a'.* is of type timestamp.*: keep numbers and texts"):
        load_data(path)
    frame[["b", "label"]].to_parquet(path)
    assert set(load_data(path).train.x.ravel().tolist()) == {0.0, 1.0}
    pandas.DataFrame({"a": [[1]], "label": [0]}).to_parquet(path)
    with pytest.raises(DataError, match=r"nested columns|is of type list"):
        load_data(path)


def test_categories_that_would_take_much_memory_are_refused(tmp_path: Path):
    rows = [[f"t{i % 3000}", i % 2] for i in range(15_000)]
    path = write_csv(tmp_path / "a.csv", rows, names=["a", "label"])
    with pytest.raises(DataError, match=r"its categories would take \d+ bytes .* leave out columns with many"):
        load_data(path)


def test_labels_that_become_texts_late(tmp_path: Path):
    """In the first 128 KiB all of them are numbers."""
    lines = [f"{i % 7}.5,{i % 2}" for i in range(40_000)] + ["1.5,other"] * 4
    (tmp_path / "a.csv").write_text("\n".join(lines))
    data = load_data(tmp_path / "a.csv")
    assert data.class_names == ("0", "1", "other")
    assert len(data.train.x) + len(data.test.x) == 40_004


def test_faults_far_down_are_told_by_their_line(tmp_path: Path):
    lines = [f"{i % 7}.5,{i % 2}" for i in range(60_000)]
    for line, text, message in ((50_000, "x,1", "holds 'x', not a number"), (50_001, "1,2,3", "has 3 cells where 2")):
        (tmp_path / "a.csv").write_text("\n".join([*lines[: line - 1], text, *lines[line:]]))
        with pytest.raises(DataError, match=rf"line {line}\b.*{message}"):
            load_data(tmp_path / "a.csv")


def test_large_numbers_keep_their_digits(tmp_path: Path):
    rows = [[1_700_000_000 + i, i % 2] for i in range(10)]
    x = load_features(write_csv(tmp_path / "a.csv", rows, names=["time", "label"]), features=1)
    assert x[:, 0].tolist() == [row[0] for row in rows]


def test_a_model_that_dropped_samples_refuses_to_predict_them(tmp_path: Path):
    data = load_data(pandas.DataFrame([*ROWS, [None, "red", 1.0, "no"]], columns=NAMES), missing="drop")
    model = Model(TwoLayerNet(4, 3, 2), replace(data.origin))
    with pytest.raises(DataError, match=r"column 1 \('size'\) has a missing value"):
        model.predict([[None, "red", 1.0]])
