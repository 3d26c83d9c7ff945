"""Model files: what is saved is loaded, and what is not ours or not whole is refused."""

import hashlib
import json
import os
import pickle
import struct
import subprocess
import sys
from dataclasses import fields, replace

import numpy as np
import pytest
from safetensors import safe_open

from xpnet import (
    SGD,
    Adam,
    CheckpointError,
    MeanSquaredError,
    Momentum,
    OptimizerState,
    Scaling,
    Settings,
    SoftmaxCrossEntropy,
    TrainingState,
    TwoLayerNet,
    __version__,
    fit,
    to_host,
)
from xpnet._checks import namespace_of
from xpnet.checkpoint import DamagedError, difference, load_checkpoint, load_model, save_model
from xpnet.checkpoint.sealed import read_sealed, sealed
from xpnet.datasets import Encoding, Origin
from xpnet.training import Best

ORIGIN = Origin("digits", None, 3, Scaling(0.0, 1 / 16), ("no", "yes"))


def params(seed):
    return TwoLayerNet(2, 3, 2, seed=seed).params


STATE = TrainingState(params(1), OptimizerState(8, {"velocity": params(2)}), 4, 5, Best(3, 0.25, params(3)))


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
    back = load_model(path).net
    assert repr(back) == repr(net)
    for name, w in net.params.items():
        np.testing.assert_array_equal(back.params[name], w, strict=True)


def test_a_model_of_one_library_is_loaded_into_any(backend, path):
    device = backend.select()
    net = TwoLayerNet(5, 4, 2, seed=7, dtype="float64", device=device)
    save_model(net, path)
    for target, namespace in (("cpu", namespace_of(w=np.zeros(1))), (device, backend.xp)):
        back = load_model(path, device=target).net
        for name, w in net.params.items():
            assert namespace_of(w=back.params[name]) is namespace
            np.testing.assert_array_equal(to_host(back.params[name]), to_host(w), strict=True)


def test_any_safetensors_reader_reads_it(path):
    save_model(TwoLayerNet(5, 4, 2), path, origin=ORIGIN)
    with safe_open(path, framework="numpy") as file:
        names = file.keys()
        shapes = {name: file.get_tensor(name).shape for name in names}
        assert file.metadata()["xpnet"] == "2"
    parameters = {"W1": (5, 4), "b1": (4,), "W2": (4, 2), "b2": (2,)}
    assert shapes == parameters | {"origin.scaling.factor": (), "origin.scaling.offset": ()}


@pytest.mark.parametrize(
    "scaling", [Scaling(0.0, 1 / 16), Scaling(np.asarray([0.1, -2.0, 3.0]), np.asarray([1.0, 0.5, 1e-9]))]
)
def test_the_origin_comes_back(path, scaling):
    origin = Origin("a table.csv", "species", 5, scaling, ("Ankle boot", "Größe"))
    save_model(TwoLayerNet(3, 4, 2), path, origin=origin)
    back = load_checkpoint(path).origin
    assert (back.data, back.label, back.seed, back.class_names) == ("a table.csv", "species", 5, origin.class_names)
    np.testing.assert_array_equal(back.scaling.offset, scaling.offset)
    np.testing.assert_array_equal(back.scaling.factor, scaling.factor)


def test_numbers_come_back_with_their_scaling(path):
    net = TwoLayerNet(3, 4, 2, loss="mean_squared_error")
    for target_scaling in (Scaling(5.0, 0.5), Scaling(np.asarray([1.0, 2.0]), np.asarray([0.5, 1e9]))):
        save_model(net, path, origin=Origin("prices.npz", None, 0, Scaling(0.0, 1.0), (), target_scaling))
        back = load_checkpoint(path).origin
        assert back.class_names == ()
        np.testing.assert_array_equal(back.target_scaling.offset, target_scaling.offset)
        np.testing.assert_array_equal(back.target_scaling.factor, target_scaling.factor)


@pytest.mark.parametrize(
    "loss", [SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=(1.0, 3.0)), MeanSquaredError(scale="mean")]
)
def test_a_loss_comes_back_with_its_options(path, loss):
    save_model(TwoLayerNet(3, 4, 2, loss=loss), path)
    assert load_model(path).net.loss_function == loss


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
    assert load_model(path).net.activation.name == "tanh"


def test_the_same_model_is_the_same_bytes_in_every_process(path):
    code = (
        "from xpnet import *; from xpnet.datasets import Origin; import sys; "
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
    assert load_checkpoint(path).origin is None


def tampered(path, *, arrays=None, metadata=None, origin=None, state=None):
    """Write a good checkpoint, with other content (None takes it away) under a digest that is right."""
    save_model(TwoLayerNet(2, 3, 2), path, origin=ORIGIN, state=STATE)
    content, info = read_sealed(path)
    info["origin"] = json.dumps(json.loads(info["origin"]) | (origin or {}))
    info["state"] = json.dumps(json.loads(info["state"]) | (state or {}))
    content, info = content | (arrays or {}), info | (metadata or {})
    del info["sha256"]
    arrays = {name: array for name, array in content.items() if array is not None}
    path.write_bytes(sealed(arrays, {name: text for name, text in info.items() if text is not None}))
    return path


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"metadata": {"activation": "step"}}, r"activation must be one of "),
        ({"metadata": {"loss": None}}, r"no 'loss'"),
        ({"metadata": {"loss": "hinge"}}, r"loss must be one of .*"),
        ({"metadata": {"version": None}}, r"no 'version'"),
        ({"metadata": {"origin": "{"}}, r""),
        ({"metadata": {"origin": "[]"}}, r""),
        ({"metadata": {"origin": "[" * 100_000}}, r"recursion"),
        ({"metadata": {"options": "[]"}}, r""),
        ({"metadata": {"options": '{"label_smoothing": 7}'}}, r"label_smoothing must be "),
        ({"metadata": {"settings": '{"hidden": -1}'}}, r"hidden must be an integer >= 1"),
        ({"metadata": {"settings": '{"depth": 3}'}}, r"there is no option 'depth'"),
        ({"origin": {"class_names": ["no"]}}, r"2 outputs and 1 names of classes"),
        ({"origin": {"class_names": 2}}, r"names of classes must be a list"),
        ({"origin": {"class_names": "ab"}}, r"names of classes must be a list"),
        ({"origin": {"class_names": ["no", "no"]}}, r"two classes have the same name"),
        ({"origin": {"class_names": ["no", ["yes"]]}}, r"class_names of its origin must be texts"),
        ({"origin": {"class_names": ["no", 1]}}, r"class_names of its origin must be texts"),
        ({"origin": {"columns": ["a", "a"]}}, r"2 columns and 1 different names"),
        ({"origin": {"columns": ["a", "b", "a"]}}, r"2 columns and 2 different names"),
        ({"origin": {"columns": "ab"}}, r"names of columns must be a list"),
        ({"origin": {"columns": [1, 2]}}, r"columns of its origin must be texts"),
        ({"origin": {"digest": 5}}, r"digest of its origin is 5"),
        ({"origin": {"data": None}}, r"data of its origin is None"),
        ({"origin": {"label": True}}, r"label of its origin is True"),
        ({"origin": {"seed": -1}}, r"seed of its origin must be an integer >= 0"),
        ({"origin": {"of": "another kind"}}, r"unexpected keyword argument 'of'"),
        ({"state": {"epoch": -1}}, r"epoch must be an integer >= 0"),
        ({"state": {"step": None}}, r"step must be an integer"),
        ({"state": {"best": {"epoch": 1}}}, r"no 'loss'"),
        ({"state": {"best": 3}}, r""),
        ({"arrays": {"W2": None}}, r"no 'W2'"),
        ({"arrays": {"W1": np.zeros(3, np.float32)}}, r"W1 and W2 have shapes \(3,\) and \(3, 2\)"),
        ({"arrays": {"W2": np.zeros((4, 2), np.float32)}}, r"W1 and W2 have shapes \(2, 3\) and \(4, 2\)"),
        ({"arrays": {"W2": np.zeros((0, 10**12), np.float32)}}, r"W1 and W2 have shapes"),
        (
            {"arrays": {"W1": np.zeros((10**12, 0), np.float32), "W2": np.zeros((0, 2), np.float32)}},
            r"hidden_size must be an integer >= 1",
        ),
        ({"arrays": {"b1": np.zeros((3, 1), np.float32)}}, r"b1 is float32 of shape \(3, 1\), which does not fit"),
        ({"arrays": {"b2": np.zeros(2, np.float64)}}, r"b2 is float64 of shape \(2,\), which does not fit"),
        ({"arrays": {"b2": np.asarray([0, np.inf], np.float32)}}, r"b2 holds NaN or infinite numbers"),
        ({"arrays": {"optimizer.velocity.b2": None}}, r"no 'optimizer.velocity.b2'"),
        (
            {"arrays": {"best.W1": np.zeros((2, 2), np.float32)}},
            r"best.W1 is float32 of shape \(2, 2\), which does not",
        ),
        ({"arrays": {"origin.scaling.offset": None}}, r"missing .* 'scaling'"),
        ({"arrays": {"origin.scaling.offset": np.zeros(3)}}, r"its scaling has shapes \(3,\) and \(\) for 2 features"),
        ({"arrays": {"origin.scaling.offset": np.zeros((), np.float32)}}, r"its scaling is float32 and float64, not"),
        ({"arrays": {"origin.scaling.factor": np.asarray(np.nan)}}, r"its scaling holds NaN or infinite numbers"),
        ({"arrays": {"origin.encoding.fill": np.zeros(2)}}, "it says refuse of missing values, and has their means"),
        ({"origin": {"missing": "mean"}}, "it says mean of missing values, and has no means"),
        ({"origin": {"missing": "median"}}, "missing of its origin must be one of refuse, mean, drop"),
        ({"origin": {"stratified": 1}}, "stratified of its origin must be True or False"),
        ({"origin": {"encoding": "ab"}}, "categories of its origin must be lists"),
        ({"origin": {"encoding": [["a", 1]]}}, "categories of its origin must be texts"),
        ({"origin": {"encoding": [["a", "a"]]}}, "two categories have the same name"),
        ({"origin": {"encoding": [["a", "b"], []]}}, "it has 2 inputs, and categories for 3"),
        ({"origin": {"encoding": [[], []]}}, "it has 2 inputs, and categories for 2"),
        (
            {"origin": {"missing": "mean"}, "arrays": {"origin.encoding.fill": np.zeros(3)}},
            r"its means are float64 of shape \(3,\) for 2 features",
        ),
        (
            {"arrays": {"origin.target_scaling.offset": np.zeros(()), "origin.target_scaling.factor": np.zeros(5)}},
            r"\(\) and \(5,\) for 2 outputs",
        ),
    ],
)
def test_a_file_that_contradicts_itself_is_refused(path, changes, text):
    with pytest.raises(CheckpointError, match=rf"contradicts itself \(.*{text}.*\): train it again, or") as caught:
        load_checkpoint(tampered(path, **changes))
    assert not isinstance(caught.value, DamagedError)


def test_a_file_not_tampered_with_is_taken(path):
    assert load_checkpoint(tampered(path)).origin.class_names == ORIGIN.class_names


def test_every_truncation_is_refused(path):
    save_model(TwoLayerNet(2, 3, 2), path, origin=ORIGIN)
    whole = path.read_bytes()
    for size in [*range(0, len(whole), 7), len(whole) - 1]:
        path.write_bytes(whole[:size])
        with pytest.raises(DamagedError, match=r"damaged"):
            load_model(path)
    path.write_bytes(whole + b"\0")
    with pytest.raises(
        DamagedError, match=r"is damaged \(its SHA-256 is not the one it holds\): train it again, or use"
    ):
        load_model(path)


def test_a_flipped_bit_is_seen_wherever_it_is(path):
    save_model(TwoLayerNet(2, 3, 2), path, origin=ORIGIN, settings=Settings(label="Größe"), state=STATE)
    whole = path.read_bytes()
    for bit in range(0, 8 * len(whole), 11):
        flipped = bytearray(whole)
        flipped[bit // 8] ^= 1 << bit % 8
        path.write_bytes(flipped)
        with pytest.raises(DamagedError):
            load_model(path)


def forged(header, tensors=b""):
    """Return the bytes of a file with any header, a JSON text that begins as ours do, and its right digest."""
    content = struct.pack("<Q", len(header)) + header + tensors
    digest = hashlib.sha256(content).hexdigest()
    return content.replace(b"0" * 64, digest.encode(), 1)


OPENING = '{"__metadata__":{"sha256":"' + "0" * 64 + '"'
OURS = OPENING + ',"xpnet":"2","version":"0","activation":"relu","loss":"mean_squared_error","options":"{}"}'


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (OPENING + ',"xpnet":"9"}}', r"of format 9, of a newer xpnet: use that"),
        (OPENING + "}}", r"header is not in order"),
        (OPENING, r"header is not in order"),
        (OPENING + ',"xpnet":"2","loss":["a"]}}', r"header is not in order"),
        (OPENING + "," + "[" * 100_000, r"header is not in order"),
        (OURS + ',"W1":{"dtype":"BF16","shape":[1,1],"data_offsets":[0,2]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":[1,1],"data_offsets":[4,8]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":[-1,-1],"data_offsets":[0,4]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":[true],"data_offsets":[0,4]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":[1e400],"data_offsets":[0,4]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":["1"],"data_offsets":[0,4]}}', r"header is not in order"),
        (OURS + ',"W1":{"dtype":"F32","shape":[9999999999999],"data_offsets":[0,39999999999996]}}', r"not in order"),
        (OURS + ',"W1":3}', r"header is not in order"),
        (OURS + "}", r"header is not in order"),  # Four bytes are left.
    ],
)
def test_a_header_that_is_not_ours_is_refused(path, text, told):
    header = text.encode()
    path.write_bytes(forged(header + b" " * (-len(header) % 8), bytes(4)))
    with pytest.raises(CheckpointError, match=told) as caught:
        load_model(path)
    assert not isinstance(caught.value, DamagedError)


def test_what_is_too_much_for_a_header_is_not_written(path):
    names = tuple(f"class {i:0100d}" for i in range(20_000))
    with pytest.raises(ValueError, match=r"settings take \d+ bytes, at most \d+ can be saved"):
        save_model(TwoLayerNet(2, 1, 20_000), path, origin=replace(ORIGIN, class_names=names))
    assert not path.exists()


@pytest.mark.parametrize("names", [("no",), ("no", "no")])
def test_an_origin_that_does_not_fit_is_not_written(path, names):
    with pytest.raises(ValueError, match=r"names of classes|same name"):
        save_model(TwoLayerNet(2, 3, 2), path, origin=replace(ORIGIN, class_names=names))
    assert not path.exists()


def test_a_difference_of_origins_is_named():
    table = replace(ORIGIN, scaling=Scaling(np.zeros(2), np.ones(2)))
    for one in (ORIGIN, table):
        assert difference(one, replace(one)) is None
    changes = {
        "data": "other",
        "label": 1,
        "seed": 4,
        "scaling": Scaling(0.0, 1 / 8),
        "class_names": ("yes", "no"),
        "target_scaling": Scaling(0.0, 1.0),
        "columns": ("a", "b"),
        "digest": "0",
        "encoding": Encoding((("a", "b"), ())),
        "missing": "drop",
        "stratified": True,
    }
    assert list(changes) == [field.name for field in fields(Origin)]
    for name, value in changes.items():
        assert difference(ORIGIN, replace(ORIGIN, **{name: value})) == name
    assert difference(ORIGIN, table) == "scaling"
    assert difference(ORIGIN, replace(ORIGIN, encoding=Encoding(fill=np.zeros(2)))) == "encoding"


@pytest.mark.parametrize("optimizer", [SGD(0.1), Momentum(0.1), Adam(0.01)])
def test_a_training_goes_on_from_a_file(backend, path, optimizer):
    rng = np.random.default_rng(0)
    x, t = backend.asarray(rng.random((40, 3))), backend.asarray(rng.integers(0, 2, 40))
    options = {"optimizer": optimizer, "validation": 0.25, "batch_size": 10}

    def new():
        return TwoLayerNet(3, 4, 2, dtype="float64", device=backend.select())

    whole, half = new(), new()
    expected = fit(whole, x, t, epochs=4, **options)[-1].state
    save_model(half, path, state=fit(half, x, t, epochs=2, **options)[-1].state)
    back = load_checkpoint(path, device=backend.select())
    assert (back.settings, back.origin, back.version) == (None, None, __version__)
    actual = fit(back.net, x, t, epochs=4, state=back.state, **options)[-1].state
    assert (actual.epoch, actual.seed, actual.optimizer.step) == (
        expected.epoch,
        expected.seed,
        expected.optimizer.step,
    )
    assert (actual.best.epoch, actual.best.loss) == (expected.best.epoch, expected.best.loss)
    parts = [(actual.params, expected.params), (actual.best.params, expected.best.params)]
    parts += [(actual.optimizer.slots[slot], values) for slot, values in expected.optimizer.slots.items()]
    assert len(parts) == 2 + len(optimizer.slot_names)
    for one, other in parts:
        for name, w in other.items():
            np.testing.assert_array_equal(to_host(one[name]), to_host(w), strict=True)


def test_the_state_decides_and_the_network_is_free_to_change(path):
    net = TwoLayerNet(2, 3, 2, seed=9)
    save_model(net, path, state=STATE)
    back = load_checkpoint(path)
    for params in (back.net.params, back.state.params):
        np.testing.assert_array_equal(params["W1"], STATE.params["W1"])
    back.net.params["W1"] += 1
    np.testing.assert_array_equal(back.state.params["W1"], STATE.params["W1"])


def test_settings_come_back(path):
    settings = Settings(optimizer="momentum", learning_rate=(0.1, 0.2), keep=7)
    save_model(TwoLayerNet(2, 3, 2), path, settings=settings)
    assert load_checkpoint(path).settings == settings


def test_no_pickle_is_read(path):
    class Bomb:
        def __reduce__(self):
            return os.mkdir, (str(path.parent / "run"),)

    for content in (pickle.dumps(Bomb()), forged(OURS.encode() + b"}" + pickle.dumps(Bomb()))):
        path.write_bytes(content)
        with pytest.raises(CheckpointError):
            load_model(path)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_wrong_device_is_no_damage_of_the_file(path):
    save_model(TwoLayerNet(2, 3, 2), path)
    with pytest.raises(ValueError, match="device must be auto, cpu, gpu") as caught:
        load_model(path, device="tpu")
    assert not isinstance(caught.value, CheckpointError)


def test_the_folder_of_a_run_stands_for_its_model(path):
    net = TwoLayerNet(4, 3, 2, seed=7)
    save_model(net, path)
    assert path.name == "model.safetensors"
    np.testing.assert_array_equal(load_model(path.parent).net.params["W1"], net.params["W1"])


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
