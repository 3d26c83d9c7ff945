"""From a name or a path to a data set: named ones, the split, numbers, a trained model's preparation."""

import gzip
import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from xpnet.datasets import DataError, Origin, Scaling, data_path, load_data, load_digits, load_features
from xpnet.datasets.idx_files import PARTS

EPS = np.finfo(np.float64).eps
EPS32 = np.finfo(np.float32).eps


def of_classes(*names: str) -> Origin:
    """Return the origin of a model that says these classes."""
    return Origin("", None, 0, Scaling(0.0, 1.0), names)


def of_numbers(offset: Any, factor: Any) -> Origin:
    """Return the origin of a model that says numbers."""
    return Origin("", None, 0, Scaling(0.0, 1.0), (), Scaling(offset, factor))


def test_digits_are_those_of_the_repository(data_dir: Path):
    digits = load_digits()
    for name, (x, t) in (("optdigits.tra", digits.train), ("optdigits.tes", digits.test)):
        table = np.loadtxt(data_dir / "optdigits" / name, delimiter=",")
        np.testing.assert_array_equal(x * 16, table[:, :-1])
        np.testing.assert_array_equal(t, table[:, -1])


def test_digits_have_the_published_counts(assert_valid: Any):
    digits = load_data("digits")
    assert_valid(digits)
    assert digits.class_names == tuple("0123456789")
    assert digits.image_shape == (8, 8)
    assert np.bincount(digits.train.t).tolist() == [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]
    assert np.bincount(digits.test.t).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]


def test_mnist_is_mnist(data_dir: Path, assert_valid: Any):
    mnist = load_data("mnist", data_dir=data_dir)
    assert_valid(mnist)
    assert (mnist.train.x.shape, mnist.test.x.shape, mnist.image_shape) == ((60000, 784), (10000, 784), (28, 28))
    assert mnist.train.t[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.test.t[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean and the standard deviation that everyone normalises MNIST by, to the four digits they are given with.
    assert round(mnist.train.x.mean(dtype=np.float64), 4) == 0.1307
    assert round(mnist.train.x.std(dtype=np.float64), 4) == 0.3081


def test_an_unknown_source_names_the_known_ones():
    with pytest.raises(DataError, match=r"digits, mnist, fashion-mnist; got 'minst': did you mean 'mnist'\?.* path"):
        load_data("minst")


def test_importing_is_light():
    code = "import sys, xpnet.datasets; print({'pooch', 'requests', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# The split


def test_one_table_is_split_80_to_20_by_the_seed(write: Any):
    x = np.arange(50.0)[:, None] * [1.0, 2.0]
    path = write.npz(x=x, t=np.arange(50) % 2)
    data = load_data(path, seed=3)
    # Whole numbers, far enough from each other for float32.
    train, test = (np.round(data.scaling.invert(part.x))[:, 0] for part in (data.train, data.test))
    assert (len(train), len(test)) == (40, 10)
    assert sorted([*train, *test]) == list(range(50))
    np.testing.assert_array_equal(data.train.t, train % 2)
    np.testing.assert_array_equal(load_data(path, seed=3).test.x, data.test.x)
    assert not np.array_equal(load_data(path, seed=4).test.x, data.test.x)


def test_the_split_has_the_samples_of_earlier_versions_in_the_order_of_the_file(write: Any):
    """A model's file holds the seed only, by which its test part is found again; whatever the targets are."""
    path = write.npz(x=np.arange(20)[:, None], t=np.arange(20))
    data = load_data(path, seed=3, classification=False)
    assert np.round(data.scaling.invert(data.test.x))[:, 0].tolist() == [9, 11, 12, 14]
    classes = load_data(path, seed=3).origin
    data = load_data(path, like=replace(classes, stratified=False))
    assert np.round(data.scaling.invert(data.test.x))[:, 0].tolist() == [9, 11, 12, 14]


@pytest.mark.parametrize("counts", [(50, 50), (7, 93), (33, 34, 35), (1, 2, 3)])
def test_each_class_is_split_in_proportion(write: Any, counts: tuple[int, ...]):
    t = np.repeat(np.arange(len(counts)), counts)
    data = load_data(write.npz(x=np.arange(len(t))[:, None], t=t), seed=1)
    assert len(data.test.t) == max(1, round(len(t) / 5))
    for found, count in zip(np.bincount(data.test.t, minlength=len(counts)), counts, strict=True):
        assert abs(found - count * len(data.test.t) / len(t)) < 1


def test_one_sample_cannot_be_split(write: Any):
    with pytest.raises(DataError, match="has 1 sample, too few"):
        load_data(write.csv(["1,2,0"]), like=of_classes("0", "1"))


def test_scaling_sees_the_training_part_only(write: Any):
    x_train = np.asarray([[0.0, 5.0, 1e9], [10.0, 5.0, 1e9 + 37]])
    arrays = {"x_train": x_train, "t_train": [0, 1], "x_test": x_train * 2, "t_test": [0, 1]}
    data = load_data(write.npz(**arrays))
    np.testing.assert_array_equal(data.train.x, [[0, 0, 0], [1, 0, 1]])
    np.testing.assert_array_equal(data.test.x[:, :2], [[0, 0], [2, 0]])


# Numbers


TARGETS = np.asarray([3.5, 7.5, 3.5, 7.5])


@pytest.mark.parametrize("targets", [TARGETS, TARGETS[:, None], TARGETS.astype(np.float32)])
def test_numeric_targets_are_standardised(write: Any, assert_valid: Any, targets: Any):
    data = load_data(
        write.npz(x_train=np.eye(4), t_train=targets, x_test=np.eye(4), t_test=targets + 6), classification=False
    )
    assert_valid(data)
    assert (data.classification, data.classes, data.outputs) == (False, 0, 1)
    assert data.target_scaling is not None
    assert (data.target_scaling.offset.tolist(), data.target_scaling.factor.tolist()) == ([5.5], [0.5])
    assert data.train.t.tolist() == [[-1], [1], [-1], [1]]
    assert data.test.t.tolist() == [[2], [4], [2], [4]]
    assert data.target_scaling.invert(data.test.t).tolist() == [[9.5], [13.5], [9.5], [13.5]]


def test_several_numeric_targets(write: Any, assert_valid: Any):
    t = np.asarray([[0.0, 9.0, 5.0], [4.0, 9.0, 6.0]])
    data = load_data(write.npz(x_train=np.eye(2), t_train=t, x_test=np.eye(2), t_test=t), classification=False)
    assert_valid(data)
    assert data.outputs == 3
    assert data.train.t.tolist() == [[-1, 0, -1], [1, 0, 1]]


def test_numeric_targets_of_tables(write: Any):
    rows = np.column_stack([np.arange(10.0), np.linspace(-1.5, 3.0, 10)])
    lines = ["height,price", *(f"{height},{price!r}" for height, price in rows.tolist())]
    for path in (write.npy(rows), write.csv(lines)):
        data = load_data(path, classification=False)
        assert data.target_scaling is not None
        # Of as many as can be, in the order of the split: scaled and back, four roundings of numbers of at most 6.
        heights = np.round(data.scaling.invert(data.train.x))[:, 0].astype(int)
        np.testing.assert_allclose(
            data.target_scaling.invert(data.train.t)[:, 0], rows[heights, 1], rtol=0, atol=12 * EPS
        )
    turned = load_data(path, label="height", classification=False)
    assert (turned.features, turned.outputs) == (1, 1)


# What was trained prepares what is new


def test_a_trained_models_scaling_and_classes_are_used(write: Any):
    path = write.npz(x_train=np.eye(2), t_train=[2, 2], x_test=np.eye(2) * 4, t_test=[5, 2])
    data = load_data(path, like=Origin("", None, 0, Scaling(1.0, 0.5), ("2", "3", "5")))
    assert data.test.t.tolist() == [2, 0]
    np.testing.assert_array_equal(data.test.x, [[1.5, -0.5], [-0.5, 1.5]])
    assert load_data(path, like=of_classes("a", "b", "c", "d", "e", "f")).test.t.tolist() == [5, 2]
    with pytest.raises(DataError, match=r"label 2 is none of the 2 classes \(a, b\)"):
        load_data(path, like=of_classes("a", "b"))
    with pytest.raises(DataError, match=r"data\.npz: data has 2 features, but its scaling was made for 3"):
        load_data(path, like=Origin("", None, 0, Scaling(np.zeros(3), np.ones(3)), ("2", "5")))


def test_a_trained_models_classes_number_text_labels(write: Any):
    path = write.csv(["1,setosa", "2,virginica", "3,setosa", "4,virginica", "5,virginica"])
    data = load_data(path, like=of_classes("other", "virginica", "setosa"))
    assert {*data.train.t.tolist(), *data.test.t.tolist()} == {1, 2}
    with pytest.raises(DataError, match=r"label 'setosa' is none of the 2 classes \(cat, virginica\)"):
        load_data(path, like=of_classes("cat", "virginica"))


def test_a_trained_models_target_scaling_is_used(write: Any):
    path = write.npz(x_train=np.eye(2), t_train=[2.0, 8.0], x_test=np.eye(2), t_test=[5.0, 2.0])
    data = load_data(path, like=of_numbers(np.ones(1), np.full(1, 2.0)))
    assert not data.classification
    assert (data.train.t.tolist(), data.test.t.tolist()) == ([[2], [14]], [[8], [2]])
    with pytest.raises(DataError, match=r"data\.npz: a sample has 1 targets where 2 were expected"):
        load_data(path, like=of_numbers(np.zeros(2), np.ones(2)))
    with pytest.raises(DataError, match=r"data\.npz: a sample has 1 targets where 2 were expected"):
        load_data(write.npz(x=np.eye(2), t=[1.0, 2.0]), like=replace(of_numbers(np.zeros(2), np.ones(2)), digest="?"))


def test_data_know_their_origin(write: Any):
    table = write.csv(["a,kind,b", "1,x,2", "3,y,4", "5,x,6"])
    origin = load_data(table, label=1, seed=5).origin
    assert (origin.data, origin.label, origin.seed, origin.columns) == (str(table.resolve()), "kind", 5, ("a", "b"))
    assert origin.digest == hashlib.sha256(table.read_bytes()).hexdigest()
    array = load_data(write.npy([[0, 1.0, 2], [1, 3.0, 4]]), label=-3).origin
    assert (array.label, array.columns) == (0, ())
    digits = load_digits().origin
    files = b"".join((data_path("digits") / f"{part}.gz").read_bytes() for part in PARTS)
    assert (digits.data, digits.label, digits.digest) == ("digits", None, hashlib.sha256(files).hexdigest())


def test_what_a_model_was_not_trained_on_is_not_split(write: Any):
    lines = ["a,b,kind", *(f"{i},{2 * i},{'xy'[i % 2]}" for i in range(10))]
    trained = load_data(write.csv(lines), seed=3)
    again = load_data(write.csv(lines), like=trained.origin)
    for part in (0, 1):
        np.testing.assert_array_equal(again.train[part], trained.train[part])
        np.testing.assert_array_equal(again.test[part], trained.test[part])
    grown = load_data(write.csv([*lines, "20,40,x"]), like=trained.origin)
    assert (len(grown.train.x), len(grown.test.x), grown.features) == (0, 11, 2)
    np.testing.assert_array_equal(grown.scaling.invert(grown.test.x)[:10, 0].round(), np.arange(10))


def test_a_trained_models_columns_are_found_by_name(write: Any):
    trained = load_data(write.csv(["a,b,kind", *(f"{i},{2 * i},{'xy'[i % 2]}" for i in range(10))]))
    expected = [[6, 5], [8, 7]]
    for lines in (
        ["kind,b,note,a", "x,5,?,6", "y,7,,8"],
        ["a,b,kind", "6,5,x", "8,7,y"],
        ["b,a,kind", "5,6,x", "7,8,y"],
    ):
        path = write.csv(lines)
        np.testing.assert_array_equal(load_features(path, features=2, like=trained.origin), expected)
        data = load_data(path, like=trained.origin)
        np.testing.assert_allclose(data.scaling.invert(data.test.x), expected, rtol=EPS32)
        assert data.test.t.tolist() == [0, 1]
    np.testing.assert_array_equal(
        load_features(write.csv(["b,a", "5,6", "7,8"]), features=2, like=trained.origin), expected
    )
    with pytest.raises(DataError, match=r"no column is called 'kind', it has no column names"):
        load_features(write.csv(["6,5,x", "8,7,y"]), features=2, like=trained.origin)
    path = write.csv(["6,5,x", "8,7,y"])
    np.testing.assert_array_equal(load_features(path, features=2, label=2, like=trained.origin), expected)
    path = write.csv(["a,c,kind", "1,2,x", "3,4,y"])
    for load in (
        lambda: load_data(path, like=trained.origin),
        lambda: load_features(path, features=2, like=trained.origin),
    ):
        with pytest.raises(DataError, match=r"has no b among its columns a, c, kind: give data with those .* a, b"):
            load()
    with pytest.raises(DataError, match=r"b is a feature of the model: choose another column"):
        load_data(write.csv(["a,b,kind", "1,2,x"]), label="b", like=trained.origin)


def test_columns_whose_names_are_numbers_are_found_by_name(write: Any):
    trained = load_data(write.csv(["0,1,label", *(f"{i},{2 * i},{'xy'[i % 2]}" for i in range(10))]))
    x = load_features(write.csv(["1,0", "5,6", "7,8"]), features=2, like=trained.origin)
    np.testing.assert_array_equal(x, [[6, 5], [8, 7]])


# Features alone


def test_features_alone(write: Any):
    x = np.arange(6.0).reshape(3, 2)
    (write.path / "images").write_bytes(gzip.compress(write.as_idx(x[:, None, :])))
    paths = [lambda: write.npy(x), lambda: write.npy(np.column_stack([x, [0, 1, 0]])), lambda: write.npy(x[:, :, None])]
    paths += [lambda: write.npz(x=x, other=x * 2), lambda: write.npz(anything=x), lambda: write.path / "images"]
    for path in paths:
        np.testing.assert_array_equal(load_features(path(), features=2), x)
    np.testing.assert_array_equal(load_features(write.npy(x), features=1, label=0), x[:, 1:])
    with pytest.raises(DataError, match=r"images: has 2 features a sample where 5 were expected"):
        load_features(write.path / "images", features=5)
    with pytest.raises(DataError, match=r"table\.npy: holds no data \(shape \(0, 0, 0\)\)"):
        load_features(write.npy(np.zeros((0, 0, 0))), features=2)
    with pytest.raises(DataError, match=r"data\.npz: holds a, b: save the features as x"):
        load_features(write.npz(a=x, b=x), features=2)
    with pytest.raises(DataError, match="no such file"):
        load_features(write.path / "nothing.csv", features=5)


def test_features_of_test_images_scale_as_in_training():
    digits = load_digits()
    raw = load_features(data_path("digits") / "t10k-images-idx3-ubyte.gz", features=64)
    np.testing.assert_array_equal(digits.scaling.apply(raw), digits.test.x)
