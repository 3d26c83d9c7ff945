"""Folders of idx files: what is loaded, and what is refused."""

import gzip
import struct
import tracemalloc
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, load_data, load_idx
from xpnet.datasets.idx_files import PARTS, read_idx

EPS = np.finfo(np.float32).eps


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_idx_folder(write: Any, images: tuple[Any, ...], assert_valid: Any, packed: bool, dotted: bool):
    folder = write.folder(images, packed=packed, dotted=dotted)
    data = load_data(folder)
    assert_valid(data)
    assert (data.image_shape, data.classes, data.name) == ((3, 5), 3, folder.name)
    # Two roundings to float32, of at most EPS / 2 each: that of 1 / 255 and that of the product.
    np.testing.assert_allclose(data.test.x, images[2].reshape(4, 15) / 255, rtol=1.01 * EPS)
    np.testing.assert_array_equal(load_idx(str(folder)).train.x, data.train.x)


@pytest.mark.parametrize("code", ["i1", "i2", "i4", "f4", "f8"])
def test_idx_of_other_dtypes_is_scaled_by_column(write: Any, images: tuple[Any, ...], code: str):
    train = images[0].astype(np.int64) - 100 if code != "i1" else images[0] // 3 - 40
    write.folder((write.as_idx(train, code), images[1], write.as_idx(train[:4], code), images[3]))
    flat = train.reshape(12, 15).astype(np.float64)
    low, high = flat.min(0), flat.max(0)
    # One rounding to float32, after a few in float64.
    np.testing.assert_allclose(load_data(write.path).train.x, (flat - low) / (high - low), rtol=0.51 * EPS)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda b: b"\1" + b[1:], "not an idx file, its magic number is 0x01000803"),
        (lambda b: b[:2] + b"\x0a" + b[3:], "magic number is 0x00000a03"),
        (lambda b: b[:3] + b"\0", "magic number"),
        (lambda b: b[:3] + b"\xff" + b[4:], "magic number"),
        (lambda b: b"", "magic number"),
        (lambda b: b[:10], "truncated within its header"),
        (lambda b: b[:-1], "promises 12 x 3 x 5 values"),
        (lambda b: b + b"\0", "trailing bytes"),
        (lambda b: b[:4] + b"\xff" * 12 + b[16:], "(promises 4294967295 x 4294967295 x|would unpack to 792281)"),
        (lambda b: b[:4] + b"\0" * 4 + b[8:], "holds data"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx(write: Any, images: tuple[Any, ...], damage: Any, message: str, packed: bool):
    write.folder((damage(write.as_idx(images[0])), *images[1:]), packed=packed)
    with pytest.raises(DataError, match=message) as error:
        load_data(write.path)
    assert PARTS[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_promise_that_gzip_cannot_keep_claims_no_memory(write: Any, images: tuple[Any, ...]):
    promising = struct.pack(">HBB3I", 0, 8, 3, 2**20, 2**3, 2**3) + bytes(1000)
    write.folder((promising, *images[1:]), packed=True)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="truncated after 1000"):
            load_data(write.path)
        assert tracemalloc.get_traced_memory()[1] < 2**24  # of the 2**26 that were promised
    finally:
        tracemalloc.stop()


def test_a_bomb_is_refused_by_its_header(write: Any, images: tuple[Any, ...]):
    bomb = gzip.compress(struct.pack(">HBB3I", 0, 8, 3, 2**20, 2**4, 2**3) + bytes(2**27))
    write.folder((bomb, *images[1:]))
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=rf"would unpack to {2**27} bytes from {len(bomb)}: unpack it first, if"):
            load_data(write.path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()
    for name, unpacked in (("a", bytes(2**27 // 16 * 17)), ("b", np.random.default_rng(0).bytes(2**23) + bytes(2**25))):
        data = struct.pack(">HBBI", 0, 8, 1, len(unpacked)) + unpacked
        (write.path / name).write_bytes(gzip.compress(data, 1))
    with pytest.raises(DataError, match="unpack it first"):
        read_idx(write.path / "a")
    assert read_idx(write.path / "b").size == 2**23 + 2**25


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:30] + b"\xff\xff" + b[32:], lambda b: b[:12]])
def test_damaged_gzip(write: Any, images: tuple[Any, ...], damage: Any):
    write.folder((damage(gzip.compress(write.as_idx(images[0]))), *images[1:]))
    with pytest.raises(DataError, match=rf"{PARTS[0]}.*replace it"):
        load_data(write.path)


def test_parts_that_do_not_belong_together(write: Any, images: tuple[Any, ...]):
    x_train, t_train, x_test, t_test = images
    for parts, message in (
        ((x_train, t_train[:-1], x_test, t_test), f"{PARTS[0]} holds 12 samples but .*{PARTS[1]} 11 labels"),
        ((x_train, t_train, x_test, t_test + 1), "label 3 is none of the 3 classes"),
        ((x_train, t_train, x_test[:, :2], t_test), "training samples have 15 features, test samples 10"),
        ((x_train, t_train * 0, x_test, t_test * 0), r"one class \(0\)"),
        ((x_train, x_train, x_test, t_test), r"labels must have shape \(samples,\)"),
        ((t_train, t_train, x_test, t_test), r"features must have shape"),
    ):
        write.folder(parts)
        with pytest.raises(DataError, match=message):
            load_data(write.path)


def test_a_missing_file_is_named(write: Any, images: tuple[Any, ...]):
    (write.folder(images) / PARTS[2]).unlink()
    with pytest.raises(DataError, match=f"has no {PARTS[2]}: put"):
        load_data(write.path)
    with pytest.raises(DataError, match="nowhere: no such folder"):
        load_idx(write.path / "nowhere")
