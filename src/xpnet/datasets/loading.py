"""From a name or a path to a data set."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._random import generator
from xpnet.datasets.columns import TargetColumn
from xpnet.datasets.dataset import Dataset, Samples
from xpnet.datasets.decoding import DataError
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.formats import describe_formats, reader_of, refuse_label
from xpnet.datasets.idx_files import read_folder
from xpnet.datasets.known import KNOWN, Known, known
from xpnet.datasets.samples import RawSamples, checked_features, checked_samples, class_names_of, encode
from xpnet.datasets.scaling import Scaling


def load_data(
    source: str | Path,
    *,
    data_dir: str | Path | None = None,
    label: str | int | None = None,
    classification: bool = True,
    seed: int = 0,
    scaling: Scaling | None = None,
    target_scaling: Scaling | None = None,
    class_names: Sequence[str] = (),
    progress: Progress | None = None,
) -> Dataset:
    """Return the data set that `source` names, its features scaled to [0, 1].

    Parameters
    ----------
    source : str or path
        A name, "digits", "mnist" or "fashion-mnist", or else a path, of

        {formats}

        What has no test part is split 80 : 20.
    data_dir : path, optional
        Where a data set with a name is looked for first, and downloaded to.
    label : str or int, optional
        The column of a table that holds the targets, by name or index; without it one called label, target or class,
        else the last.
    classification : bool
        Whether the targets are the labels of classes. Else they are numbers to be predicted, of which a sample has one
        or, in an array, shape (n, outputs), several; they are standardised.
    seed : int
        What the split depends on.
    scaling, target_scaling, class_names : optional
        Those of a trained model, to prepare these data in the same way; with `target_scaling`, targets are numbers.
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
    """
    target = TargetColumn(label, classification and target_scaling is None)
    facts = KNOWN[str(source)] if source in KNOWN else Known("")
    where = str(source)
    raw = _read(source, target, data_dir, progress)
    parts = [checked_samples(part, classification=target.classification) for part in raw]
    names: tuple[str, ...] = ()
    if target.classification:
        names = tuple(class_names or facts.class_names or class_names_of(parts[0].t, where))
        parts = [Samples(x, encode(t, names, where)) for x, t in parts]
    train, test = parts if len(parts) == 2 else _split(parts[0], where, seed)
    _check_alike(train, test, where)
    scaling = scaling or facts.scaling or Scaling.of(train.x)
    if not target.classification:
        target_scaling = target_scaling or Scaling.standard(train.t)
    train, test = (_scaled(part, scaling, target_scaling, where) for part in (train, test))
    height_width = raw[0].x.shape[1:] if raw[0].x.ndim == 3 else None
    return Dataset(Path(source).stem, train, test, names, height_width, scaling, target_scaling)


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


def load_features(path: str | Path, *, features: int, label: str | int | None = None) -> NDArray[Any]:
    """Return raw features without targets, shape (n, features), to be scaled by a model's `Scaling`.

    Parameters
    ----------
    path : path
        That of

        {formats}

        In a table with one column more than `features`, that of the targets is found as by `load_data` and left out.
    features : int
        How many features a sample must have.
    label : str or int, optional
        The column of a table to leave out, by name or index.

    Raises
    ------
    DataError
        If the file is not what it should be, or has another number of features.
    """
    path, target = Path(path), TargetColumn(label, features=features)
    if not path.exists():
        raise DataError(f"{path}: no such file: give the path of one that exists")
    (raw,) = reader_of(path, target)(path, target)
    x = checked_features(raw)
    if x.shape[1] != features:
        raise DataError(f"{path}: has {x.shape[1]} features a sample where {features} were expected: give such data")
    return x


def _read(
    source: str | Path, target: TargetColumn, data_dir: str | Path | None, progress: Progress | None
) -> tuple[RawSamples, ...]:
    if source in KNOWN:
        refuse_label(source, target.label)
        return read_folder(fetch(str(source), data_dir=data_dir, progress=progress), target)
    if not Path(source).exists():
        known(str(source))  # says which there are
    return reader_of(Path(source), target)(Path(source), target)


def _split(samples: Samples, where: str, seed: int) -> list[Samples]:
    """Return a random 80 % of the samples, and the others."""
    n = len(samples.x)
    if n < 2:
        raise DataError(f"{where}: has {n} sample, too few for a training and a test part: give more")
    order = generator(seed, "split").permutation(n)
    parts = np.split(order, [n - max(1, round(n / 5))])
    return [Samples(samples.x[part], samples.t[part]) for part in parts]


def _check_alike(train: Samples, test: Samples, where: str) -> None:
    for what, of_train, of_test in zip(("features", "targets"), train, test, strict=True):
        if of_train.shape[1:] != of_test.shape[1:]:
            raise DataError(
                f"{where}: training samples have {of_train[0].size} {what}, test samples {of_test[0].size}: "
                "use parts that belong together"
            )


def _scaled(samples: Samples, scaling: Scaling, target_scaling: Scaling | None, where: str) -> Samples:
    x, t = samples
    try:
        if target_scaling is None:
            return Samples(scaling.apply(x), t)
        if np.shape(target_scaling.offset) != t.shape[1:]:
            raise DataError(
                f"a sample has {t[0].size} targets where {np.size(target_scaling.offset)} were expected: use other data"
            )
        return Samples(scaling.apply(x), target_scaling.apply(t, np.float64))
    except DataError as error:
        raise DataError(f"{where}: {error}") from None


def _list_formats(function: Callable[..., Any], *, features: bool) -> None:
    """Put the table of formats into a docstring."""
    items = describe_formats(features=features)
    function.__doc__ = re.sub(
        "( *){formats}", lambda gap: "\n".join(f"{gap[1]}- {item}" for item in items), function.__doc__ or ""
    )


_list_formats(load_data, features=False)
_list_formats(load_features, features=True)
