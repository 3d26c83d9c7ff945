"""From a name or a path to a data set."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._random import generator
from xpnet.datasets.dataset import DataError, Dataset, Scaling
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.idx import PARTS, find_idx_files, read_idx
from xpnet.datasets.known import KNOWN, known
from xpnet.datasets.numpy_files import read_npy, read_npz
from xpnet.datasets.samples import Samples, checked_features, checked_samples, class_names_of, encode
from xpnet.datasets.tables import label_column, read_csv, read_csv_features

_NPZ_KEYS = (("x_train", "t_train", "x_test", "t_test"), ("x_train", "y_train", "x_test", "y_test"))
_NPZ_TABLE_KEYS = (("x", "t"), ("x", "y"))


def load(
    source: str | Path,
    *,
    data_dir: str | Path | None = None,
    label: str | int | None = None,
    seed: int = 0,
    scaling: Scaling | None = None,
    class_names: Sequence[str] | None = None,
    progress: Progress | None = None,
) -> Dataset:
    """Return the data set that `source` names, its features scaled to [0, 1].

    Parameters
    ----------
    source : str or path
        A name, "digits", "mnist" or "fashion-mnist", or else a path: a folder with the four standard idx files (plain
        or .gz); a .npz file with x_train, t_train, x_test, t_test (or y_ for t_) or only x and t (or y); a table in a
        .npy or .csv file. What has no test part is split 80 : 20.
    data_dir : path, optional
        Where a data set with a name is looked for first, and downloaded to.
    label : str or int, optional
        The column of a table that holds the labels, by name or index; without it one called label, target or class,
        else the last. The labels of a .csv file may be text.
    seed : int
        What the split depends on.
    scaling, class_names : optional
        Those of a trained model, to evaluate it on these data.
    progress : callable, optional
        Called as ``progress(file_name, bytes_so_far, bytes_in_all)`` during a download.

    Raises
    ------
    DataError
        If there is no such data set, or its files are not what they should be.

    Examples
    --------
    >>> from xpnet.datasets import load
    >>> data = load("digits")
    >>> data.x_train.shape, data.x_test.shape, data.classes
    ((3823, 64), (1797, 64), 10)
    """
    path = Path(source)
    is_table = source not in KNOWN and path.suffix in (".csv", ".npy")
    if label is not None and not is_table:
        raise DataError(f"{source}: a label column can be chosen in a .csv or .npy table only: leave label out")
    if source in KNOWN:
        name = str(source)
        scaling = scaling or known(name).scaling
        class_names = class_names or known(name).class_names
        train, test = _read_folder(fetch(name, data_dir=data_dir, progress=progress))
        return _assemble(name, name, train, test, scaling, class_names)
    if not path.exists():
        known(str(source))
    samples: Samples | tuple[Samples, Samples]
    if path.is_dir():
        samples = _read_folder(path)
    elif path.suffix == ".npz":
        samples = _read_npz(path)
    elif is_table:
        samples = read_csv(path, label) if path.suffix == ".csv" else _read_npy(path, label)
    else:
        raise DataError(f"{path}: not a .csv, .npy or .npz file, nor a folder with idx files: give one of these")
    if isinstance(samples, Samples):
        class_names = class_names or class_names_of(samples.labels, str(path))
        samples = _split(samples, path, seed)
    train, test = samples
    return _assemble(str(path), path.stem, train, test, scaling, class_names)


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
    return load("digits")


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
    path = Path(folder)
    train, test = _read_folder(path)
    return _assemble(str(path), path.stem, train, test, None, None)


def load_features(path: str | Path, *, features: int, label: str | int | None = None) -> NDArray[Any]:
    """Return raw features without labels, shape (n, features), to be scaled by a model's `Scaling`.

    Parameters
    ----------
    path : path
        A .csv or .npy table (with one column more than `features`, that of the labels is found as by `load` and left
        out), a .npz file with x or a single array, or an idx file of images, plain or .gz.
    features : int
        How many features a sample must have.
    label : str or int, optional
        The column of a table to leave out, by name or index.

    Raises
    ------
    DataError
        If the file is not what it should be, or has another number of features.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"{path}: no such file: give a .csv, .npy, .npz or idx file that exists")
    if label is not None and path.suffix not in (".csv", ".npy"):
        raise DataError(f"{path}: a label column can be chosen in a .csv or .npy table only: leave label out")
    x = _read_features(path, features, label)
    if x.shape[1] != features:
        raise DataError(f"{path}: has {x.shape[1]} features a sample where {features} were expected: give such data")
    return x


def _read_features(path: Path, features: int, label: str | int | None) -> NDArray[Any]:
    if path.suffix == ".csv":
        return read_csv_features(path, label, features)
    if path.suffix == ".npz":
        arrays = read_npz(path)
        key = next(iter(arrays)) if len(arrays) == 1 else "x"
        if key not in arrays:
            raise DataError(f"{path}: holds {', '.join(arrays) or 'no arrays'}: save the features as x")
        return checked_features(arrays[key], f"{path}: {key}")
    x = checked_features(read_npy(path) if path.suffix == ".npy" else read_idx(path), str(path))
    if path.suffix == ".npy" and (label is not None or x.shape[1] == features + 1):
        return np.delete(x, label_column(label, None, x.shape[1], path), axis=1)
    return x


def _read_folder(folder: Path) -> tuple[Samples, Samples]:
    files = find_idx_files(folder)
    if missing := [part for part in PARTS if part not in files]:
        raise DataError(f"{folder}: has no {', '.join(missing)}: put these files there, plain or with .gz")
    train_x, train_t, test_x, test_t = (files[part] for part in PARTS)
    train = checked_samples(read_idx(train_x), read_idx(train_t), str(train_x), str(train_t))
    return train, checked_samples(read_idx(test_x), read_idx(test_t), str(test_x), str(test_t))


def _read_npz(path: Path) -> Samples | tuple[Samples, Samples]:
    arrays = read_npz(path)

    def samples(x: str, t: str) -> Samples:
        return checked_samples(arrays[x], arrays[t], f"{path}: {x}", f"{path}: {t}")

    for x_train, t_train, x_test, t_test in _NPZ_KEYS:
        if {x_train, t_train, x_test, t_test} <= arrays.keys():
            return samples(x_train, t_train), samples(x_test, t_test)
    for x, t in _NPZ_TABLE_KEYS:
        if {x, t} <= arrays.keys():
            return samples(x, t)
    raise DataError(
        f"{path}: holds {', '.join(arrays) or 'no arrays'}: save {', '.join(_NPZ_KEYS[0])} (or y_ for t_), or x and t"
    )


def _read_npy(path: Path, label: str | int | None) -> Samples:
    table = read_npy(path)
    if table.ndim != 2:
        raise DataError(f"{path}: a table must have two dimensions, got shape {table.shape}: reshape it, or save .npz")
    column = label_column(label, None, table.shape[1], path)
    return checked_samples(
        np.delete(table, column, axis=1), table[:, column], str(path), f"{path}: column {column} (the labels)"
    )


def _split(samples: Samples, path: Path, seed: int) -> tuple[Samples, Samples]:
    """Return a random 80 % of the samples, and the others."""
    n = len(samples.labels)
    if n < 2:
        raise DataError(f"{path}: has {n} sample, too few for a training and a test part: give more")
    order = generator(seed, "split").permutation(n)
    cut = n - max(1, round(n / 5))

    def part(indices: NDArray[Any]) -> Samples:
        return Samples(samples.x[indices], [samples.labels[i] for i in indices], samples.image_shape)

    return part(order[:cut]), part(order[cut:])


def _assemble(
    where: str,
    name: str,
    train: Samples,
    test: Samples,
    scaling: Scaling | None,
    class_names: Sequence[str] | None,
) -> Dataset:
    """Scale the features, number the classes."""
    if train.x.shape[1] != test.x.shape[1]:
        raise DataError(
            f"{where}: training samples have {train.x.shape[1]} features, test samples {test.x.shape[1]}: "
            "use parts that belong together"
        )
    scaling = scaling or Scaling.of(train.x)
    names = tuple(class_names or class_names_of(train.labels, where))
    try:
        x_train, x_test = scaling.apply(train.x), scaling.apply(test.x)
    except DataError as error:
        raise DataError(f"{where}: {error}") from None
    return Dataset(
        name=name,
        x_train=x_train,
        t_train=encode(train.labels, names, where),
        x_test=x_test,
        t_test=encode(test.labels, names, where),
        class_names=names,
        image_shape=train.image_shape,
        scaling=scaling,
    )
