"""Arrays in .npy and .npz files; no pickles, and no memory claimed by a header alone."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.columns import TargetColumn
from xpnet.datasets.decoding import MAX_UNPACKED, DataError, decoding, one_line
from xpnet.datasets.samples import RawSamples

NPZ_HOLDS = "x_train, t_train, x_test, t_test (or y_ for t_), or x and t (or y)"

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(path: Path, target: TargetColumn) -> tuple[RawSamples]:
    """Return the samples in a .npy file, one in each row of a table."""
    with decoding(path, "a .npy file"), path.open("rb") as file:
        table = _read_array(file, str(path), path.stat().st_size)
    if target.features is not None and table.ndim > 2:
        table = table.reshape(len(table), -1)
    if table.ndim != 2:
        raise DataError(f"{path}: a table must have two dimensions, got shape {table.shape}: reshape it, or save .npz")
    column = target.find(path, table.shape[1])
    if column is None:
        return (RawSamples(table, None, str(path)),)
    x, t = np.delete(table, column, axis=1), table[:, column]
    return (RawSamples(x, t, str(path), f"{path}: column {column} (the labels)"),)


def read_npz(path: Path, _: TargetColumn) -> tuple[RawSamples, ...]:
    """Return the training and the test samples in a .npz file, or the samples that are not parted."""
    arrays = _read_arrays(path)
    for t in "ty":
        for pairs in ((("x_train", f"{t}_train"), ("x_test", f"{t}_test")), (("x", t),)):
            if arrays.keys() >= {key for pair in pairs for key in pair}:
                return tuple(RawSamples(arrays[x], arrays[t], f"{path}: {x}", f"{path}: {t}") for x, t in pairs)
    raise DataError(f"{path}: holds {', '.join(arrays) or 'no arrays'}: save {NPZ_HOLDS}")


def read_npz_features(path: Path, _: TargetColumn) -> tuple[RawSamples]:
    """Return the features in a .npz file: x, or the only array."""
    arrays = _read_arrays(path)
    key = next(iter(arrays)) if len(arrays) == 1 else "x"
    if key not in arrays:
        raise DataError(f"{path}: holds {', '.join(arrays) or 'no arrays'}: save the features as x")
    return (RawSamples(arrays[key], None, f"{path}: {key}"),)


def _read_arrays(path: Path) -> dict[str, NDArray[Any]]:
    arrays = {}
    with decoding(path, "a .npz file"), zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.file_size > MAX_UNPACKED:
                raise DataError(f"{path}: {member.filename} would unpack to {member.file_size} bytes: save it as .npy")
            with archive.open(member) as stream:
                key = one_line(member.filename.removesuffix(".npy"))
                arrays[key] = _read_array(stream, f"{path}: {key}", member.file_size)
    return arrays


def _read_array(stream: IO[bytes], name: str, size: int) -> NDArray[Any]:
    version = np.lib.format.read_magic(stream)
    if version not in _HEADER_READERS:
        raise DataError(f"{name}: holds no plain array (format {version[0]}.{version[1]}): save it with numpy.save")
    shape, _, dtype = _HEADER_READERS[version](stream)
    if dtype.hasobject:
        raise DataError(f"{name}: holds pickled objects, which are not read for safety: save plain numbers")
    expected = math.prod(shape) * dtype.itemsize
    if min(shape, default=0) < 0 or stream.tell() + expected != size:
        raise DataError(
            f"{name}: its header promises {expected} bytes of data but there are {size - stream.tell()}: "
            "replace the file with a good copy"
        )
    stream.seek(0)
    return np.lib.format.read_array(stream, allow_pickle=False)
