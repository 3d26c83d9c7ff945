"""The formats of data: a format is a row of the table below, and what reads it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from xpnet.datasets.columns import Columns
from xpnet.datasets.csv_files import TEXT_HOLDS, read_csv
from xpnet.datasets.decoding import DataError
from xpnet.datasets.idx_files import read_folder, read_idx_images
from xpnet.datasets.numpy_files import NPZ_HOLDS, read_npy, read_npz, read_npz_features
from xpnet.datasets.parquet_files import read_parquet
from xpnet.datasets.samples import RawSamples

Reader = Callable[[Path, Columns], tuple[RawSamples, ...]]
"""Returns a training and a test part, or one part that is to be split."""


@dataclass(frozen=True)
class Format:
    """A format of data.

    Parameters
    ----------
    suffixes : tuple of str
        How the name of a file of it may end; "/" is a folder, and "" any other file.
    name, holds : str
        What it is called in help and errors, and what it holds.
    samples, features : callable or None
        What reads samples for training and test, and what reads features alone, where it has them.
    is_table : bool
        Whether a column of it can be chosen as that of the targets.
    """

    suffixes: tuple[str, ...]
    name: str
    holds: str
    samples: Reader | None = None
    features: Reader | None = None
    is_table: bool = False


FORMATS = (
    Format(("/",), "a folder of idx files", "the four standard ones, plain or .gz", read_folder),
    Format(
        (".csv", ".tsv", ".csv.gz", ".tsv.gz"), "a .csv or .tsv table", TEXT_HOLDS, read_csv, read_csv, is_table=True
    ),
    Format((".parquet",), "a .parquet table", "one sample a row", read_parquet, read_parquet, is_table=True),
    Format((".npy",), "a .npy table", "one sample a row", read_npy, read_npy, is_table=True),
    Format(
        (".npz",),
        "a .npz file",
        f"{NPZ_HOLDS}; features alone: x, X, data, or the only array",
        read_npz,
        read_npz_features,
    ),
    Format(("",), "an idx file", "images, plain or .gz", features=read_idx_images),
)


def describe_formats(*, features: bool = False) -> list[str]:
    """Return what each format of samples, or of features alone, is and holds, for help.

    Examples
    --------
    >>> from xpnet.datasets import describe_formats
    >>> describe_formats(features=True)[-1]
    'an idx file: images, plain or .gz'
    """
    return [f"{row.name}: {row.holds}" for row in _formats(features)]


def reader_of(path: Path, columns: Columns) -> Reader:
    """Return what reads that which is wanted of `path`, or say which formats there are."""
    features = columns.features is not None
    name = "/" if path.is_dir() else path.name
    row = next(row for row in FORMATS if name.endswith(row.suffixes))
    reader = row.features if features else row.samples
    if reader is None:
        raise DataError(f"{path}: not {_listed(row.name for row in _formats(features))}: give one of these")
    if not row.is_table:
        refuse_label(path, columns.label)
    return reader


def refuse_label(source: str | Path, label: str | int | None) -> None:
    """Refuse a column of labels that was chosen in what is no table."""
    if label is not None:
        tables = _listed(row.name for row in FORMATS if row.is_table)
        raise DataError(f"{source}: a label column can be chosen in {tables} only: leave label out")


def _formats(features: bool) -> list[Format]:
    return [row for row in FORMATS if (row.features if features else row.samples)]


def _listed(items: Iterable[str]) -> str:
    *others, last = items
    return f"{', '.join(others)} or {last}"
