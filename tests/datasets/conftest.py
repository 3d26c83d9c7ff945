"""Files of every format, and what must hold of whatever is loaded from them."""

import gzip
import hashlib
import struct
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import Dataset, known
from xpnet.datasets.idx_files import PARTS

DTYPE_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


class Writer:
    """Writes the files of a test into its folder."""

    def __init__(self, folder: Path) -> None:
        self.path = folder

    @staticmethod
    def as_idx(array: Any, code: str = "u1") -> bytes:
        array = np.asarray(array)
        header = struct.pack(f">HBB{array.ndim}I", 0, DTYPE_CODES[code], array.ndim, *array.shape)
        return header + array.astype(f">{code}").tobytes()

    def folder(self, parts: tuple[Any, ...], *, packed: bool = False, dotted: bool = False) -> Path:
        """Write four idx files; a part that is bytes is written as it is."""
        for part, values in zip(PARTS, parts, strict=True):
            data = values if isinstance(values, bytes) else self.as_idx(values)
            name = part.replace("-idx", ".idx") if dotted else part
            (self.path / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(data) if packed else data)
        return self.path

    def npz(self, **arrays: Any) -> Path:
        np.savez(self.path / "data.npz", **arrays)
        return self.path / "data.npz"

    def npy(self, array: Any) -> Path:
        np.save(self.path / "table.npy", np.asarray(array))
        return self.path / "table.npy"

    def csv(self, lines: list[str], *, end: str = "\n", encoding: str = "utf-8") -> Path:
        (self.path / "table.csv").write_bytes(end.join([*lines, ""]).encode(encoding))
        return self.path / "table.csv"


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Give what writes files into the folder of this test."""
    return Writer(tmp_path)


@pytest.fixture
def images() -> tuple[Any, ...]:
    """Give 12 training and 4 test images of 3 x 5, in three classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 3
    return rng.integers(0, 256, (12, 3, 5)), labels, rng.integers(0, 256, (4, 3, 5)), labels[:4]


@pytest.fixture(scope="session")
def assert_valid() -> Callable[[Dataset], None]:
    """Give the check of what `Dataset` promises."""

    def check(data: Dataset) -> None:
        for x, t in (data.train, data.test):
            assert x.dtype == np.float32
            assert x.shape == (len(t), data.features)
            assert np.isfinite(x).all()
            assert len(t)
            if data.classification:
                assert (t.dtype, t.ndim) == (np.int64, 1)
                assert 0 <= t.min() <= t.max() < data.classes == data.outputs
            else:
                assert (t.dtype, data.class_names) == (np.float64, ())
                assert np.isfinite(t).all()
        assert data.train.x.min() >= 0
        assert data.train.x.max() <= 1

    return check


@pytest.fixture
def small_mnist(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, bytes]:
    """Give small files that stand for MNIST by name, with an empty cache to look into."""
    image, label = Writer.as_idx(np.arange(16).reshape(4, 2, 2)), Writer.as_idx([0, 1, 1, 0])
    contents = dict(zip(known.KNOWN["mnist"].sha256, map(gzip.compress, (image, label, image, label)), strict=True))
    sums = {name: hashlib.sha256(content).hexdigest() for name, content in contents.items()}
    monkeypatch.setitem(known.KNOWN, "mnist", replace(known.KNOWN["mnist"], sha256=sums))
    monkeypatch.setattr(known, "cache", lambda: tmp_path / "cache")
    monkeypatch.delenv("XPNET_DATA_DIR", raising=False)
    return contents
