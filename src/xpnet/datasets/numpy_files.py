"""Arrays in .npy and .npz files; no pickles, and no memory claimed by a header alone."""

import math
import zipfile
from collections.abc import Callable, Sequence
from io import BufferedReader
from itertools import product
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xpnet._files import open_regular
from xpnet._text import listed, printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError, check_unpacked, decoding
from xpnet.datasets.rows import Rows
from xpnet.datasets.samples import RawSamples, as_labels

NPZ_HOLDS = "x_train, t_train, x_test, t_test (or y_ for t_), or x and t (or y), or data and target"
_FEATURES = ("x", "X", "data")
_TARGETS = ("t", "y", "target")

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
_MAX_HEADER = 10_000
"""Bytes, as for numpy.load: headers are parsed as Python."""
_MAX_READ = 2**20
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Those of numpy.savez and numpy.savez_compressed."""


class _SmallReads(BufferedReader):
    """A file that is read in parts, as arrays are, and not at once, as the names of all members are."""

    def read(self, size: int | None = -1, /) -> bytes:
        if size is not None and size > _MAX_READ:
            raise ValueError("too many members")
        return super().read(size)


def read_npy(path: Path, columns: Columns) -> tuple[RawSamples]:
    """Return the samples in a .npy file, one in each row of a table, which is mapped and not read."""
    with decoding(path, "a .npy file"), open_regular(path) as file:
        table = _map_array(file, str(path), path.stat().st_size)
    if columns.features is not None and table.ndim > 2:
        return (RawSamples(table, None, str(path)),)
    if table.ndim != 2:
        raise DataError(f"{path}: a table must have two dimensions, got shape {table.shape}: reshape it, or save .npz")
    features, target = columns.find(path, table.shape[1])
    if target is None:
        return (RawSamples(table, None, str(path)),)
    t_name = f"{path}: column {target} (the labels)"
    t = np.asarray(Rows(table, [target]))[:, 0]
    side_by_side = slice(features[0], features[-1] + 1)
    beside = list(range(table.shape[1]))[side_by_side] == features
    x = Rows(table, side_by_side if beside else features)
    return (RawSamples(x, t, str(path), t_name, label=target),)


def read_npz(path: Path, columns: Columns) -> tuple[RawSamples, ...]:
    """Return the training and the test samples in a .npz file, or the samples that are not parted."""

    def choose(names: Sequence[str]) -> Sequence[str]:
        for x, t in product(_FEATURES, _TARGETS):
            for keys in ((f"{x}_train", f"{t}_train", f"{x}_test", f"{t}_test"), (x, t)):
                if set(keys) <= set(names):
                    return keys
        raise DataError(f"{path}: holds {listed(names) or 'no arrays'}: save {NPZ_HOLDS}")

    keys, arrays = zip(*_read_arrays(path, choose), strict=True)
    names = [f"{path}: {key}" for key in keys]
    if columns.classification:
        arrays = tuple(as_labels(array) if i % 2 else array for i, array in enumerate(arrays))
    return tuple(RawSamples(*arrays[i : i + 2], *names[i : i + 2]) for i in range(0, len(keys), 2))


def read_npz_features(path: Path, _: Columns) -> tuple[RawSamples]:
    """Return the features in a .npz file: x, X, data, or the only array."""

    def choose(names: Sequence[str]) -> Sequence[str]:
        key = names[0] if len(names) == 1 else next((key for key in _FEATURES if key in names), None)
        if key is None:
            raise DataError(f"{path}: holds {listed(names) or 'no arrays'}: save the features as x")
        return (key,)

    ((key, x),) = _read_arrays(path, choose)
    return (RawSamples(x, None, f"{path}: {key}"),)


def _read_arrays(path: Path, choose: Callable[[Sequence[str]], Sequence[str]]) -> list[tuple[str, NDArray[Any]]]:
    """Return the arrays that `choose` names of all, with these names."""
    with (
        decoding(path, "a .npz file"),
        open_regular(path) as file,
        _SmallReads(file) as parts,
        zipfile.ZipFile(parts) as archive,
    ):
        members = {printable(member.filename.removesuffix(".npy")): member for member in archive.infolist()}
        chosen = {key: members[key] for key in choose(list(members))}
        check_unpacked(str(path), sum(member.file_size for member in chosen.values()), path.stat().st_size)
        arrays = []
        for key, member in chosen.items():
            if member.compress_type not in _METHODS:
                raise DataError(f"{path}: {key} is packed in another way than numpy's: save it with numpy.savez")
            with archive.open(member) as stream:
                arrays.append((key, _read_array(stream, f"{path}: {key}", member.file_size)))
    return arrays


def _map_array(file: BufferedReader, name: str, size: int) -> NDArray[Any]:
    shape, by_columns, dtype = _read_header(file, name, size)
    if 0 in shape:  # Nothing cannot be mapped.
        return np.empty(shape, dtype)
    return np.memmap(file, dtype, "r", file.tell(), shape, "F" if by_columns else "C")


def _read_array(stream: IO[bytes], name: str, size: int) -> NDArray[Any]:
    _read_header(stream, name, size)
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)


def _read_header(stream: IO[bytes], name: str, size: int) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Return the shape of an array, whether it lies column by column, and its dtype; or refuse what is no plain one."""
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise DataError(f"{name}: holds no plain array (format {version[0]}.{version[1]}): save it with numpy.save")
    start = stream.tell()
    if int.from_bytes(stream.read(2 * version[0]), "little") > _MAX_HEADER:
        raise DataError(f"{name}: its header is longer than {_MAX_HEADER} bytes: save plain numbers")
    stream.seek(start)
    shape, by_columns, dtype = _HEADER_READERS[version](stream)
    if dtype.hasobject:
        raise DataError(f"{name}: holds pickled objects, which are not read for safety: save plain numbers")
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or stream.tell() + expected != size:
        raise DataError(
            f"{name}: its header promises {expected} bytes of data but there are {size - stream.tell()}: "
            "replace the file with a good copy"
        )
    return shape, by_columns, dtype
