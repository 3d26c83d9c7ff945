"""Arrays in .npy and .npz files; no pickles, and no memory claimed by a header alone."""

import math
import zipfile
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.dataset import DataError
from xpnet.datasets.decoding import MAX_UNPACKED, decoding, one_line

_HEADER_READERS = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}


def read_npy(path: Path) -> NDArray[Any]:
    """Return the array in a .npy file."""
    with decoding(path, "a .npy file"), path.open("rb") as file:
        return _read_array(file, str(path), path.stat().st_size)


def read_npz(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in a .npz file by name."""
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
