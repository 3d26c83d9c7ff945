"""A table as its rows come: numbers, and texts that are labels or categories, become features and targets."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._text import listed, printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError
from xpnet.datasets.samples import FEW_CLASSES, OR_MISSING, RawSamples, is_usable, too_many_classes

_MAX_TEXTS = 2**16
"""Different labels, or categories of all columns."""
_EXACT = 2.0**24
"""Up to here float32 holds every whole number."""
MISSING = frozenset({"", "?", "NA", "N/A", "NaN", "nan", "NULL", "null"})
"""Texts that say that there is no value."""

_DECIMAL_COMMA = re.compile(r"-?\d+,\d+")


class Table:
    """The features and the targets of a table, collected block by block.

    Features are kept in float32, and in float64 if one of them is beyond 2**24; a text as the number of its category,
    and what is missing as NaN. A column is of numbers or of texts, as its first value is; those of a trained model's
    categories are texts.

    Parameters
    ----------
    path : Path or str
        What errors call it.
    width : int
        How many columns it has.
    names : sequence of str
        Their names; empty if they have none.
    columns : Columns
        What is asked for.
    """

    def __init__(self, path: Path | str, width: int, names: Sequence[str], columns: Columns) -> None:
        self.path, self.names, self.rows = path, names, 0
        self.classification, self.missing = columns.classification, columns.missing
        self.known = columns.categories
        self.features, self.target = columns.find(path, width, names)
        if columns.features is not None:
            self.target = None
        wanted = {*self.features} if self.target is None else {*self.features, self.target}
        self.unwanted = {*range(width)} - wanted
        self.texts: dict[int, bool] = {}
        """Of each column whether it holds texts, where that is known."""
        if columns.categories is not None:
            known = columns.categories or ((),) * len(self.features)
            if len(known) != len(self.features):
                raise DataError(
                    f"{path}: has {len(self.features)} features where the model takes {len(known)}: use other data"
                )
            self.texts |= {column: bool(names) for column, names in zip(self.features, known, strict=True)}
        if self.target is not None and not columns.classification:
            self.texts[self.target] = False
        self._codes: dict[int, dict[str, int]] = {}
        self._x = np.empty((0, len(self.features)), np.float32)
        self._t = np.empty(0)

    def add(self, numbers: NDArray[np.float64], texts: Mapping[int, Sequence[str]]) -> None:
        """Add rows: `numbers`, shape (rows, width), NaN where missing, and in their place the `texts` of columns."""
        start, end = self.rows, self.rows + len(numbers)
        for column, cells in texts.items():
            numbers[:, column] = self._coded(column, cells)
        first, last = self.features[0], self.features[-1]
        run = self.features == list(range(first, last + 1))
        x = numbers[:, first : last + 1] if run else numbers[:, self.features]
        # Of NaN neither is true.
        if not (x.max(initial=0) <= _EXACT and x.min(initial=0) >= -_EXACT):
            self._check(x, start)
            if self._x.dtype == np.float32 and (np.abs(x) > _EXACT).any():
                self._x = self._x.astype(np.float64)
        if end > len(self._x):
            rows = end + end // 8
            self._x.resize((rows, len(self.features)), refcheck=False)
            self._t.resize(rows, refcheck=False)
        self._x[start:end] = x
        if self.target is not None:
            self._t[start:end] = numbers[:, self.target]
        self.rows = end

    def add_typed(self, by_column: Sequence[NDArray[np.float64] | Sequence[str]], rows: int) -> None:
        """Add rows of columns that are wholly numbers or wholly texts, whatever the unwanted ones are."""
        numbers = np.full((rows, len(by_column)), np.nan)
        texts: dict[int, Sequence[str]] = {}
        for column, values in enumerate(by_column):
            if column in self.unwanted:
                continue
            if isinstance(values, np.ndarray):
                if self.texts.get(column, False):
                    texts[column] = [as_text(value) for value in values.tolist()]
                else:
                    numbers[:, column] = values
            elif self.texts.get(column, True):
                texts[column] = values
            else:
                text = next(filter(None, values), "")
                raise DataError(f"{self.path}: {self.called(column)} holds {text[:40]!r}, not a number: correct it")
        self.add(numbers, texts)

    def samples(self) -> RawSamples:
        """Return all that was added."""
        self._x.resize((self.rows, len(self.features)), refcheck=False)
        self._t.resize(self.rows, refcheck=False)
        columns = tuple(self.names[column] for column in self.features) if self.names else ()
        categories = tuple(self._categories(place, column) for place, column in enumerate(self.features))
        raw = RawSamples(self._x, None, str(self.path), columns=columns)
        if any(categories):
            raw = raw._replace(categories=categories)
        if self.target is None:
            return raw
        label = self.names[self.target] if self.names else self.target
        return raw._replace(t=self._targets(), t_name=f"{self.path}: {self.called(self.target)}", label=label)

    def called(self, column: int) -> str:
        """Return what an error calls a column."""
        return f"column {column + 1}" + (f" ({self.names[column]!r})" if self.names else "")

    def _coded(self, column: int, cells: Sequence[str]) -> list[float]:
        """Return the number of each text, NaN where it is missing."""
        codes = self._codes.setdefault(column, {})
        is_label = column == self.target
        if is_label and not codes and self.rows:  # All labels so far were numbers.
            values, numbers = np.unique(self._t[: self.rows], return_inverse=True)
            codes |= {as_text(value): code for code, value in enumerate(values.tolist())}
            self._t[: self.rows] = numbers
        coded = []
        for cell in cells:
            text = printable(cell)
            if not text if is_label else text in MISSING:
                coded.append(np.nan)
            else:
                coded.append(codes.setdefault(text, len(codes)))
        if is_label and len(codes) > _MAX_TEXTS:
            raise DataError(too_many_classes(str(self.path), f"more than {_MAX_TEXTS}"))
        if sum(map(len, self._codes.values())) - is_label * len(codes) > _MAX_TEXTS:
            raise DataError(
                f"{self.path}: its columns hold more than {_MAX_TEXTS} different texts, {self.called(column)} "
                f"{len(codes)}: remove columns that tell every sample from the others"
            )
        return coded

    def _check(self, x: NDArray[np.float64], start: int) -> None:
        """Refuse features that are not finite and, where that was not asked for, those that are missing."""
        usable = is_usable(x)
        missing = np.isnan(x)
        bad = ~(usable | missing) if self.missing else ~usable
        if bad.any():
            row, place = np.argwhere(bad)[0].tolist()
            where = f"{self.path}: sample {start + row}, {self.called(self.features[place])}"
            if missing[row, place]:
                raise DataError(f"{where} has a missing value: fill it in or remove the sample{OR_MISSING}")
            raise DataError(f"{where} holds {x[row, place]}, not a finite float32 number: correct it")

    def _categories(self, place: int, column: int) -> tuple[str, ...]:
        """Return the categories of a feature, those of the model or in alphabetic order, and number them so."""
        codes, known = self._codes.get(column, {}), self.known
        names = known[place] if known else self._new_categories(column)
        if not names:
            return ()
        order = {name: position for position, name in enumerate(names)}
        unknown = next((text for text in codes if text not in order), None)
        if unknown is not None:
            raise DataError(
                f"{self.path}: {self.called(column)} holds {unknown[:40]!r}, none of the model's categories "
                f"({listed(names, 10)}): correct it, or train with samples of that category"
            )
        positions = np.asarray([*(order[text] for text in codes), np.nan])
        values = self._x[:, place]
        values[:] = positions[np.where(np.isnan(values), len(codes), values).astype(np.int64)]
        return names

    def _new_categories(self, column: int) -> tuple[str, ...]:
        names = tuple(sorted(self._codes.get(column, ())))
        for name in names:
            if _DECIMAL_COMMA.fullmatch(name):
                raise DataError(f"{self.path}: {self.called(column)} holds {name!r}: write numbers with a point")
        if len(names) > max(FEW_CLASSES, self.rows / 5):
            raise DataError(
                f"{self.path}: {self.called(column)} holds {len(names)} different texts in {self.rows} samples, "
                "too few of each to learn from: remove the column, or correct what should be numbers"
            )
        return names

    def _targets(self) -> NDArray[Any]:
        missing = np.flatnonzero(np.isnan(self._t))
        if missing.size:
            what = "label" if self.classification else "target"
            raise DataError(f"{self.path}: sample {missing[0]} has no {what}: fill it in or remove the sample")
        if self.target not in self._codes:
            return self._t
        texts = list(self._codes[self.target])
        numeric = all(map(is_number, texts))
        names = np.asarray(list(map(float, texts)) if numeric else texts, np.float64 if numeric else np.object_)
        said: NDArray[Any] = names[self._t.astype(np.int64)]
        return said


def is_number(text: str) -> bool:
    """Return whether a text is a number."""
    try:
        float(text)
    except ValueError:
        return False
    return True


def as_text(number: float) -> str:
    """Return how a label or category that is a number is written, nothing where it is missing."""
    return "" if number != number else str(int(number)) if number.is_integer() else str(number)
