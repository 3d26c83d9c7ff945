"""What there is in a file of data, before anything is trained on it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xpnet.datasets.columns import Columns
from xpnet.datasets.download import Progress
from xpnet.datasets.samples import checked_features, class_names_of, encode, may_be_classes
from xpnet.datasets.sources import Source, find


@dataclass(frozen=True)
class Summary:
    """What `load_data` would read.

    Parameters
    ----------
    name : str
        What the data set is called.
    samples : tuple of int
        How many there are: in the training and the test part, or in the one that is to be split.
    features : int
        How many columns, or numbers, a sample has.
    label : str, int or None
        The column of a table that holds the targets.
    classes : dict of str to int
        The names of the classes, and how many samples each has; empty where the targets are numbers.
    targets : tuple of float
        The least, the mean and the greatest of targets that are numbers; empty where they are classes.
    categories : dict of str to tuple of str
        The columns of texts, and the categories of each.
    missing : dict of str to int
        The columns that lack values, and how many.
    incomplete : int
        How many samples lack a value.
    """

    name: str
    samples: tuple[int, ...]
    features: int
    label: str | int | None
    classes: dict[str, int]
    targets: tuple[float, ...]
    categories: dict[str, tuple[str, ...]]
    missing: dict[str, int]
    incomplete: int


def summarize(
    source: Source,
    *,
    data_dir: str | Path | None = None,
    label: str | int | None = None,
    progress: Progress | None = None,
) -> Summary:
    """Return what `load_data` would read of `source`, with the same arguments.

    Raises
    ------
    DataError
        If there is no such data set, or its files are not what they should be.

    Examples
    --------
    >>> from xpnet.datasets import summarize
    >>> summary = summarize("digits")
    >>> summary.samples, summary.features, summary.classes["0"], summary.missing
    ((3823, 1797), 64, 554, {})
    """
    found = find(source, Columns(label, missing=True), data_dir, progress)
    parts = found.take()
    x = [np.asarray(checked_features(part, missing=True)) for part in parts]
    t = np.concatenate([np.ravel(part.t) for part in parts if part.t is not None])
    names = found.columns or tuple(map(str, range(x[0].shape[1])))
    classes: dict[str, int] = {}
    targets: tuple[float, ...] = ()
    if may_be_classes(t):
        labels = t if t.dtype == np.object_ else t.astype(np.int64)
        class_names = found.class_names or class_names_of(labels, found.where)
        counts = np.bincount(encode(labels, class_names, found.where), minlength=len(class_names))
        classes = dict(zip(class_names, counts.tolist(), strict=True))
    else:
        targets = (float(t.min()), float(t.mean(dtype=np.float64)), float(t.max()))
    missing = [np.isnan(part) if part.dtype.kind == "f" else np.zeros(part.shape, np.bool_) for part in x]
    counts = sum(part.sum(axis=0) for part in missing)
    return Summary(
        found.name,
        tuple(map(len, x)),
        x[0].shape[1],
        found.label,
        classes,
        targets,
        {name: texts for name, texts in zip(names, found.categories, strict=False) if texts},
        {name: count for name, count in zip(names, counts.tolist(), strict=True) if count},
        sum(int(part.any(axis=1).sum()) for part in missing),
    )
