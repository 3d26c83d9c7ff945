"""Tables in .csv files, with or without a line of column names; labels may be text."""

import csv
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.columns import TARGET_NAMES, TargetColumn
from xpnet.datasets.decoding import DataError, decoding, one_line
from xpnet.datasets.samples import RawSamples, is_usable


class _Layout(NamedTuple):
    """How a table is laid out: its column names if it has any, its columns, the lines before the first row."""

    names: list[str] | None
    width: int
    skip: int


def read_csv(path: Path, target: TargetColumn) -> tuple[RawSamples]:
    """Return the samples in a .csv file."""
    with decoding(path, "a comma-separated table"):
        layout = _read_layout(path, target.label)
        column = target.find(path, layout.width, layout.names)
        table, texts = _read_numbers(path, layout, column if target.classification else None)
        if column is None:
            return (RawSamples(table, None, str(path)),)
        t = table[:, column]
        if target.classification and target.features is None:
            t = _as_labels(path, layout, column, texts)[t.astype(np.int64)]
        return (RawSamples(np.delete(table, column, axis=1), t, str(path), f"{path}: column {column + 1}"),)


def _read_layout(path: Path, label: str | int | None) -> _Layout:
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file)
        rows = ((row, reader.line_num) for row in reader if row)
        first, line = next(rows, ([], 0))
        names = [one_line(cell) for cell in first]
        # Column names may be numbers too, as in "0,1,label": one that is sought tells.
        is_header = not any(map(_is_number, names)) or any(n == label or n.lower() in TARGET_NAMES for n in names)
        if not first or (is_header and next(rows, None) is None):
            raise DataError(f"{path}: holds no rows of data: use a table with samples")
        return _Layout(names if is_header else None, len(first), line if is_header else 0)


def _read_numbers(path: Path, layout: _Layout, text_column: int | None) -> tuple[NDArray[Any], list[str]]:
    """Return all cells as numbers, and the texts which those in `text_column` are the indices of."""
    codes: dict[str, int] = {}
    converters: dict[int | str, Callable[[str], int]] = {}
    if text_column is not None:
        converters[text_column] = lambda text: codes.setdefault(one_line(text), len(codes))

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
        raise DataError(f"{path}: {_first_fault(path, layout, text_column) or one_line(str(error))}") from error
    if table.shape[1] != layout.width or not is_usable(table).all():
        raise DataError(f"{path}: {_first_fault(path, layout, text_column) or 'holds no table of finite numbers'}")
    return table, list(codes)


def _as_labels(path: Path, layout: _Layout, column: int, texts: list[str]) -> NDArray[Any]:
    """Return the texts of the column of labels as numbers if all are, else as they are."""
    if "" in texts:
        line = next(line for line, row in _rows(path, layout) if not row[column].strip())
        raise DataError(f"{path}: {_cell(line, column, layout)} has no label: fill it in or remove the line")
    numeric = all(map(_is_number, texts))
    return np.asarray(list(map(float, texts)) if numeric else texts, np.float64 if numeric else np.object_)


def _first_fault(path: Path, layout: _Layout, text_column: int | None) -> str | None:
    """Say where the first line or cell is that cannot be used, and why."""
    for line, row in _rows(path, layout):
        if len(row) != layout.width:
            return f"line {line} has {len(row)} cells where {layout.width} were expected: correct or remove it"
        for column, text in enumerate(row):
            if column == text_column:
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
