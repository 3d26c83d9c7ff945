"""Named data sets, idx folders, .npz and .npy files: what is loaded, and what is refused."""

import gzip
import hashlib
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from xpnet import datasets
from xpnet.datasets import DataError, Dataset, Scaling, load, load_digits, load_features, load_idx
from xpnet.training import epoch_order

PARTS = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
DTYPE_CODES = {"u1": 0x08, "i1": 0x09, "i2": 0x0B, "i4": 0x0C, "f4": 0x0D, "f8": 0x0E}


def as_idx(array: Any, code: str = "u1") -> bytes:
    array = np.asarray(array)
    header = struct.pack(f">HBB{array.ndim}I", 0, DTYPE_CODES[code], array.ndim, *array.shape)
    return header + array.astype(f">{code}").tobytes()


def write_folder(folder: Path, parts: tuple[Any, Any, Any, Any], *, name: str = "{}", packed: bool = False) -> Path:
    """Write four idx files; a part that is bytes is written as it is."""
    for part, values in zip(PARTS, parts, strict=True):
        data = values if isinstance(values, bytes) else as_idx(values)
        (folder / name.format(part)).write_bytes(gzip.compress(data) if packed else data)
    return folder


@pytest.fixture
def images() -> tuple[Any, Any, Any, Any]:
    """Give 12 training and 4 test images of 3 x 5, in three classes."""
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 3
    return rng.integers(0, 256, (12, 3, 5)), labels, rng.integers(0, 256, (4, 3, 5)), labels[:4]


def assert_valid(data: Dataset) -> None:
    for x, t in ((data.x_train, data.t_train), (data.x_test, data.t_test)):
        assert x.dtype == np.float32
        assert x.shape == (t.size, data.features)
        assert np.isfinite(x).all()
        assert t.dtype == np.int64
        assert len(t)
        assert 0 <= t.min() <= t.max() < data.classes
    assert data.x_train.min() >= 0
    assert data.x_train.max() <= 1


# Named data sets


def test_digits_are_those_of_the_repository(data_dir: Path):
    digits = load_digits()
    for table_name, x, t in (
        ("optdigits.tra", digits.x_train, digits.t_train),
        ("optdigits.tes", digits.x_test, digits.t_test),
    ):
        table = np.loadtxt(data_dir / "optdigits" / table_name, delimiter=",")
        np.testing.assert_array_equal(x * 16, table[:, :-1])
        np.testing.assert_array_equal(t, table[:, -1])


def test_digits_have_the_published_counts():
    digits = load("digits")
    assert_valid(digits)
    assert digits.class_names == tuple("0123456789")
    assert digits.image_shape == (8, 8)
    assert np.bincount(digits.t_train).tolist() == [376, 389, 380, 389, 387, 376, 377, 387, 380, 382]
    assert np.bincount(digits.t_test).tolist() == [178, 182, 177, 183, 181, 182, 181, 179, 174, 180]
    assert sum(path.stat().st_size for path in datasets.data_path("digits").iterdir()) < 250_000


def test_mnist_is_mnist(data_dir: Path):
    mnist = load("mnist", data_dir=data_dir)
    assert_valid(mnist)
    assert (mnist.x_train.shape, mnist.x_test.shape, mnist.image_shape) == ((60000, 784), (10000, 784), (28, 28))
    assert mnist.t_train[:5].tolist() == [5, 0, 4, 1, 9]
    assert mnist.t_test[:5].tolist() == [7, 2, 1, 0, 4]
    # The mean and the standard deviation that everyone normalises MNIST by.
    assert mnist.x_train.mean(dtype=np.float64) == pytest.approx(0.1307, abs=5e-5)
    assert mnist.x_train.std(dtype=np.float64) == pytest.approx(0.3081, abs=5e-5)


def test_published_checksums_are_those_of_the_genuine_files(data_dir: Path):
    from xpnet.datasets.known import KNOWN

    for name, digest in KNOWN["mnist"].sha256.items():
        assert hashlib.sha256((data_dir / "mnist" / name).read_bytes()).hexdigest() == digest


def test_an_unknown_source_names_the_known_ones():
    with pytest.raises(DataError, match=r"digits, mnist, fashion-mnist; got 'minst': did you mean 'mnist'\?.* path"):
        load("minst")


def test_importing_is_light():
    code = "import sys, xpnet.datasets; print({'pooch', 'requests', 'scipy'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


# Folders of idx files


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_idx_folder(tmp_path: Path, images: tuple[Any, ...], packed: bool, dotted: bool):
    for part, values in zip(PARTS, images, strict=True):
        name = part.replace("-idx", ".idx") if dotted else part
        data = as_idx(values)
        (tmp_path / f"{name}{'.gz' * packed}").write_bytes(gzip.compress(data) if packed else data)
    data = load(tmp_path)
    assert_valid(data)
    assert (data.image_shape, data.classes, data.name) == ((3, 5), 3, tmp_path.name)
    np.testing.assert_allclose(data.x_test, images[2].reshape(4, 15) / 255, rtol=1e-6)
    np.testing.assert_array_equal(load_idx(str(tmp_path)).x_train, data.x_train)


@pytest.mark.parametrize("code", ["i1", "i2", "i4", "f4", "f8"])
def test_idx_of_other_dtypes_is_scaled_by_column(tmp_path: Path, images: tuple[Any, ...], code: str):
    train = images[0].astype(np.int64) - 100 if code != "i1" else images[0] // 3 - 40
    x_test = train[:4]
    write_folder(tmp_path, (as_idx(train, code), images[1], as_idx(x_test, code), images[3]))
    flat = train.reshape(12, 15).astype(np.float64)
    low, high = flat.min(0), flat.max(0)
    np.testing.assert_allclose(load(tmp_path).x_train, (flat - low) / (high - low), rtol=1e-6, atol=1e-7)


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
        (lambda b: b[:4] + b"\xff" * 12 + b[16:], "promises 4294967295 x 4294967295 x 4294967295 values"),
        (lambda b: b[:4] + b"\0" * 4 + b[8:], "holds data"),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_damaged_idx(tmp_path: Path, images: tuple[Any, ...], damage: Any, message: str, packed: bool):
    write_folder(tmp_path, (damage(as_idx(images[0])), *images[1:]), packed=packed)
    with pytest.raises(DataError, match=message) as error:
        load(tmp_path)
    assert PARTS[0] in str(error.value)
    assert "\n" not in str(error.value)


def test_a_promise_that_gzip_cannot_keep_claims_no_memory(tmp_path: Path, images: tuple[Any, ...]):
    import tracemalloc

    promising = struct.pack(">HBB3I", 0, 8, 3, 2**20, 2**6, 2**5) + bytes(1000)
    write_folder(tmp_path, (promising, *images[1:]), packed=True)
    tracemalloc.start()
    try:
        with pytest.raises(DataError, match="truncated after 1000"):
            load(tmp_path)
        assert tracemalloc.get_traced_memory()[1] < 2**24
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("damage", [lambda b: b[:-9], lambda b: b[:30] + b"\xff\xff" + b[32:], lambda b: b[:12]])
def test_damaged_gzip(tmp_path: Path, images: tuple[Any, ...], damage: Any):
    write_folder(tmp_path, (damage(gzip.compress(as_idx(images[0]))), *images[1:]))
    with pytest.raises(DataError, match=rf"{PARTS[0]}.*replace it"):
        load(tmp_path)


def test_idx_parts_that_do_not_belong_together(tmp_path: Path, images: tuple[Any, ...]):
    x_train, t_train, x_test, t_test = images
    for parts, message in (
        ((x_train, t_train[:-1], x_test, t_test), f"{PARTS[0]} holds 12 samples but .*{PARTS[1]} 11 labels"),
        ((x_train, t_train, x_test, t_test + 1), "label 3 is none of the 3 classes"),
        ((x_train, t_train, x_test[:, :2], t_test), "training samples have 15 features, test samples 10"),
        ((x_train, t_train * 0, x_test, t_test * 0), r"one class \(0\)"),
        ((x_train, x_train, x_test, t_test), r"labels must have shape \(samples,\)"),
        ((t_train, t_train, x_test, t_test), r"features must have shape"),
    ):
        write_folder(tmp_path, parts)
        with pytest.raises(DataError, match=message):
            load(tmp_path)


def test_a_missing_idx_file_is_named(tmp_path: Path, images: tuple[Any, ...]):
    write_folder(tmp_path, images)
    (tmp_path / PARTS[2]).unlink()
    with pytest.raises(DataError, match=f"has no {PARTS[2]}: put"):
        load(tmp_path)
    with pytest.raises(DataError, match="has no train-images"):
        load_idx(tmp_path / "nowhere")


# Arrays


def npz(tmp_path: Path, **values: Any) -> Path:
    np.savez(tmp_path / "data.npz", **values)
    return tmp_path / "data.npz"


@pytest.mark.parametrize("letter", ["t", "y"])
def test_npz_of_images(tmp_path: Path, images: tuple[Any, ...], letter: str):
    x_train, t_train, x_test, t_test = (a.astype(np.uint8) for a in images)
    path = npz(tmp_path, **{"x_train": x_train, f"{letter}_train": t_train, "x_test": x_test, f"{letter}_test": t_test})
    data = load(path)
    assert_valid(data)
    assert data.image_shape == (3, 5)
    np.testing.assert_allclose(data.x_test, x_test.reshape(4, 15) / 255, rtol=1e-6)
    np.testing.assert_array_equal(data.t_test, t_test)


def test_one_table_is_split_80_to_20_by_the_seed(tmp_path: Path):
    x = np.arange(50.0)[:, None] * [1.0, 2.0]
    path = npz(tmp_path, x=x, t=np.arange(50) % 2)
    data = load(path, seed=3)
    assert (len(data.t_train), len(data.t_test)) == (40, 10)
    raw = np.concatenate([data.x_train, data.x_test]) / data.scaling.factor + data.scaling.offset
    np.testing.assert_allclose(np.sort(raw[:, 0]), np.arange(50.0), atol=1e-5)
    np.testing.assert_array_equal(data.t_train, np.round(raw[:40, 0]) % 2)
    np.testing.assert_array_equal(load(path, seed=3).x_test, data.x_test)
    assert not np.array_equal(load(path, seed=4).x_test, data.x_test)


def test_scaling_sees_the_training_part_only(tmp_path: Path):
    x_train = np.asarray([[0.0, 5.0, 1e9], [10.0, 5.0, 1e9 + 37]])
    data = load(npz(tmp_path, x_train=x_train, t_train=[0, 1], x_test=x_train * 2, t_test=[0, 1]))
    np.testing.assert_allclose(data.x_train, [[0, 0, 0], [1, 0, 1]], rtol=1e-6)
    np.testing.assert_allclose(data.x_test[:, :2], [[0, 0], [2, 0]])


def test_npy_table(tmp_path: Path):
    table = np.asarray([[0.0, 7.0, 1.0], [1.0, 8.0, 2.0], [0.0, 9.0, 3.0], [1.0, 10.0, 4.0]])
    np.save(tmp_path / "table.npy", table)
    data = load(tmp_path / "table.npy", label=0)
    assert (data.features, data.classes) == (2, 2)
    assert load(tmp_path / "table.npy", label=-1).class_names == ("1", "2", "3", "4")
    with pytest.raises(DataError, match="label column 3 is outside its 3 columns"):
        load(tmp_path / "table.npy", label=3)


def test_labels_need_not_start_at_zero(tmp_path: Path):
    data = load(npz(tmp_path, x_train=np.eye(3), t_train=[-1, 1, 1], x_test=np.eye(3), t_test=[1, 1, -1]))
    assert data.class_names == ("-1", "1")
    assert data.t_train.tolist() == [0, 1, 1]
    assert data.t_test.tolist() == [1, 1, 0]


def test_a_trained_models_scaling_and_classes_are_used(tmp_path: Path):
    path = npz(tmp_path, x_train=np.eye(2), t_train=[2, 2], x_test=np.eye(2) * 4, t_test=[5, 2])
    data = load(path, scaling=Scaling(1.0, 0.5), class_names=("2", "3", "5"))
    assert data.t_test.tolist() == [2, 0]
    np.testing.assert_array_equal(data.x_test, [[1.5, -0.5], [-0.5, 1.5]])
    assert load(path, class_names=("a", "b", "c", "d", "e", "f")).t_test.tolist() == [5, 2]
    with pytest.raises(DataError, match=r"label 5 is none of the 2 classes \(a, b\)|label 2 is none"):
        load(path, class_names=("a", "b"))
    with pytest.raises(DataError, match="2 features, but its scaling was made for 3"):
        load(path, scaling=Scaling(np.zeros(3), np.ones(3)), class_names=("2", "5"))


GOOD = {"x_train": np.eye(3), "t_train": [0, 1, 0], "x_test": np.eye(3), "t_test": [0, 1, 1]}


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"x_train": np.asarray([[0, 1.0], [np.nan, 1], [1, 1]])}, "x_train: sample 1, feature 0 is nan"),
        ({"x_test": np.asarray([[0, 1.0], [1, 1], [1, -np.inf]])}, "x_test: sample 2, feature 1 is -inf"),
        ({"x_test": np.full((3, 3), 1e300)}, "x_test: sample 0, feature 0 is 1e[+]300"),
        ({"x_train": np.zeros((0, 3))}, "x_train: holds no data"),
        ({"x_train": np.zeros(3)}, "features must have shape"),
        ({"x_train": np.full((3, 3), "a")}, "real numbers, got dtype <U1"),
        ({"x_train": np.eye(3) * 1j}, "real numbers, got dtype complex128"),
        ({"x_train": np.asarray([[{}]])}, "pickled objects"),
        ({"t_train": [0, 1]}, "x_train holds 3 samples but .*t_train 2 labels"),
        ({"t_train": [0, 1.5, 0]}, "label 1.5 of sample 1 is not an integer"),
        ({"t_train": [0, np.nan, 0]}, "label nan of sample 1 is not an integer"),
        ({"t_train": ["a", "b", "c"]}, "labels must be integers, got dtype <U1"),
        ({"t_train": np.eye(3)}, "numpy.argmax"),
        ({"t_train": [1, 1, 1]}, r"one class \(1\)"),
        ({"t_test": [0, 1, 2]}, "label 2 is none of the 2 classes"),
        ({"x_test": np.eye(3)[:, :2]}, "3 features, test samples 2"),
    ],
)
def test_bad_arrays(tmp_path: Path, change: dict[str, Any], message: str):
    assert_valid(load(npz(tmp_path, **GOOD)))
    with pytest.raises(DataError, match=message) as error:
        load(npz(tmp_path, **(GOOD | change)))
    assert "data.npz" in str(error.value)


def test_files_that_are_not_what_they_say(tmp_path: Path):
    for name in ("a.npz", "a.npy"):
        (tmp_path / name).write_bytes(b"hello")
        with pytest.raises(DataError, match=rf"{name}: not a \.np.* file, or damaged"):
            load(tmp_path / name)
    (tmp_path / "a.txt").write_text("1,2")
    with pytest.raises(DataError, match=r"not a \.csv, \.npy or \.npz file"):
        load(tmp_path / "a.txt")
    with pytest.raises(DataError, match="holds x: save x_train"):
        load(npz(tmp_path, x=np.eye(2)))
    np.save(tmp_path / "flat.npy", np.zeros(3))
    with pytest.raises(DataError, match="two dimensions"):
        load(tmp_path / "flat.npy")
    np.save(tmp_path / "objects.npy", np.asarray([[{}]]), allow_pickle=True)
    with pytest.raises(DataError, match="pickled objects"):
        load(tmp_path / "objects.npy")


def test_a_npy_header_that_promises_too_much(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.eye(3))
    data = (tmp_path / "a.npy").read_bytes()
    (tmp_path / "a.npy").write_bytes(data.replace(b"(3, 3), ", b"(3, 999999999999), ").replace(b" " * 11, b"", 1))
    with pytest.raises(DataError, match=r"a\.npy: its header promises 23999999999976 bytes"):
        load(tmp_path / "a.npy")
    (tmp_path / "a.npy").write_bytes(data[:-8])
    with pytest.raises(DataError, match="promises 72 bytes of data but there are 64"):
        load(tmp_path / "a.npy")


def test_a_label_column_is_for_tables(tmp_path: Path):
    for source in ("digits", npz(tmp_path, **GOOD)):
        with pytest.raises(DataError, match="leave label out"):
            load(source, label=0)


# Features alone


def test_features_alone(tmp_path: Path):
    x = np.arange(6.0).reshape(3, 2)
    labelled = np.column_stack([x, [0, 1, 0]])
    np.save(tmp_path / "x.npy", x)
    np.save(tmp_path / "labelled.npy", labelled)
    np.savez(tmp_path / "x.npz", x=x, other=x * 2)
    np.savez(tmp_path / "one.npz", anything=x)
    (tmp_path / "images").write_bytes(gzip.compress(as_idx(x[:, None, :])))
    for name in ("x.npy", "labelled.npy", "x.npz", "one.npz", "images"):
        np.testing.assert_array_equal(load_features(tmp_path / name, features=2), x)
    np.testing.assert_array_equal(load_features(tmp_path / "labelled.npy", features=2, label=0), labelled[:, 1:])
    with pytest.raises(DataError, match=r"x\.npy: has 2 features a sample where 5 were expected"):
        load_features(tmp_path / "x.npy", features=5)
    with pytest.raises(DataError, match="no such file"):
        load_features(tmp_path / "nothing.csv", features=5)
    with pytest.raises(DataError, match="leave label out"):
        load_features(tmp_path / "x.npz", features=2, label=0)


def test_features_of_test_images_scale_as_in_training():
    digits = load_digits()
    raw = load_features(datasets.data_path("digits") / "t10k-images-idx3-ubyte.gz", features=64)
    np.testing.assert_array_equal(digits.scaling.apply(raw), digits.x_test)


# Scaling and order


@given(arrays(np.float64, (4, 3), elements=st.floats(width=32, allow_nan=False, allow_infinity=False)))
def test_scaling_maps_any_training_data_into_the_unit_interval(raw: Any):
    scaling = Scaling.of(raw)
    x = scaling.apply(raw)
    assert x.dtype == np.float32
    assert ((x >= 0) & (x <= 1)).all()
    constant = raw.min(0) == raw.max(0)
    assert (x[:, constant] == 0).all()
    assert x.max(0)[np.ptp(raw, axis=0) > 1e-300] == pytest.approx(1)


def test_bytes_are_scaled_by_255():
    raw = np.arange(256, dtype=np.uint8)[:, None]
    np.testing.assert_allclose(Scaling.of(raw).apply(raw), raw / 255, rtol=1e-7)


def test_features_far_outside_the_training_range_are_refused():
    scaling = Scaling.of(np.asarray([[0.0], [1e-30]]))
    with pytest.raises(DataError, match="too far outside the range"):
        scaling.apply(np.asarray([[1e30]]))


@given(n=st.integers(1, 300), seed=st.integers(0, 2**63), epoch=st.integers(0, 1000))
def test_an_epoch_is_a_permutation(n: int, seed: int, epoch: int):
    order = epoch_order(n, seed=seed, epoch=epoch)
    assert order.dtype == np.int64
    np.testing.assert_array_equal(np.sort(order), np.arange(n))
    np.testing.assert_array_equal(epoch_order(n, seed=seed, epoch=epoch), order)


def test_epochs_differ():
    orders = {tuple(epoch_order(20, seed=seed, epoch=epoch).tolist()) for seed in range(3) for epoch in range(3)}
    assert len(orders) == 9


# Whatever the bytes, a data set or a DataError


FUZZ = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def damaged(draw: Any, good: bytes) -> bytes:
    """Draw random bytes, or good ones with a few overwritten, cut off or added."""
    if draw(st.booleans()):
        return draw(st.binary(max_size=200))
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data[: draw(st.integers(0, len(data)))] if draw(st.booleans()) else data) + draw(st.binary(max_size=3))


def load_or_refuse(path: Path) -> None:
    refusal = ""
    try:
        assert_valid(load(path))
    except DataError as error:
        refusal = str(error)
    assert "\n" not in refusal


@FUZZ
@given(data=st.data(), part=st.integers(0, 3), packed=st.booleans())
def test_any_bytes_as_idx(tmp_path: Path, data: Any, part: int, packed: bool):
    good = [as_idx(a) for a in (np.arange(8).reshape(4, 1, 2), [0, 1, 1, 0], np.ones((2, 1, 2)), [0, 1])]
    good[part] = data.draw(damaged(gzip.compress(good[part]) if packed else good[part]))
    write_folder(tmp_path, tuple(good))
    load_or_refuse(tmp_path)


@FUZZ
@given(data=st.data(), packed=st.booleans())
def test_any_bytes_as_npz(tmp_path: Path, data: Any, packed: bool):
    path = tmp_path / "fuzz.npz"
    (np.savez_compressed if packed else np.savez)(path, x=np.eye(4), t=[0, 1, 0, 1])
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    load_or_refuse(path)


@FUZZ
@given(data=st.data())
def test_any_bytes_as_npy(tmp_path: Path, data: Any):
    path = tmp_path / "fuzz.npy"
    np.save(path, np.eye(4))
    path.write_bytes(data.draw(damaged(path.read_bytes())))
    load_or_refuse(path)
