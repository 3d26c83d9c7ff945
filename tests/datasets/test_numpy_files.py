"""Arrays in .npz and .npy files: what is loaded, and what is refused."""

import pickle
import tracemalloc
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, load_data, load_features

EPS = np.finfo(np.float32).eps


@pytest.mark.parametrize("letter", ["t", "y"])
def test_npz_of_images(write: Any, images: tuple[Any, ...], assert_valid: Any, letter: str):
    names = ("x_train", f"{letter}_train", "x_test", f"{letter}_test")
    path = write.npz(**dict(zip(names, (a.astype(np.uint8) for a in images), strict=True)))
    data = load_data(path)
    assert_valid(data)
    assert data.image_shape == (3, 5)
    # Two roundings to float32, of at most EPS / 2 each: that of 1 / 255 and that of the product.
    np.testing.assert_allclose(data.test.x, images[2].reshape(4, 15) / 255, rtol=1.01 * EPS)
    np.testing.assert_array_equal(data.test.t, images[3])


def test_npy_table(write: Any):
    path = write.npy([[0.0, 7.0, 1.0], [1.0, 8.0, 2.0], [0.0, 9.0, 3.0], [1.0, 10.0, 4.0]])
    data = load_data(path, label=0)
    assert (data.features, data.classes) == (2, 2)
    assert load_data(path, label=-1).class_names == ("1", "2", "3", "4")


def test_what_is_not_in_the_file(write: Any):
    with pytest.raises(DataError, match=r"data\.npz: holds x: save x_train, t_train, x_test, t_test"):
        load_data(write.npz(x=np.eye(2)))
    with pytest.raises(DataError, match=r"table\.npy: a table must have two dimensions, got shape \(3,\)"):
        load_data(write.npy(np.zeros(3)))


class Trap:
    """Runs code when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def test_pickles_are_not_read(write: Any):
    """Each of these files runs code where a reader allows pickles."""
    sprung = write.path / "sprung"
    objects = np.asarray([[Trap(sprung)]])
    for path in (write.npy(objects), write.npz(x=objects, t=[0])):
        np.load(path, allow_pickle=True)["x" if path.suffix == ".npz" else 0]
        sprung.unlink()
        with pytest.raises(DataError, match=r"(table\.npy|data\.npz: x): holds pickled objects"):
            load_data(path)
        with pytest.raises(DataError, match="holds pickled objects"):
            load_features(path, features=1)
        assert not sprung.exists()
    path = write.path / "table.npy"
    path.write_bytes(pickle.dumps(Trap(sprung)))
    pickle.loads(path.read_bytes())
    sprung.unlink()
    with pytest.raises(DataError, match=r"not a \.npy file, or damaged"):
        load_data(path)
    assert not sprung.exists()


def test_a_bomb_is_refused_by_its_promise(write: Any):
    tracemalloc.start()
    try:
        with zipfile.ZipFile(write.path / "data.npz", "w", zipfile.ZIP_DEFLATED) as archive:
            for key in "xt":
                with archive.open(f"{key}.npy", "w") as stream:
                    np.lib.format.write_array_header_1_0(
                        stream, {"descr": "|u1", "fortran_order": False, "shape": (2**6, 2**20)}
                    )
                    for _ in range(2**6):
                        stream.write(bytes(2**20))
        with pytest.raises(DataError, match=r"would unpack to 1342\d+ bytes from \d+: unpack it first"):
            load_data(write.path / "data.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


def test_a_list_of_members_that_is_large_itself_is_not_read(write: Any):
    with zipfile.ZipFile(write.path / "data.npz", "w") as archive:
        for i in range(20_000):
            archive.writestr(f"{i:040}", "")
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match=r"data\.npz: not a \.npz file, or damaged \(too many members\)"):
            load_data(write.path / "data.npz")
        assert tracemalloc.get_traced_memory()[1] < 2**22
    finally:
        tracemalloc.stop()


def test_large_arrays_are_read_whatever_the_way_they_are_packed(write: Any):
    x = np.arange(400_000.0).reshape(2, -1)
    for save in (np.savez, np.savez_compressed):
        save(write.path / "data.npz", x=x, t=[0, 1])
        np.testing.assert_array_equal(load_features(write.path / "data.npz", features=200_000), x)


def test_other_methods_of_packing_are_refused(write: Any):
    with zipfile.ZipFile(write.path / "data.npz", "w", zipfile.ZIP_LZMA) as archive:
        for key in "xt":
            np.save(stream := BytesIO(), np.eye(2))
            archive.writestr(f"{key}.npy", stream.getvalue())
    with pytest.raises(DataError, match=r"x is packed in another way than numpy's: save it with numpy\.savez"):
        load_data(write.path / "data.npz")


def test_only_the_arrays_that_are_asked_for_are_read(write: Any):
    assert load_data(write.npz(x=np.eye(2), t=[0, 1], notes=np.asarray([{}]))).features == 2


@pytest.mark.parametrize("version", [(1, 0), (2, 0)])
def test_headers_are_read_up_to_a_length(write: Any, version: tuple[int, int]):
    path = write.path / "table.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.arange(8.0).reshape(4, 2), version)
    assert load_data(path, classification=False).features == 1
    data = bytearray(path.read_bytes())
    data[8 : 8 + 2 * version[0]] = b"\xff" * 2 * version[0]
    path.write_bytes(data)
    with pytest.raises(DataError, match=r"table\.npy: its header is longer than 10000 bytes"):
        load_data(path)


def test_a_header_that_promises_too_much(write: Any):
    path = write.npy(np.eye(3))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(3, 3), ", b"(3, 999999999999), ").replace(b" " * 11, b"", 1))
    with pytest.raises(DataError, match=r"table\.npy: its header promises 23999999999976 bytes"):
        load_data(path)
    path.write_bytes(data[:-8])
    with pytest.raises(DataError, match="promises 72 bytes of data but there are 64"):
        load_data(path)
