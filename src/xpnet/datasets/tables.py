"""Tables in .csv files, with or without a line of column names; labels may be text."""

import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.dataset import DataError
from xpnet.datasets.decoding import decoding, one_line
from xpnet.datasets.samples import Labels, Samples, checked_labels, is_usable

LABEL_NAMES = ("label", "target", "class")
"""Names (in any case) by which a column of labels is known without being asked for."""


class _Layout(NamedTuple):
    """How a table is laid out: its column names if it has any, its columns, the lines before the first row."""

    names: list[str] | None
    width: int
    skip: int


def read_csv(path: Path, label: str | int | None) -> Samples:
    """Return the samples in a .csv file, its column `label` (name or index) holding the labels."""
    with decoding(path, "a comma-separated table"):
        layout = _read_layout(path, label)
        column = label_column(label, layout.names, layout.width, path)
        x, texts = _read_rows(path, layout, column)
        return Samples(x, _as_labels(path, layout, column, texts))


def read_csv_features(path: Path, label: str | int | None, features: int) -> NDArray[Any]:
    """Return the features in a .csv file; a column beyond the `features` is that of the labels and left out."""
    with decoding(path, "a comma-separated table"):
        layout = _read_layout(path, label)
        unlabelled = label is None and layout.width == features
        column = None if unlabelled else label_column(label, layout.names, layout.width, path)
        return _read_rows(path, layout, column)[0]


def label_column(label: str | int | None, names: list[str] | None, width: int, path: Path) -> int:
    """Return the index of the column of labels: the one asked for, else one with an obvious name, else the last."""
    if width < 2:
        raise DataError(f"{path}: has one column only, expected features and labels: separate columns by commas")
    lowered = [name.lower() for name in names or ()]
    if label is None:
        return next((lowered.index(name) for name in LABEL_NAMES if name in lowered), width - 1)
    if names and label in names:
        return names.index(str(label))
    try:
        index = int(label)
    except ValueError:
        columns = f"columns {', '.join(names[:20])}" if names else "no line of column names"
        raise DataError(f"{path}: no column is called {label!r}, it has {columns}: give a name or an index") from None
    if not -width <= index < width:
        raise DataError(f"{path}: label column {index} is outside its {width} columns: give {-width} to {width - 1}")
    return index % width


def _read_layout(path: Path, label: str | int | None) -> _Layout:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        rows = ((row, reader.line_num) for row in reader if row)
        first, line = next(rows, ([], 0))
        names = [one_line(cell) for cell in first]
        # Column names may be numbers too, as in "0,1,label": one that is sought tells.
        is_header = not any(map(_is_number, names)) or any(n == label or n.lower() in LABEL_NAMES for n in names)
        if not first or (is_header and next(rows, None) is None):
            raise DataError(f"{path}: holds no rows of data: use a table with samples")
        return _Layout(names if is_header else None, len(first), line if is_header else 0)


def _read_rows(path: Path, layout: _Layout, column: int | None) -> tuple[NDArray[Any], list[str]]:
    """Return the numbers of all columns but `column`, and the texts of that."""
    codes: dict[str, int] = {}
    converters: dict[int | str, Callable[[str], int]] = {}
    if column is not None:
        converters[column] = lambda text: codes.setdefault(one_line(text), len(codes))

    def numbers(dtype: type[Any]) -> NDArray[Any]:
        codes.clear()
        with path.open(encoding="utf-8-sig") as file, warnings.catch_warnings():
            warnings.simplefilter("error")
            return np.loadtxt(
                file, dtype, None, ",", converters=converters, skiprows=layout.skip, ndmin=2, quotechar='"'
            )

    try:
        try:  # six times as fast as floating-point numbers
            table = numbers(np.int64)
        except (ValueError, Warning):
            table = numbers(np.float64)
    except (ValueError, Warning) as error:
        raise DataError(f"{path}: {_first_fault(path, layout, column) or one_line(str(error))}") from error
    if table.shape[1] != layout.width or not is_usable(table).all():
        raise DataError(f"{path}: {_first_fault(path, layout, column) or 'holds no table of finite numbers'}")
    if column is None:
        return table, []
    texts = list(codes)
    return np.delete(table, column, axis=1), [texts[int(code)] for code in table[:, column]]


def _as_labels(path: Path, layout: _Layout, column: int, texts: list[str]) -> Labels:
    """Return the texts of the column of labels as integers if they are numbers, else as they are."""
    if "" in texts:
        line = next(line for line, row in _rows(path, layout) if not row[column].strip())
        raise DataError(f"{path}: {_cell(line, column, layout)} has no label: fill it in or remove the line")
    if all(map(_is_number, set(texts))):
        return checked_labels(np.asarray([float(text) for text in texts]), f"{path}: column {column + 1}")
    return texts


def _first_fault(path: Path, layout: _Layout, label_column: int | None) -> str | None:
    """Say where the first line or cell is that cannot be used, and why."""
    for line, row in _rows(path, layout):
        if len(row) != layout.width:
            return f"line {line} has {len(row)} cells where {layout.width} were expected: correct or remove it"
        for column, text in enumerate(row):
            if column == label_column:
                continue
            if not text.strip():
                return f"{_cell(line, column, layout)} has a missing value: fill it in or remove the line"
            if not _is_number(text):
                return f"{_cell(line, column, layout)} holds {text[:40]!r}, not a number: correct or remove it"
            if not is_usable(np.asarray(float(text))):
                return f"{_cell(line, column, layout)} holds {text[:40]!r}, not a finite float32 number: correct it"
    return None


def _rows(path: Path, layout: _Layout) -> Iterator[tuple[int, list[str]]]:
    """Yield the number of the line and the cells of each row of data."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            if row and reader.line_num > layout.skip:
                yield reader.line_num, row


def _cell(line: int, column: int, layout: _Layout) -> str:
    name = f" ({layout.names[column]!r})" if layout.names else ""
    return f"line {line}, column {column + 1}{name}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
