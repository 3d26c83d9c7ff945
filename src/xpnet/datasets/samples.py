"""Raw samples as they come from a file, checked: finite features, whole labels, as many of the one as of the other."""

from collections.abc import Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.dataset import DataError

Labels: TypeAlias = list[Any]
"""Integers, or the texts of a table."""


class Samples(NamedTuple):
    """Raw features, shape (n, features), with their labels and, where they are images, height and width."""

    x: NDArray[Any]
    labels: Labels
    image_shape: tuple[int, int] | None = None


def checked_samples(x: NDArray[Any], t: NDArray[Any], x_name: str, t_name: str) -> Samples:
    """Return `x` and `t` as samples, or refuse them."""
    features = checked_features(x, x_name)
    labels = checked_labels(t, t_name)
    if len(features) != len(labels):
        raise DataError(
            f"{x_name} holds {len(features)} samples but {t_name} {len(labels)} labels: use files that belong together"
        )
    return Samples(features, labels, (x.shape[1], x.shape[2]) if x.ndim == 3 else None)


def checked_features(x: NDArray[Any], name: str) -> NDArray[Any]:
    """Return `x` with each sample flattened to a row of finite real numbers, or refuse it."""
    if x.dtype.kind not in "buif":
        raise DataError(f"{name}: features must be real numbers, got dtype {x.dtype}: save them as such")
    if x.ndim < 2:
        raise DataError(f"{name}: features must have shape (samples, features), got {x.shape}: reshape them")
    if x.size == 0:
        raise DataError(f"{name}: holds no data (shape {x.shape}): use a file with samples and features")
    features = x.reshape(len(x), -1)
    if not is_usable(features).all():
        row, column = np.argwhere(~is_usable(features))[0].tolist()
        raise DataError(
            f"{name}: sample {row}, feature {column} is {features[row, column]}, not a finite float32 number: "
            "replace it or remove the sample"
        )
    return features


def is_usable(x: NDArray[Any]) -> NDArray[np.bool_]:
    """Return where `x` is finite and float32 can hold it."""
    if x.dtype.kind != "f":
        return np.ones(x.shape, np.bool_)
    usable: NDArray[np.bool_] = np.abs(x) <= np.finfo(np.float32).max
    return usable


def checked_labels(t: NDArray[Any], name: str) -> list[int]:
    """Return the labels in `t`, shape (n,) or (n, 1), as integers, or refuse them."""
    if t.ndim == 2 and t.shape[1] == 1:
        t = t[:, 0]
    if t.ndim != 1:
        raise DataError(f"{name}: labels must have shape (samples,), got {t.shape}: of one-hot take numpy.argmax")
    if t.dtype.kind == "f":
        bad = np.flatnonzero(~(np.abs(t) < 2**53) | (t != np.floor(t)))
        if bad.size:
            raise DataError(f"{name}: label {t[bad[0]]} of sample {bad[0]} is not an integer: number the classes")
        t = t.astype(np.int64)
    if t.dtype.kind not in "bui":
        raise DataError(f"{name}: labels must be integers, got dtype {t.dtype}: number the classes 0, 1, ...")
    return [int(label) for label in t.tolist()]


def class_names_of(labels: Labels, name: str) -> tuple[str, ...]:
    """Return the distinct labels, in order, as the names of the classes; there must be two at least."""
    names = tuple(str(label) for label in sorted(set(labels)))
    if len(names) < 2:
        raise DataError(f"{name}: all samples are of one class ({names[0]}): training needs two or more")
    return names


def encode(labels: Labels, class_names: Sequence[str], name: str) -> NDArray[np.int64]:
    """Return labels as positions in `class_names`.

    A label is the name of its class, or, where the classes have no integers as names, its position.
    """
    positions: dict[int | str, int] = {class_name: i for i, class_name in enumerate(class_names)}
    if not any(class_name.lstrip("-").isdecimal() for class_name in class_names):
        positions |= {i: i for i in range(len(class_names))}
    code = {label: positions.get(label, positions.get(str(label), -1)) for label in set(labels)}
    if strange := sorted(label for label, position in code.items() if position < 0):
        known = ", ".join(class_names[:10]) + (", ..." if len(class_names) > 10 else "")
        raise DataError(
            f"{name}: label {strange[0]!r} is none of the {len(class_names)} classes ({known}): "
            "correct the labels, or train with samples of that class"
        )
    return np.asarray([code[label] for label in labels], dtype=np.int64)
