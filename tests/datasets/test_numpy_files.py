"""Arrays in .npz and .npy files: what is loaded, and what is refused."""

from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, load_data

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


def test_pickles_are_not_read(write: Any):
    objects = np.asarray([[{}]])
    with pytest.raises(DataError, match=r"table\.npy: holds pickled objects"):
        load_data(write.npy(objects))
    with pytest.raises(DataError, match=r"data\.npz: x: holds pickled objects"):
        load_data(write.npz(x=objects, t=[0]))


def test_a_header_that_promises_too_much(write: Any):
    path = write.npy(np.eye(3))
    data = path.read_bytes()
    path.write_bytes(data.replace(b"(3, 3), ", b"(3, 999999999999), ").replace(b" " * 11, b"", 1))
    with pytest.raises(DataError, match=r"table\.npy: its header promises 23999999999976 bytes"):
        load_data(path)
    path.write_bytes(data[:-8])
    with pytest.raises(DataError, match="promises 72 bytes of data but there are 64"):
        load_data(path)
