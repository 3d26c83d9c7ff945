"""Tables in .csv files, with or without a line of column names; labels may be text."""

import csv
import warnings
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import numpy as np
from numpy.typing import NDArray

from xpnet._files import open_regular
from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError, decoding
from xpnet.datasets.samples import RawSamples, is_usable, too_many_classes

_MAX_LINE = 2**20
"""Bytes between two line breaks: without any, a file would be one cell."""
_MAX_CLASSES = 2**16


class _Layout(NamedTuple):
    """How a table is laid out: its column names if it has any, its columns, the lines before the first row."""

    names: list[str]
    width: int
    skip: int


class _Cells(NamedTuple):
    """Which columns do not hold numbers that are wanted: that of labels, as text, and those that nobody asked for."""

    labels: int | None
    unwanted: Collection[int]

    def hold_numbers(self, column: int) -> bool:
        """Return whether the cells of a column must be numbers."""
        return column != self.labels and column not in self.unwanted


def read_csv(path: Path, columns: Columns) -> tuple[RawSamples]:
    """Return the samples in a .csv file."""
    with decoding(path, "a comma-separated table"):
        _check_lines(path)
        layout = _read_layout(path, columns)
        features, target = columns.find(path, layout.width, layout.names)
        alone = target is None or columns.features is not None
        wanted = {*features} if alone else {*features, target}
        labels = target if columns.classification and not alone else None
        cells = _Cells(labels, {*range(layout.width)} - wanted if len(wanted) < layout.width else ())
        table, texts = _read_numbers(path, layout, cells)
        names = tuple(layout.names[column] for column in features) if layout.names else ()
        x = table[:, features]
        if target is None or alone:
            return (RawSamples(x, None, str(path), columns=names),)
        t = table[:, target]
        if labels is not None:
            t = _as_labels(path, layout, target, texts)[t.astype(np.int64)]
        label = layout.names[target] if layout.names else target
        return (RawSamples(x, t, str(path), f"{path}: column {target + 1}", names, label),)


def _check_lines(path: Path) -> None:
    """Refuse lines that no table has, which a reader would keep in memory whole."""
    with open_regular(path) as file:
        rest = 0
        while block := file.read(_MAX_LINE):
            end = block.rfind(b"\n") if b"\n" in block else block.rfind(b"\r")
            rest = len(block) - 1 - end if end >= 0 else rest + len(block)
            if rest > _MAX_LINE:
                raise DataError(f"{path}: has a line of more than {_MAX_LINE} bytes: save such wide tables as .npy")


def _read_layout(path: Path, columns: Columns) -> _Layout:
    with _open_text(path, newline="") as file:
        reader = csv.reader(file)
        rows = ((row, reader.line_num) for row in reader if row)
        first, line = next(rows, ([], 0))
        names = [printable(cell) for cell in first]
        is_header = not any(map(_is_number, names)) or columns.is_header(names)
        if not first or (is_header and next(rows, None) is None):
            raise DataError(f"{path}: holds no rows of data: use a table with samples")
        return _Layout(_told_apart(names) if is_header else [], len(first), line if is_header else 0)


def _told_apart(names: list[str]) -> list[str]:
    """Return the names with a number after each that was there before: a, a.1, a.2."""
    apart: dict[str, None] = {}
    times: Counter[str] = Counter()
    for name in names:
        unique = name
        while unique in apart:
            times[name] += 1
            unique = f"{name}.{times[name]}"
        apart[unique] = None
    return list(apart)


def _read_numbers(path: Path, layout: _Layout, cells: _Cells) -> tuple[NDArray[Any], list[str]]:
    """Return all cells as numbers: labels as indices of the texts beside them, and unwanted ones as 0."""
    codes: dict[str, int] = {}

    def code(text: str) -> int:
        if len(codes) > _MAX_CLASSES:
            raise ValueError("too many classes")
        return codes.setdefault(printable(text), len(codes))

    converters: dict[int | str, Callable[[str], int]] = dict.fromkeys(cells.unwanted, lambda _: 0)
    if cells.labels is not None:
        converters[cells.labels] = code

    def numbers(dtype: type[Any]) -> NDArray[Any]:
        codes.clear()
        with _open_text(path) as file, warnings.catch_warnings():
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
        if len(codes) > _MAX_CLASSES:
            raise DataError(too_many_classes(str(path), f"more than {_MAX_CLASSES}")) from error
        raise DataError(f"{path}: {_first_fault(path, layout, cells) or printable(str(error))}") from error
    if table.shape[1] != layout.width or not is_usable(table).all():
        raise DataError(f"{path}: {_first_fault(path, layout, cells) or 'holds no table of finite numbers'}")
    return table, list(codes)


def _as_labels(path: Path, layout: _Layout, column: int, texts: list[str]) -> NDArray[Any]:
    """Return the texts of the column of labels as numbers if all are, else as they are."""
    if "" in texts:
        line = next(line for line, row in _rows(path, layout) if not row[column].strip())
        raise DataError(f"{path}: {_cell(line, column, layout)} has no label: fill it in or remove the line")
    numeric = all(map(_is_number, texts))
    return np.asarray(list(map(float, texts)) if numeric else texts, np.float64 if numeric else np.object_)


def _first_fault(path: Path, layout: _Layout, cells: _Cells) -> str | None:
    """Say where the first line or cell is that cannot be used, and why."""
    for line, row in _rows(path, layout):
        if len(row) != layout.width:
            return f"line {line} has {len(row)} cells where {layout.width} were expected: correct or remove it"
        for column, text in enumerate(row):
            if not cells.hold_numbers(column):
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
    with _open_text(path, newline="") as file:
        reader = csv.reader(file)
        for row in reader:
            if row and reader.line_num > layout.skip:
                yield reader.line_num, row


@contextmanager
def _open_text(path: Path, newline: str | None = None) -> Iterator[TextIO]:
    with open_regular(path) as file, TextIOWrapper(file, "utf-8-sig", newline=newline) as text:
        yield text


def _cell(line: int, column: int, layout: _Layout) -> str:
    name = f" ({layout.names[column]!r})" if layout.names else ""
    return f"line {line}, column {column + 1}{name}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
