"""From a name or a path to a data set."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from xpnet._files import open_regular
from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.dataset import Dataset, Samples
from xpnet.datasets.decoding import DataError, decoding
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.formats import describe_formats, reader_of, refuse_label
from xpnet.datasets.idx_files import find_idx_files, read_folder
from xpnet.datasets.known import KNOWN, Known, known
from xpnet.datasets.origin import Origin
from xpnet.datasets.parts import all_test, check_alike, scaled, split
from xpnet.datasets.samples import RawSamples, checked_features, checked_samples, class_names_of, encode
from xpnet.datasets.scaling import Scaling


def load_data(
    source: str | Path,
    *,
    data_dir: str | Path | None = None,
    label: str | int | None = None,
    classification: bool = True,
    scale_targets: Callable[[NDArray[Any]], Scaling] = Scaling.standard,
    seed: int = 0,
    like: Origin | None = None,
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
    scale_targets : callable
        What makes a scaling of such numbers: by default standardises them; see `Scaling.of_targets`.
    seed : int
        What the split depends on.
    like : Origin, optional
        What a model was trained on, to prepare these data in the same way: the features of a table in its order, by
        name, its column of targets, its scaling, its classes or numbers. Data other than those it was trained on are
        not split: all samples are in the test part.
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
    if like is None:
        columns = Columns(label, classification)
    else:
        columns = Columns(label, like.classification, names=like.columns, usual=like.label)
        seed = like.seed
    facts = KNOWN[str(source)] if source in KNOWN else Known("")
    where = str(source)
    path, raw = _read(source, columns, data_dir, progress)
    digest = _digest(path)
    parts = [checked_samples(part, classification=columns.classification) for part in raw]
    names: tuple[str, ...] = ()
    if columns.classification:
        names = (like.class_names if like else facts.class_names) or class_names_of(parts[0].t, where)
        parts = [Samples(x, encode(t, names, where)) for x, t in parts]
    if len(parts) == 1:
        parts = split(parts[0], where, seed) if like is None or like.digest in ("", digest) else all_test(parts[0])
    train, test = parts
    check_alike(train, test, where)
    if like is None:
        scaling = facts.scaling or Scaling.of(train.x)
        target_scaling = None if columns.classification else scale_targets(train.t)
    else:
        scaling, target_scaling = like.scaling, like.target_scaling
    train, test = (scaled(part, scaling, target_scaling, where) for part in (train, test))
    height_width = raw[0].x.shape[1:] if raw[0].x.ndim == 3 else None
    data = str(source) if source in KNOWN else str(path.resolve())
    origin = Origin(data, raw[0].label, seed, scaling, names, target_scaling, raw[0].columns, digest)
    return Dataset(printable(Path(source).stem), train, test, height_width, origin)


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
    like : Origin, optional
        What a model was trained on: the features of a table are taken in its order, by name.

    Raises
    ------
    DataError
        If the file is not what it should be, or has another number of features.
    """
    path, columns = Path(path), Columns(label, features=features)
    if like is not None:
        columns = replace(columns, names=like.columns, usual=like.label)
    if not path.exists():
        raise DataError(f"{path}: no such file: give the path of one that exists")
    (raw,) = reader_of(path, columns)(path, columns)
    x = checked_features(raw)
    if x.shape[1] != features:
        raise DataError(f"{path}: has {x.shape[1]} features a sample where {features} were expected: give such data")
    return x


def _read(
    source: str | Path, columns: Columns, data_dir: str | Path | None, progress: Progress | None
) -> tuple[Path, tuple[RawSamples, ...]]:
    """Return where the data are, and what is there."""
    if source in KNOWN:
        refuse_label(source, columns.label)
        folder = fetch(str(source), data_dir=data_dir, progress=progress)
        return folder, read_folder(folder, columns)
    path = Path(source)
    if not path.exists():
        if path.suffix or path.name != str(source):
            raise DataError(f"{path}: no such file or folder: give the path of one that exists")
        known(str(source))  # says which there are
    return path, reader_of(path, columns)(path, columns)


def _digest(path: Path) -> str:
    """Return the SHA-256 of a file, or of the four of a folder."""
    import hashlib  # imports slowly

    digest = hashlib.sha256()
    files = find_idx_files(path).values() if path.is_dir() else [path]
    for file_path in files:
        with decoding(file_path, "a file"), open_regular(file_path) as file:
            while block := file.read(2**20):
                digest.update(block)
    return digest.hexdigest()


def _list_formats(function: Callable[..., Any], *, features: bool) -> None:
    """Put the table of formats into a docstring."""
    items = describe_formats(features=features)
    function.__doc__ = re.sub(
        "( *){formats}", lambda gap: "\n".join(f"{gap[1]}- {item}" for item in items), function.__doc__ or ""
    )


_list_formats(load_data, features=False)
_list_formats(load_features, features=True)
