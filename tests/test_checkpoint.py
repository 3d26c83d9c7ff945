"""Model files: what is saved is loaded, and what is not ours or not whole is refused."""

import json
import os
import pickle
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from safetensors import safe_open
from safetensors.numpy import save_file

from xpnet import CheckpointError, MeanSquaredError, Scaling, SoftmaxCrossEntropy, TwoLayerNet, to_host
from xpnet._checks import namespace_of
from xpnet._files import append_line, write_atomically
from xpnet.checkpoint import Origin, load_model, load_with_origin, save_model

ORIGIN = Origin("digits", None, 3, Scaling(0.0, 1 / 16), ("no", "yes"))


@pytest.fixture
def path(tmp_path):
    """Give the path of a file that is not there yet."""
    return tmp_path / "model.safetensors"


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("members", [None, 3])
@pytest.mark.parametrize(
    ("activation", "loss"), [("relu", "softmax_cross_entropy_error"), ("tanh", "mean_squared_error")]
)
def test_a_model_comes_back_bit_for_bit(path, dtype, members, activation, loss):
    net = TwoLayerNet(5, 4, 2, activation=activation, loss=loss, dtype=dtype, seed=7, members=members)
    save_model(net, path)
    back = load_model(path)
    assert repr(back) == repr(net)
    for name, w in net.params.items():
        np.testing.assert_array_equal(back.params[name], w, strict=True)


def test_a_model_of_one_library_is_loaded_into_any(backend, path):
    device = backend.select()
    net = TwoLayerNet(5, 4, 2, seed=7, dtype="float64", device=device)
    save_model(net, path)
    for target, namespace in (("cpu", namespace_of(w=np.zeros(1))), (device, backend.xp)):
        back = load_model(path, device=target)
        for name, w in net.params.items():
            assert namespace_of(w=back.params[name]) is namespace
            np.testing.assert_array_equal(to_host(back.params[name]), to_host(w), strict=True)


def test_any_safetensors_reader_reads_it(path):
    save_model(TwoLayerNet(5, 4, 2), path, origin=ORIGIN)
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        shapes = {name: file.get_tensor(name).shape for name in names}
        assert file.metadata()["xpnet"] == "1"
    parameters = {"W1": (5, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    assert shapes == parameters | {"input.factor": (), "input.offset": ()}


@pytest.mark.parametrize(
    "scaling", [Scaling(0.0, 1 / 16), Scaling(np.asarray([0.1, -2.0, 3.0]), np.asarray([1.0, 0.5, 1e-9]))]
)
def test_the_origin_comes_back(path, scaling):
    origin = Origin("a table.csv", "species", 5, scaling, ("Ankle boot", "Größe"))
    save_model(TwoLayerNet(3, 4, 2), path, origin=origin)
    back = load_with_origin(path)[1]
    assert (back.data, back.label, back.seed, back.class_names) == ("a table.csv", "species", 5, origin.class_names)
    np.testing.assert_array_equal(back.scaling.offset, scaling.offset)
    np.testing.assert_array_equal(back.scaling.factor, scaling.factor)


def test_numbers_come_back_with_their_scaling(path):
    net = TwoLayerNet(3, 4, 2, loss="mean_squared_error")
    for target_scaling in (Scaling(5.0, 0.5), Scaling(np.asarray([1.0, 2.0]), np.asarray([0.5, 1e9]))):
        save_model(net, path, origin=Origin("prices.npz", None, 0, Scaling(0.0, 1.0), (), target_scaling))
        back = load_with_origin(path)[1]
        assert back.class_names == ()
        np.testing.assert_array_equal(back.target_scaling.offset, target_scaling.offset)
        np.testing.assert_array_equal(back.target_scaling.factor, target_scaling.factor)


@pytest.mark.parametrize(
    "loss", [SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=(1.0, 3.0)), MeanSquaredError(scale="mean")]
)
def test_a_loss_comes_back_with_its_options(path, loss):
    save_model(TwoLayerNet(3, 4, 2, loss=loss), path)
    assert load_model(path).loss_function == loss


def test_what_is_of_your_own_is_refused(path):
    class Mine(MeanSquaredError):
        """The same, and yet not."""

    class Other(type(TwoLayerNet(1, 1, 1).activation)):
        """The same, and yet not."""

    for net in (TwoLayerNet(3, 4, 2, loss=Mine()), TwoLayerNet(3, 4, 2, activation=Other())):
        with pytest.raises(
            ValueError, match=r"only a network .* of this library can be saved, got .*: keep net.params"
        ):
            save_model(net, path)
    save_model(pickle.loads(pickle.dumps(TwoLayerNet(3, 4, 2, activation="tanh"))), path)
    assert load_model(path).activation.name == "tanh"


def test_the_same_model_is_the_same_bytes_in_every_process(path):
    code = (
        "from xpnet import *; from xpnet.checkpoint import Origin; import sys; "
        "save_model(TwoLayerNet(2, 3, 2), sys.argv[1], origin=Origin('d', None, 3, Scaling(0.0, 0.5), ('a', 'b')))"
    )
    written = set()
    for seed in ("1", "2", "3"):
        environment = os.environ | {"PYTHONHASHSEED": seed}
        subprocess.run([sys.executable, "-c", code, str(path)], check=True, env=environment)
        written.add(path.read_bytes())
    assert len(written) == 1


def test_a_model_without_an_origin_has_none(path):
    save_model(TwoLayerNet(3, 4, 2), path)
    assert load_with_origin(path)[1] is None


def tampered(path, *, arrays=None, metadata=None, **facts):
    """Write a good model, with other arrays, metadata or facts of its origin (None takes one away)."""
    save_model(TwoLayerNet(2, 3, 2), path, origin=ORIGIN)
    with safe_open(path, framework="numpy") as file:
        names, info = file.keys(), file.metadata()
        content = {name: file.get_tensor(name) for name in names}
    info["origin"] = json.dumps(json.loads(info["origin"]) | facts)
    content, info = content | (arrays or {}), info | (metadata or {})
    save_file(
        {name: array for name, array in content.items() if array is not None},
        path,
        {name: text for name, text in info.items() if text is not None},
    )
    return path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metadata": {"xpnet": None}}, r"no model of xpnet: use a model.safetensors that this version wrote"),
        ({"metadata": {"xpnet": "9"}}, r"of format 9, of a newer xpnet: use"),
        (
            {"metadata": {"activation": "step"}},
            r"damaged \(activation must be one of .*\): train it again, or use a backup",
        ),
        ({"metadata": {"loss": None}}, r"damaged \(no 'loss'\): train it again"),
        ({"metadata": {"loss": "hinge"}}, r"damaged \(loss must be one of .*\)"),
        ({"metadata": {"origin": "{"}}, r"damaged \(.*\): train it again"),
        ({"metadata": {"origin": "[]"}}, r"damaged \(.*\): train it again"),
        ({"metadata": {"origin": "[" * 100_000}}, r"damaged \(.*recursion.*\): train it again"),
        ({"class_names": ["no"]}, r"2 outputs and 1 names of classes"),
        ({"class_names": 2}, r"damaged"),
        ({"arrays": {"W2": None}}, r"damaged \(no 'W2'\)"),
        ({"arrays": {"W1": np.zeros(3, np.float32)}}, r"W1 and W2 have shapes \(3,\) and \(3, 2\)"),
        ({"arrays": {"W2": np.zeros((4, 2), np.float32)}}, r"W1 and W2 have shapes \(2, 3\) and \(4, 2\)"),
        ({"arrays": {"W2": np.zeros((0, 10**12), np.float32)}}, r"W1 and W2 have shapes"),
        ({"arrays": {"b1": np.zeros((3, 1), np.float32)}}, r"b1 is float32 of shape \(3, 1\), which does not fit"),
        ({"arrays": {"b2": np.zeros(2, np.float64)}}, r"b2 is float64 of shape \(2,\), which does not fit"),
        ({"arrays": {"W1": np.zeros((2, 3), np.int32)}}, r"dtype must be one of float32, float64; got 'int32'"),
        ({"arrays": {"b2": np.asarray([0, np.inf], np.float32)}}, r"b2 holds NaN or infinite numbers"),
        ({"arrays": {"input.offset": None}}, r"damaged \(no 'input.offset'\)"),
        ({"arrays": {"input.offset": np.zeros(3)}}, r"its scaling has shapes \(3,\) and \(\) for 2 features"),
        ({"metadata": {"options": "[]"}}, r"damaged"),
        ({"metadata": {"options": '{"label_smoothing": 7}'}}, r"damaged \(label_smoothing must be .*\)"),
        ({"arrays": {"target.offset": np.zeros(()), "target.factor": np.zeros(5)}}, r"\(\) and \(5,\) for 2 outputs"),
        ({"arrays": {"input.factor": np.asarray(np.nan)}}, r"its scaling holds NaN or infinite numbers"),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path, changes, text):
    with pytest.raises(CheckpointError, match=text):
        load_with_origin(tampered(path, **changes))


def test_a_file_not_tampered_with_is_taken(path):
    assert load_with_origin(tampered(path))[1].class_names == ORIGIN.class_names


def test_every_truncation_is_refused(path):
    save_model(TwoLayerNet(2, 3, 2), path, origin=ORIGIN)
    whole = path.read_bytes()
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=r"no safetensors file, or a truncated one .*: use a file that xpnet"):
            load_model(path)


def test_a_dtype_that_numpy_lacks_is_refused(path):
    header = {name: {"dtype": "BF16", "shape": [1, 1], "data_offsets": [0, 2]} for name in ("W1",)}
    header["__metadata__"] = {"xpnet": "1", "activation": "relu", "loss": "mean_squared_error"}
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + b"\0\0")
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        load_model(path)


def test_a_wrong_device_is_no_damage_of_the_file(path):
    save_model(TwoLayerNet(2, 3, 2), path)
    with pytest.raises(ValueError, match="device must be auto, cpu, gpu") as caught:
        load_model(path, device="tpu")
    assert not isinstance(caught.value, CheckpointError)


def test_a_missing_file_is_named(path):
    with pytest.raises(CheckpointError, match=r"there is no model file .*model.safetensors: give the path"):
        load_model(path)


def test_a_write_that_fails_leaves_the_old_file_and_names_it(path, monkeypatch):
    save_model(TwoLayerNet(2, 3, 2, seed=1), path)
    old = path.read_bytes()

    def full(handle):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match="No space left on device") as caught:
        save_model(TwoLayerNet(2, 3, 2, seed=2), path)
    assert caught.value.filename == str(path)
    assert path.read_bytes() == old
    assert list(path.parent.iterdir()) == [path]


def test_a_file_that_is_replaced_has_ordinary_permissions(tmp_path):
    write_atomically(tmp_path / "a", b"first")
    write_atomically(tmp_path / "a", b"second")
    (tmp_path / "b").write_bytes(b"")
    assert (tmp_path / "a").read_bytes() == b"second"
    assert (tmp_path / "a").stat().st_mode == (tmp_path / "b").stat().st_mode
    assert {path.name for path in tmp_path.iterdir()} == {"a", "b"}


def test_a_folder_that_is_not_there_is_named(tmp_path):
    for write in (lambda path: write_atomically(path, b""), lambda path: append_line(path, "")):
        with pytest.raises(FileNotFoundError) as caught:
            write(tmp_path / "nowhere" / "file")
        assert Path(caught.value.filename) == tmp_path / "nowhere" / "file"


def test_lines_are_appended_whole(tmp_path):
    for line in ("one", "zwölf"):
        append_line(tmp_path / "lines", line)
    assert (tmp_path / "lines").read_bytes() == "one\nzwölf\n".encode()
