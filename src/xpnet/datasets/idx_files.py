"""The idx format of the MNIST files: two zero bytes, a dtype code, the number of dimensions, their sizes, the data."""

import gzip
import math
import struct
from pathlib import Path
from typing import IO, Any, cast

import numpy as np
from numpy.typing import NDArray

from xpnet._files import open_regular
from xpnet.datasets.columns import Columns
from xpnet.datasets.decoding import DataError, check_unpacked, decoding, read_at_most
from xpnet.datasets.samples import RawSamples

PARTS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
"""The standard names: training images and labels, test images and labels."""

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4
_GZIP_MAGIC = b"\x1f\x8b"


def read_idx(path: Path) -> NDArray[Any]:
    """Return the array in one idx file, plain or gzip."""
    with decoding(path, "an idx file"), open_regular(path) as file:
        packed = file.read(2) == _GZIP_MAGIC
        file.seek(0)
        if packed:
            with gzip.open(file) as unpacked:
                return _read_array(cast(IO[bytes], unpacked), path, packed=True)
        return _read_array(file, path, packed=False)


def read_idx_images(path: Path, _: Columns) -> tuple[RawSamples]:
    """Return the images in one idx file."""
    return (RawSamples(read_idx(path), None, str(path)),)


def read_folder(folder: Path, _: Columns) -> tuple[RawSamples, RawSamples]:
    """Return the training and the test samples in the four idx files of a folder."""
    files = find_idx_files(folder)
    if missing := [part for part in PARTS if part not in files]:
        raise DataError(f"{folder}: has no {', '.join(missing)}: put these files there, plain or with .gz")
    train_x, train_t, test_x, test_t = (files[part] for part in PARTS)
    train = RawSamples(read_idx(train_x), read_idx(train_t), str(train_x), str(train_t))
    return train, RawSamples(read_idx(test_x), read_idx(test_t), str(test_x), str(test_t))


def _read_array(stream: IO[bytes], path: Path, *, packed: bool) -> NDArray[Any]:
    dtype, shape = _read_header(stream, path)
    expected, size = math.prod(shape) * dtype.itemsize, path.stat().st_size
    promise = f"{path}: its header promises {' x '.join(map(str, shape))} values ({expected} bytes)"
    if expected == 0:
        raise DataError(f"{promise}: use a file that holds data")
    if packed:
        check_unpacked(str(path), expected, size)
    elif expected > size:
        raise DataError(f"{promise}, more than the {size} bytes there can be: replace it with a good copy")
    data = read_at_most(stream, expected + 1)
    if len(data) < expected:
        raise DataError(f"{promise}, but it is truncated after {len(data)}: replace it with a good copy")
    if len(data) > expected:
        raise DataError(f"{promise}, but trailing bytes follow: replace it with a good copy")
    return np.frombuffer(data, dtype).reshape(shape)


def _read_header(stream: IO[bytes], path: Path) -> tuple[np.dtype[Any], tuple[int, ...]]:
    magic = stream.read(4)
    if len(magic) < 4 or magic[:2] != b"\0\0" or magic[2] not in _DTYPES or not 1 <= magic[3] <= _MAX_DIMENSIONS:
        raise DataError(
            f"{path}: not an idx file, its magic number is 0x{magic.hex() or '(none)'} where 0x00000803 (images) or "
            "0x00000801 (labels) was expected: replace it with a good copy"
        )
    sizes = stream.read(4 * magic[3])
    if len(sizes) < 4 * magic[3]:
        raise DataError(f"{path}: truncated within its header: replace it with a good copy")
    return np.dtype(_DTYPES[magic[2]]), struct.unpack(f">{magic[3]}I", sizes)


def find_idx_files(folder: Path) -> dict[str, Path]:
    """Return the file of each of the four `PARTS` that `folder` holds, plain or .gz, with ``-idx`` or ``.idx``."""
    found: dict[str, Path] = {}
    for part in PARTS:
        for name in (part, part.replace("-idx", ".idx")):
            for path in (folder / name, folder / f"{name}.gz"):
                if path.is_file():
                    found.setdefault(part, path)
    return found
