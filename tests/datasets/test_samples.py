"""Arrays that are no samples."""

from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, Origin, Scaling, load_data

GOOD = {"x_train": np.eye(3), "t_train": [0, 1, 0], "x_test": np.eye(3), "t_test": [0, 1, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.asarray([[0, 1.0], [np.nan, 1], [1, 1]])}, "x_train: sample 1, feature 0 is nan"),
        ({"x_test": np.asarray([[0, 1.0], [1, 1], [1, -np.inf]])}, "x_test: sample 2, feature 1 is -inf"),
        ({"x_test": np.full((3, 3), 1e300)}, "x_test: sample 0, feature 0 is 1e[+]300"),
        ({"x_train": np.zeros((0, 3))}, "x_train: holds no data"),
        ({"x_train": np.zeros(3)}, "features must have shape"),
        ({"x_train": np.full((3, 3), "a")}, "features must be real numbers, got dtype <U1"),
        ({"x_train": np.eye(3) * 1j}, "features must be real numbers, got dtype complex128"),
        ({"t_train": [0, 1]}, "x_train holds 3 samples but .*t_train 2 labels"),
        ({"t_train": [0, 1.5, 0]}, "label 1.5 of sample 1 is not an integer: .* or pass classification=False"),
        ({"t_train": [0, np.nan, 0]}, "label nan of sample 1 is not an integer"),
        ({"t_train": np.zeros(3, "M8[s]")}, r"labels must be integers, got dtype datetime64\[s\]"),
        ({"t_train": np.eye(3)}, "numpy.argmax, or pass classification=False"),
        ({"t_train": [1, 1, 1]}, r"one class \(1\)"),
        ({"t_test": [0, 1, 2]}, "label 2 is none of the 2 classes"),
        ({"x_test": np.eye(3)[:, :2]}, "3 features, test samples 2"),
    ],
)
def test_what_is_refused(write: Any, assert_valid: Any, change: dict[str, Any], message: str):
    assert_valid(load_data(write.npz(**GOOD)))
    with pytest.raises(DataError, match=message) as error:
        load_data(write.npz(**(GOOD | change)))
    assert "data.npz" in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"t_train": ["a", "b", "c"]}, "t_train: targets must be real numbers, got dtype <U1"),
        ({"t_train": np.zeros((3, 2, 2))}, r"targets must have shape \(samples,\) or \(samples, outputs\)"),
        ({"t_train": np.zeros((3, 0))}, "t_train: holds no data"),
        ({"t_train": [[0, 1], [2, np.nan], [4, 5]]}, "t_train: sample 1, target 1 is nan"),
        ({"t_train": [0.5, 1]}, "x_train holds 3 samples but .*t_train 2 targets"),
        ({"t_test": np.eye(3)}, "training samples have 1 targets, test samples 3"),
    ],
)
def test_what_is_refused_as_numbers(write: Any, assert_valid: Any, change: dict[str, Any], message: str):
    assert_valid(load_data(write.npz(**GOOD), classification=False))
    with pytest.raises(DataError, match=message) as error:
        load_data(write.npz(**(GOOD | change)), classification=False)
    assert "data.npz" in str(error.value)


@pytest.mark.parametrize("dtype", [np.bool_, np.uint8, np.int16, np.uint64, np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (3, 1)])
def test_labels_of_any_dtype(write: Any, dtype: Any, shape: tuple[int, ...]):
    t = np.asarray([1, 0, 1], dtype).reshape(shape)
    data = load_data(write.npz(x_train=np.eye(3), t_train=t, x_test=np.eye(3), t_test=t))
    assert data.class_names == ("0", "1")
    assert data.train.t.tolist() == [1, 0, 1]


def test_labels_need_not_start_at_zero(write: Any):
    data = load_data(write.npz(x_train=np.eye(3), t_train=[-1, 1, 1], x_test=np.eye(3), t_test=[1, 1, -1]))
    assert data.class_names == ("-1", "1")
    assert data.train.t.tolist() == [0, 1, 1]
    assert data.test.t.tolist() == [1, 1, 0]


def test_labels_that_cannot_be_learnt_are_rather_numbers(write: Any):
    """With five samples of each on the average, and so one of each in the test part, they may be classes."""
    for samples, classes in ((505, 101), (100, 100)):
        path = write.npz(x=np.eye(samples), t=np.arange(samples) % classes)
        assert load_data(path).classes == classes
    path = write.npz(x=np.eye(504), t=np.arange(504) % 101)
    with pytest.raises(DataError, match=r"its 504 labels are of 101 classes, too few.* or pass classification=False"):
        load_data(path)
    like = Origin("", None, 0, Scaling(0.0, 1.0), tuple(map(str, range(101))))
    assert load_data(path, like=like).classes == 101
    assert load_data(path, classification=False).outputs == 1
