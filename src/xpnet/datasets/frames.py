"""Data in memory: data frames of pandas or polars, and arrays of features and targets."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError
from xpnet.datasets.origin import Origin
from xpnet.datasets.samples import RawSamples, as_labels, checked_features
from xpnet.datasets.tables import Table

Pair = tuple[Any, Any]
"""Features and targets: each an array, or what NumPy makes one of, the features maybe a data frame."""

_ROWS = 2**14


def is_frame(source: Any) -> bool:
    """Return whether this is a data frame: it has names of columns, and gives a column for a name."""
    return hasattr(source, "columns") and hasattr(source, "__getitem__")


def read_frame(frame: Any, columns: Columns, where: str = "data frame") -> tuple[RawSamples]:
    """Return the samples in a data frame, one in each row."""
    names = [printable(str(name)) for name in frame.columns]
    if len(set(names)) < len(names):
        raise DataError(f"{where}: two of its columns have the same name: rename one")
    table = Table(where, len(names), names, columns)
    _add(table, [frame[name] for name in frame.columns])
    return (table.samples(),)


def read_pair(pair: Pair, columns: Columns) -> tuple[RawSamples]:
    """Return the samples in features and targets, shape (n, features) and (n,) or (n, outputs)."""
    x, t = pair
    if is_frame(x):
        (raw,) = read_frame(x, _alone(columns, len(x.columns)), "X")
    else:
        raw = RawSamples(np.asarray(x), None, "X")
    targets = np.asarray(t)
    if targets.dtype == np.object_ and columns.classification:
        targets = targets.astype(np.str_)
    return (raw._replace(t=as_labels(targets), t_name="y"),)


def read_rows(x: Any, origin: Origin | None, features: int) -> NDArray[Any]:
    """Return the raw features that a model of so many features takes: numbers of categories where it has some."""
    if origin is None:
        return np.asarray(checked_features(RawSamples(np.asarray(x), None, "x")))
    columns = origin.asked(features=features)
    if is_frame(x) and (origin.columns or origin.encoding.categories):
        (raw,) = read_frame(x, columns, "x")
        return np.asarray(checked_features(raw, missing=columns.missing))
    rows = np.asarray(x)
    if not origin.encoding.categories:
        return np.asarray(checked_features(RawSamples(rows, None, "x"), missing=columns.missing))
    if rows.ndim != 2 or rows.shape[1] != columns.features:
        raise DataError(f"x: must have shape (n, {columns.features}), got {rows.shape}: give the columns of the table")
    rows = np.asarray(x, np.object_)
    names = origin.columns or [str(column) for column in range(rows.shape[1])]
    table = Table("x", rows.shape[1], names, columns)
    _add(table, list(rows.T))
    return np.asarray(table.samples().x)


def _alone(columns: Columns, width: int) -> Columns:
    return replace(columns, label=None, features=width)


def _add(table: Table, by_column: Sequence[Any]) -> None:
    """Add columns, some rows at a time."""
    values = [
        [] if i in table.unwanted else _values(column, f"{table.path}: {table.called(i)}")
        for i, column in enumerate(by_column)
    ]
    rows = max(map(len, values))
    for start in range(0, rows, _ROWS):
        stop = min(start + _ROWS, rows)
        table.add_typed([column[start:stop] for column in values], stop - start)


def _values(column: Any, where: str) -> NDArray[np.float64] | list[str]:
    """Return numbers, NaN where they are missing, or if there is a text, all as texts, empty where missing."""
    values = np.asarray(column)
    if values.dtype.kind in "buif":
        return values.astype(np.float64)
    if values.dtype.kind not in "OUT":
        raise DataError(f"{where} is of dtype {values.dtype}: keep numbers and texts")
    cells = [None if _is_missing(cell) else cell for cell in values.tolist()]
    if any(isinstance(cell, str) for cell in cells):
        return ["" if cell is None else str(cell) for cell in cells]
    try:
        return np.asarray([np.nan if cell is None else float(cell) for cell in cells])
    except (TypeError, ValueError):
        raise DataError(f"{where} holds what is neither number nor text: keep numbers and texts") from None


def _is_missing(cell: Any) -> bool:
    return cell is None or type(cell).__name__ in ("NAType", "NaTType") or (isinstance(cell, float) and cell != cell)
