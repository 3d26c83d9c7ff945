"""Features that are chosen, read and converted when they are asked for: a mapped file need not fit the memory."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from mmap import mmap
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from xpnet.datasets.decoding import DataError

if sys.platform != "win32":
    from mmap import MADV_DONTNEED

_PIECE_BYTES = 2**20
"""So much of a table is read at once, where all of it is."""
_REGION = 2 * 2**20
"""Bytes of a file that the system may map for a single touch."""
_REGIONS = 64
"""After touching so many of them a process gives them back, since they count as its memory."""


@dataclass(frozen=True, eq=False)
class Rows:
    """Some rows of a table of features, shape (n, features), each time they are asked for read and converted.

    ``x[rows]``, for a slice or an array of indices, is a NumPy array; ``numpy.asarray(x)`` is all of it. Of a table in
    a mapped file, such as ``numpy.load(path, mmap_mode="r")``, no more is held in memory than that, and 128 MiB; the
    file must not be changed meanwhile.

    Parameters
    ----------
    table : array, shape (samples, columns)
        In memory or mapped.
    columns : slice or list of int
        Which columns are features.
    chosen : int64 array, optional
        Which samples there are, in order; by default all.
    convert : callable, optional
        What turns rows of the table into inputs of a network, in float32; by default they are as they lie there.

    Examples
    --------
    >>> import numpy as np
    >>> from xpnet.datasets import Rows, Scaling
    >>> x = Rows(np.arange(8).reshape(4, 2), chosen=np.asarray([3, 1, 0]), convert=Scaling(0.0, 0.5).apply)
    >>> x.shape, x[np.asarray([2, 0])]
    ((3, 2), array([[0. , 0.5],
           [3. , 3.5]], dtype=float32))
    """

    table: NDArray[Any]
    columns: slice | list[int] = field(default_factory=lambda: slice(None))
    chosen: NDArray[np.int64] | None = None
    convert: Callable[[NDArray[Any]], NDArray[Any]] | None = None

    @property
    def shape(self) -> tuple[int, int]:
        """Samples and features."""
        none = self.table[:0, self.columns]
        return len(self), (none if self.convert is None else self.convert(none)).shape[1]

    @property
    def ndim(self) -> int:
        """2."""
        return 2

    @property
    def dtype(self) -> np.dtype[Any]:
        """That of the arrays it gives."""
        return self.table.dtype if self.convert is None else np.dtype(np.float32)

    def __len__(self) -> int:
        return len(self.table) if self.chosen is None else len(self.chosen)

    def __getitem__(self, rows: slice | NDArray[np.integer[Any]]) -> NDArray[Any]:
        chosen = rows if self.chosen is None else self.chosen[rows]
        raw = _read(self.table, self.columns, chosen)
        return raw if self.convert is None else self.convert(raw)

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        if self.chosen is None and self.convert is None and not is_mapped(self.table) and not copy:
            return np.asarray(self.table[:, self.columns], dtype)
        result = np.empty(self.shape, self.dtype if dtype is None else dtype)
        for rows in self._parts():
            result[rows] = self[rows]
        return result

    def check_streamable(self, name: str) -> None:
        """Refuse a mapped table that lies in its file column by column, where a row is all over the file."""
        if is_mapped(self.table) and abs(self.table.strides[1]) > abs(self.table.strides[0]):
            raise DataError(
                f"{name}: lies column by column in its file (Fortran order), and is to be read row by row: "
                "save numpy.ascontiguousarray of it"
            )

    def select(self, rows: NDArray[np.int64]) -> "Rows":
        """Return these at an array of indices."""
        return replace(self, chosen=rows if self.chosen is None else self.chosen[rows])

    def pieces(self) -> Iterator[NDArray[Any]]:
        """Yield all of them, as few at a time as are worth a read."""
        for rows in self._parts():
            yield self[rows]

    def extremes(self) -> NDArray[Any]:
        """Return the least and the greatest value of every column, shape (2, columns), NaN aside."""
        found = np.stack([[np.fmin.reduce(piece), np.fmax.reduce(piece)] for piece in self.pieces()])
        return np.stack([np.fmin.reduce(found[:, 0]), np.fmax.reduce(found[:, 1])])

    def _parts(self) -> Iterator[slice]:
        samples = len(self)
        at_once = max(1, _PIECE_BYTES // self.table[:1].nbytes)
        for start in range(0, samples, at_once):
            yield slice(start, min(start + at_once, samples))


def is_mapped(table: NDArray[Any]) -> bool:
    """Return whether an array lies in a mapped file."""
    return _mapping(table) is not None


def _mapping(table: NDArray[Any]) -> mmap | None:
    """Return the mapping that an array, or what it is a view of, lies in.

    One that is private may hold what is in no file: it is as good as memory.
    """
    base: Any = table
    modes = []
    while isinstance(base, np.ndarray):
        modes += [base.mode] if isinstance(base, np.memmap) else []
        base = base.base
    return base if isinstance(base, mmap) and modes and "c" not in modes else None


def _read(table: NDArray[Any], columns: slice | list[int], rows: slice | NDArray[np.integer[Any]]) -> NDArray[Any]:
    """Return some rows of a table, in their order, as an array that has nothing to do with a mapping."""
    mapping = _mapping(table)
    if mapping is None:
        return table[rows][:, columns]
    plain = table.view(np.ndarray)
    if isinstance(rows, slice):
        found = np.array(plain[rows][:, columns])
        _give_back(mapping)
        return found
    found = np.empty((len(rows), table.shape[1]), table.dtype)
    # In the order of the file, and put into that which is wanted in memory.
    order = np.argsort(rows, kind="stable")
    new_regions = np.flatnonzero(np.diff(rows[order] * table.strides[0] // _REGION)) + 1
    for part in np.split(order, new_regions[_REGIONS - 1 :: _REGIONS]):
        found[part] = plain[rows[part]]
        _give_back(mapping)
    return found[:, columns]


def _give_back(mapping: mmap) -> None:
    """Unmap the pages that were touched: those of the file stay in the cache of the system, which is no process's."""
    if sys.platform != "win32":
        mapping.madvise(MADV_DONTNEED)
