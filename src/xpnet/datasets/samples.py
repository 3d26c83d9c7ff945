"""From the arrays of a file to samples, checked: finite features, whole labels or finite numbers, as many of each."""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._text import printable
from xpnet.datasets.dataset import Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.rows import Rows

FEW_CLASSES = 100
"""More classes than these, with too few samples for a test sample of each, are rather numbers, or count the samples."""

OR_NUMBERS = ", or pass classification=False if they are numbers to be predicted"
"""So ends an error; the command line says its own option instead."""


OR_MISSING = ", or pass missing='mean' or 'drop'"
"""So ends an error about missing values; the command line says its own option instead."""


class RawSamples(NamedTuple):
    """What a reader returns, unchecked: features, targets if they were asked for, and how an error calls the two.

    Labels may also be texts, in an array of objects.
    """

    x: NDArray[Any] | Rows
    t: NDArray[Any] | None
    x_name: str
    t_name: str = ""
    columns: tuple[str, ...] = ()
    """The names of the features."""
    label: str | int | None = None
    """The column of a table that held the targets: its name, or its index where columns have none."""
    categories: tuple[tuple[str, ...], ...] = ()
    """Of each feature the texts that its numbers stand for, none where it is a number; empty if all are."""


def checked_samples(raw: RawSamples, *, classification: bool, missing: bool = False) -> Samples:
    """Return `raw` as rows of features with labels or, where they are to be numbers, rows of targets in float64."""
    assert raw.t is not None
    x = checked_features(raw, missing=missing)
    t = raw.t[:, 0] if raw.t.ndim == 2 and raw.t.shape[1] == 1 else raw.t
    t = _checked_labels(t, raw.t_name) if classification else _checked_numbers(t, raw.t_name)
    if len(x) != len(t):
        what = "labels" if classification else "targets"
        raise DataError(
            f"{raw.x_name} holds {len(x)} samples but {raw.t_name} {len(t)} {what}: use files that belong together"
        )
    return Samples(x, t)


def checked_features(raw: RawSamples, *, missing: bool = False) -> Rows:
    """Return the features of `raw` with each sample flattened to a row of finite real numbers, or refuse them.

    Those that are `missing` are NaN, where they may be.
    """
    if raw.x.ndim < 2:
        raise DataError(f"{raw.x_name}: features must have shape (samples, features), got {raw.x.shape}: reshape them")
    return _finite_rows(raw.x, raw.x_name, "feature", missing=missing)


def is_usable(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where `x` is finite and float32 can hold it."""
    if x.dtype.kind != "f":
        return np.ones(x.shape, np.bool_)
    largest = np.finfo(np.float32).max
    usable: NDArray[np.bool_] = x <= largest
    usable &= x >= -largest
    return usable


def class_names_of(labels: NDArray[Any], name: str) -> tuple[str, ...]:
    """Return the distinct labels, in order, as the names of the classes; there must be two at least."""
    names = tuple(map(str, np.unique(labels).tolist()))
    if len(names) < 2:
        raise DataError(f"{name}: all samples are of one class ({names[0]}): training needs two or more")
    if len(names) > max(FEW_CLASSES, len(labels) / 5):
        raise DataError(too_many_classes(name, str(len(names)), f"its {len(labels)}"))
    return names


def may_be_classes(t: NDArray[Any]) -> bool:
    """Return whether targets are texts, or whole numbers of which there are not too many for `class_names_of`."""
    if t.dtype.kind == "f" and not ((np.abs(t) < 2**53) & (t == np.floor(t))).all():
        return False
    return t.dtype == np.object_ or 2 <= len(np.unique(t)) <= max(FEW_CLASSES, len(t) / 5)


def too_many_classes(name: str, classes: str, labels: str = "its") -> str:
    """Say that there are too few samples of each class."""
    return (
        f"{name}: {labels} labels are of {classes} classes, too few of each to learn from: "
        f"choose another column of labels{OR_NUMBERS}"
    )


def as_labels(t: NDArray[Any]) -> NDArray[Any]:
    """Return an array of texts as one of objects, which a terminal may have; any other as it is."""
    if t.dtype.kind not in "UT":
        return t
    return np.asarray([printable(label) for label in t.ravel().tolist()], np.object_).reshape(t.shape)


def encode(labels: NDArray[Any], class_names: Sequence[str], name: str) -> NDArray[np.int64]:
    """Return labels as positions in `class_names`.

    A label is the name of its class, or, where the classes have no integers as names, its position.
    """
    positions: dict[int | str, int] = {class_name: i for i, class_name in enumerate(class_names)}
    if not any(class_name.lstrip("-").isdecimal() for class_name in class_names):
        positions |= {i: i for i in range(len(class_names))}
    values, indices = np.unique(labels, return_inverse=True)
    codes = [positions.get(label, positions.get(str(label), -1)) for label in values.tolist()]
    if -1 in codes:
        known = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")
        raise DataError(
            f"{name}: label {values.tolist()[codes.index(-1)]!r} is none of the {len(class_names)} classes ({known}): "
            "correct the labels, or train with samples of that class"
        )
    return np.asarray(codes, np.int64)[indices]


def _checked_labels(t: NDArray[Any], name: str) -> NDArray[Any]:
    """Return the labels in `t`, shape (n,), as integers, or as the texts of a table."""
    if t.ndim != 1:
        raise DataError(
            f"{name}: labels must have shape (samples,), got {t.shape}: of one-hot take numpy.argmax{OR_NUMBERS}"
        )
    if t.dtype.kind == "f":
        bad = np.flatnonzero(~(np.abs(t) < 2**53) | (t != np.floor(t)))
        if bad.size:
            raise DataError(
                f"{name}: label {t[bad[0]]} of sample {bad[0]} is not an integer: number the classes{OR_NUMBERS}"
            )
    if t.dtype.kind not in "buifO":
        raise DataError(f"{name}: labels must be integers, got dtype {t.dtype}: number the classes 0, 1, ...")
    return t.astype(np.int64) if t.dtype.kind in "bf" else t


def _checked_numbers(t: NDArray[Any], name: str) -> NDArray[np.float64]:
    if t.ndim not in (1, 2):
        raise DataError(
            f"{name}: targets must have shape (samples,) or (samples, outputs), got {t.shape}: reshape them"
        )
    return np.asarray(_finite_rows(t, name, "target"), np.float64)


def _finite_rows(x: NDArray[Any] | Rows, name: str, what: str, *, missing: bool = False) -> Rows:
    """Return `x` with one row for each sample, of finite real numbers, or refuse it."""
    if x.dtype.kind not in "buif":
        raise DataError(f"{name}: {what}s must be real numbers, got dtype {x.dtype}: save them as such")
    if 0 in x.shape:
        raise DataError(f"{name}: holds no data (shape {x.shape}): use a file with samples and {what}s")
    rows = x if isinstance(x, Rows) else Rows(x.reshape(len(x), -1))
    before = 0
    for piece in rows.pieces():
        usable = is_usable(piece)
        if missing and x.dtype.kind == "f":
            usable |= np.isnan(piece)
        if not usable.all():
            row, column = np.argwhere(~usable)[0].tolist()
            raise DataError(
                f"{name}: sample {before + row}, {what} {column} is {piece[row, column]}, not a finite float32 number: "
                "replace it or remove the sample"
            )
        before += len(piece)
    return rows
