"""From a name, a path or what is in memory to a data set."""

import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.columns import Columns
from xpnet.datasets.dataset import Dataset, Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.download import Progress
from xpnet.datasets.encoding import DROP, MEAN, REFUSE, Encoding, as_told
from xpnet.datasets.formats import describe_formats, reader_of
from xpnet.datasets.origin import Origin
from xpnet.datasets.parts import all_test, check_alike, prepared, split, without_missing
from xpnet.datasets.samples import checked_features, checked_samples, class_names_of, encode
from xpnet.datasets.scaling import Scaling
from xpnet.datasets.sources import Source, find
from xpnet.devices import host_memory


def load_data(
    source: Source,
    *,
    data_dir: str | Path | None = None,
    label: str | int | None = None,
    classification: bool = True,
    missing: str = REFUSE,
    scale_targets: Callable[[NDArray[Any]], Scaling] = Scaling.standard,
    seed: int = 0,
    like: Origin | None = None,
    stream: bool | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Return the data set that `source` is or names, its features scaled to [0, 1].

    Parameters
    ----------
    source : str, path, data frame, or (X, y)
        A name, "digits", "mnist" or "fashion-mnist"; a data frame of pandas or polars; a pair of features, as an array
        or a data frame, and targets; or else a path, of

        {formats}

        What has no test part is split 80 : 20, each class so. In tables and frames, a column of texts becomes one-hot
        features, one for each of its categories.
    data_dir : path, optional
        Where a data set with a name is looked for first, and downloaded to.
    label : str or int, optional
        The column of a table that holds the targets, by name or index; without it one called label, target or class,
        else the last.
    classification : bool
        Whether the targets are the labels of classes. Else they are numbers to be predicted, of which a sample has one
        or, in an array, shape (n, outputs), several; they are standardised.
    missing : str
        What to do about samples with missing features, which are empty, NaN, NA or ? in a table of text: "refuse" the
        data; take the "mean" of the training part, of categories their frequencies; or "drop" the samples.
    scale_targets : callable
        What makes a scaling of such numbers: by default standardises them; see `Scaling.of_targets`.
    seed : int
        What the split depends on.
    like : Origin, optional
        What a model was trained on, to prepare these data in the same way: the features of a table in its order, by
        name, its column of targets, its encoding and scaling, its classes or numbers. Data other than those it was
        trained on are not split: all samples are in the test part.
    stream : bool, optional
        Whether to leave the features where they are, a .npy file on its disk, and have `Rows` of them, which `fit` and
        `evaluate` take, instead of arrays; by default where the arrays would take half of the memory or more.
    progress : callable, optional
        Called as ``progress(file_name, bytes_so_far, bytes_in_all)`` during a download.

    Raises
    ------
    DataError
        If there is no such data set, or its files are not what they should be.

    Examples
    --------
    >>> from xpnet.datasets import load_data
    >>> data = load_data("digits")
    >>> data.train.x.shape, data.test.x.shape, data.classes
    ((3823, 64), (1797, 64), 10)
    >>> x, y = [[1.0, 7.0], [2.0, 8.0], [float("nan"), 9.0], [3.0, 6.0]], ["a", "b", "a", "b"]
    >>> data = load_data((x, y), missing="mean")
    >>> data.features, data.class_names
    (2, ('a', 'b'))
    """
    if like is None:
        columns = Columns(label, classification, missing=missing != REFUSE)
    else:
        columns, missing, seed = like.asked(label), like.missing, like.seed
    found = find(source, columns, data_dir, progress)
    parts = [
        checked_samples(part, classification=columns.classification, missing=columns.missing) for part in found.take()
    ]
    if missing == DROP:
        parts = [without_missing(part, found.where) for part in parts]
    names: tuple[str, ...] = ()
    if columns.classification:
        names = (like.class_names if like else found.class_names) or class_names_of(parts[0].t, found.where)
        parts = [Samples(x, encode(t, names, found.where)) for x, t in parts]
    stratified = columns.classification if like is None else like.stratified
    is_split = len(parts) == 1 and (like is None or like.digest in ("", found.digest))
    if is_split:
        parts = split(parts.pop(), found.where, seed, stratified=stratified)
    elif len(parts) == 1:
        parts = all_test(parts.pop())
    train, test = parts
    check_alike(train, test, found.where)
    if like is None:
        encoding = Encoding()
        if found.categories or missing == MEAN:
            encoding = Encoding.of(np.asarray(train.x), found.categories, fill=missing == MEAN, where=found.where)
        scaling = found.scaling or encoding.scaling(train.x.extremes())
        target_scaling = None if columns.classification else scale_targets(train.t)
    else:
        encoding, scaling, target_scaling = like.encoding, like.scaling, like.target_scaling
    origin = Origin(
        found.data,
        found.label,
        seed,
        scaling,
        names,
        target_scaling,
        found.columns,
        found.digest,
        encoding,
        missing,
        stratified,
    )
    if stream is None:
        features = encoding.features(train.x.shape[1])
        stream = 8 * features * (len(train.x) + len(test.x)) > (host_memory() or math.inf)
    train, test = (prepared(part, origin, found.where, in_memory=not stream) for part in (train, test))
    return Dataset(found.name, train, test, found.image_shape, origin, is_split)


def load_digits() -> Dataset:
    """Return the UCI optical digits: 3823 training and 1797 test images of 8 x 8, 10 classes.

    References
    ----------
    E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine Learning Repository, 1998,
    doi:10.24432/C50P49, licensed under CC BY 4.0.

    Examples
    --------
    >>> from xpnet.datasets import load_digits
    >>> load_digits().image_shape
    (8, 8)
    """
    return load_data("digits")


def load_idx(folder: str | Path) -> Dataset:
    """Return the data set in a folder with the four standard idx files, plain or .gz, as MNIST has them.

    Images may have any size, and there may be any number of classes.

    Raises
    ------
    DataError
        If a file is missing or is not what it should be.

    Examples
    --------
    >>> from xpnet.datasets import fetch, load_idx
    >>> load_idx(fetch("digits")).features
    64
    """
    if not Path(folder).is_dir():
        raise DataError(f"{folder}: no such folder: give one with the four standard idx files")
    return load_data(Path(folder))


def load_features(
    path: str | Path, *, features: int, label: str | int | None = None, like: Origin | None = None
) -> NDArray[Any]:
    """Return raw features without targets, shape (n, columns), as a `Model` takes them.

    Parameters
    ----------
    path : path
        That of

        {formats}

        In a table with one column more, that of the targets is found as by `load_data` and left out.
    features : int
        How many features a sample must have.
    label : str or int, optional
        The column of a table to leave out, by name or index.
    like : Origin, optional
        What a model of so many features was trained on: the columns of a table are taken in its order, by name. If some
        hold texts, the result is an array of objects; without a model, all have to hold numbers.

    Raises
    ------
    DataError
        If the file is not what it should be, or has another number of features.
    """
    path = Path(path)
    columns = Columns(label, features=features, categories=()) if like is None else like.asked(label, features=features)
    if not path.exists():
        raise DataError(f"{path}: no such file: give the path of one that exists")
    (raw,) = reader_of(path, columns)(path, columns)
    x = np.asarray(checked_features(raw, missing=columns.missing))
    if x.shape[1] != columns.features:
        raise DataError(
            f"{path}: has {x.shape[1]} features a sample where {columns.features} were expected: give such data"
        )
    return as_told(x, raw.categories) if raw.categories else x


def _list_formats(function: Callable[..., Any], *, features: bool) -> None:
    """Put the table of formats into a docstring."""
    items = describe_formats(features=features)
    function.__doc__ = re.sub(
        "( *){formats}", lambda gap: "\n".join(f"{gap[1]}- {item}" for item in items), function.__doc__ or ""
    )


_list_formats(load_data, features=False)
_list_formats(load_features, features=True)
