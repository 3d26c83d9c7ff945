"""Where data are: by a name, at a path, or in memory; and what is there, as its reader gives it."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from xpnet._files import open_regular
from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError, decoding
from xpnet.datasets.download import Progress, fetch
from xpnet.datasets.formats import reader_of, refuse_label
from xpnet.datasets.frames import is_frame, read_frame, read_pair
from xpnet.datasets.idx_files import find_idx_files, read_folder
from xpnet.datasets.known import KNOWN, Known, known
from xpnet.datasets.samples import RawSamples
from xpnet.datasets.scaling import Scaling

Source = Any
"""A name, a path, a data frame, or a pair of features and targets."""


@dataclass(eq=False)
class Found:
    """What was found.

    Parameters
    ----------
    name, where, data : str
        What to call a data set of it, what errors call it, and what its `Origin` does.
    parts : sequence of RawSamples
        A training and a test part, or one that is to be split; none once they were taken.
    digest : str
        SHA-256 of the files, or of the arrays.
    facts : Known
        What is known of it beforehand.
    """

    name: str
    where: str
    data: str
    parts: tuple[RawSamples, ...]
    digest: str
    facts: Known

    def __post_init__(self) -> None:
        first = self.parts[0]
        self.label, self.columns, self.categories = first.label, first.columns, first.categories
        self.image_shape = first.x.shape[1:] if first.x.ndim == 3 else None

    @property
    def class_names(self) -> tuple[str, ...]:
        """The names of its classes, if they have others than their labels."""
        return self.facts.class_names or ()

    @property
    def scaling(self) -> Scaling | None:
        """How its features are scaled, if not by what they are."""
        return self.facts.scaling

    def take(self) -> tuple[RawSamples, ...]:
        """Return the parts, and keep them in memory no longer."""
        parts, self.parts = self.parts, ()
        return parts


def find(source: Source, columns: Columns, data_dir: str | Path | None, progress: Progress | None) -> Found:
    """Return what is at `source`."""
    if is_frame(source):
        return _in_memory("data frame", read_frame(source, columns))
    if isinstance(source, tuple):
        if len(source) != 2:
            raise DataError(f"arrays must be a pair of features and targets, got {len(source)}: give (X, y)")
        refuse_label("(X, y)", columns.label)
        return _in_memory("arrays", read_pair(source, columns))
    if isinstance(source, str) and source in KNOWN:
        refuse_label(source, columns.label)
        folder = fetch(source, data_dir=data_dir, progress=progress)
        return Found(source, source, source, read_folder(folder, columns), _digest(_files(folder)), KNOWN[source])
    path = Path(source)
    if not path.exists():
        if path.suffix or path.name != str(source):
            raise DataError(f"{path}: no such file or folder: give the path of one that exists")
        known(str(source))  # says which there are
    parts = reader_of(path, columns)(path, columns)
    return Found(_stem(path), str(source), str(path.resolve()), parts, _digest(_files(path)), Known(""))


def _in_memory(name: str, parts: tuple[RawSamples, ...]) -> Found:
    arrays = (np.ascontiguousarray(array) for raw in parts for array in (raw.x, raw.t) if array is not None)
    contents = (repr(array.tolist()).encode() if array.dtype.hasobject else array.tobytes() for array in arrays)
    return Found(name, name, name, parts, _digest([contents]), Known(""))


def _stem(path: Path) -> str:
    return printable(path.name.partition(".")[0] or path.name)


def _files(path: Path) -> Iterable[Iterable[bytes]]:
    """Yield the contents of a file, or of the four of a folder, block by block."""
    yield from map(_blocks, find_idx_files(path).values() if path.is_dir() else [path])


def _blocks(path: Path) -> Iterable[bytes]:
    with decoding(path, "a file"), open_regular(path) as file:
        while block := file.read(2**20):
            yield block


def _digest(files: Iterable[Iterable[bytes]]) -> str:
    import hashlib  # imports slowly

    digest = hashlib.sha256()
    for blocks in files:
        for block in blocks:
            digest.update(block)
    return digest.hexdigest()
