"""The bytes of a file: a safetensors file that holds the SHA-256 of itself. The room's docstring describes it."""

import json
import math
import struct
from collections.abc import Iterable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from xpnet._files import naming

FORMAT = "2"

_DTYPES: dict[str, np.dtype[Any]] = {"F32": np.dtype("<f4"), "F64": np.dtype("<f8")}
_OPENING = b'{"__metadata__":{"sha256":"'
_DIGEST = slice(8 + len(_OPENING), 8 + len(_OPENING) + 64)
_ZEROS = b"0" * 64
_LARGEST_HEADER = 2 * 2**20
"""Bytes; it bounds the memory that hostile JSON takes."""


class CheckpointError(ValueError):
    """A model file is missing, damaged, or not one of this library's."""


class DamagedError(CheckpointError):
    """A file is not what was written: cut short, or with other bits."""


def sealed(arrays: Mapping[str, NDArray[Any]], metadata: Mapping[str, str]) -> bytearray:
    """Return the bytes of a file with arrays of float32 or float64, and texts."""
    # Wide numbers first, so that every array begins at a multiple of the size of its numbers.
    order = sorted(arrays, key=lambda name: (-arrays[name].itemsize, name))
    codes = {dtype: code for code, dtype in _DTYPES.items()}
    tensors = [(name, codes[arrays[name].dtype.newbyteorder("<")], arrays[name].shape) for name in order]
    header = _header({"sha256": _ZEROS.decode(), "xpnet": FORMAT, **metadata}, tensors)
    if len(header) > _LARGEST_HEADER:
        raise ValueError(
            f"names of classes and settings take {len(header)} bytes, at most {_LARGEST_HEADER} can be saved"
        )
    content = bytearray(struct.pack("<Q", len(header)) + header)
    for name, code, _ in tensors:
        content += arrays[name].astype(_DTYPES[code], copy=False).tobytes()
    content[_DIGEST] = _digest(content)
    return content


def read_sealed(path: Path) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    """Return arrays and texts of a file whose digest is right; it takes as much memory as the file has bytes."""
    if not path.is_file():
        raise CheckpointError(f"there is no model file {path}: give the path of a model.safetensors, or of its folder")
    with naming(path), path.open("rb") as file:
        content = bytearray(file.read(_DIGEST.stop))
        if content[8 : _DIGEST.start] != _OPENING:
            raise DamagedError(
                f"{path} is no model of xpnet, or damaged: use a file that xpnet train or save_model wrote"
            )
        content += file.read()
    if content[_DIGEST] != _digest(content):
        raise DamagedError(f"{path} is damaged (its SHA-256 is not the one it holds): train it again, or use a backup")
    try:
        return _parse(content)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:
        if isinstance(error, CheckpointError):
            raise CheckpointError(f"{path} is {error}") from None
        raise CheckpointError(f"{path} is no model of xpnet: its header is not in order") from error


def _parse(content: bytearray) -> tuple[dict[str, NDArray[Any]], dict[str, str]]:
    (size,) = struct.unpack("<Q", content[:8])
    if size > min(_LARGEST_HEADER, len(content) - 8):
        raise ValueError("the header is too long")
    text = bytes(content[8 : 8 + size])
    header: dict[str, Any] = json.loads(text)
    metadata: dict[str, str] = header.pop("__metadata__")
    if metadata["xpnet"] != FORMAT:
        raise CheckpointError(f"of format {metadata['xpnet']}, of a newer xpnet: use that, or a file of this version")
    tensors = [(name, facts["dtype"], tuple(map(_size, facts["shape"]))) for name, facts in header.items()]
    # There is one way to write a header: this covers offsets, order, and whatever else could be said twice.
    if text != _header(metadata, tensors) or not all(isinstance(value, str) for value in metadata.values()):
        raise ValueError("the header is not as this library writes it")
    arrays, end = {}, 8 + size
    for name, code, shape in tensors:
        count = math.prod(shape)
        array = np.frombuffer(content, _DTYPES[code], count, end).reshape(shape)
        arrays[name] = array.astype(array.dtype.newbyteorder("="), copy=False)
        end += count * _DTYPES[code].itemsize
    if end != len(content):
        raise ValueError("there are more bytes than tensors")
    return arrays, metadata


def _header(metadata: Mapping[str, str], tensors: Iterable[tuple[str, str, tuple[int, ...]]]) -> bytes:
    """Return the header's JSON, filled up so that the tensors begin at a multiple of 8 bytes."""
    header: dict[str, Any] = {"__metadata__": dict(metadata)}
    end = 0
    for name, code, shape in tensors:
        start, end = end, end + math.prod(shape) * _DTYPES[code].itemsize
        header[name] = {"dtype": code, "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(header, separators=(",", ":")).encode()
    return text + b" " * (-len(text) % 8)


def _digest(content: bytearray) -> bytes:
    digest, view = sha256(), memoryview(content)
    for part in (view[: _DIGEST.start], _ZEROS, view[_DIGEST.stop :]):
        digest.update(part)
    return digest.hexdigest().encode()


def _size(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise ValueError(f"{value!r} is no size")
    return value
