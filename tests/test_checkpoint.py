"""Models in files: what goes in comes out, on any library; what is damaged is named."""

import json

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import xpnet
from xpnet.checkpoint import CheckpointError, Origin, load_with_origin
from xpnet.datasets import Scaling


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_network_comes_back_as_it_was(backend, tmp_path, dtype, members):
    device = xpnet.Device(backend.xp, backend.device)
    net = xpnet.TwoLayerNet(
        5, 4, 3, activation="tanh", loss="mean_squared_error", dtype=dtype, members=members, device=device, seed=9
    )
    xpnet.save(net, tmp_path / "model.safetensors")
    for target in ("cpu", device):
        again = xpnet.load(tmp_path / "model.safetensors", device=target)
        assert (again.activation, again.loss_function, again.dtype) == (net.activation, net.loss_function, dtype)
        assert (again.members, again.output_size) == (members, 3)
        for name, w in net.params.items():
            np.testing.assert_array_equal(xpnet.to_host(again.params[name]), xpnet.to_host(w), strict=True)


@pytest.mark.parametrize("scaling", [Scaling(0.0, 1 / 16), Scaling(np.asarray([1.0, 2e9]), np.asarray([0.5, 1e-9]))])
def test_what_it_was_trained_on_comes_back_exactly(tmp_path, scaling):
    net = xpnet.TwoLayerNet(2, 3, 2)
    origin = Origin("flowers.csv", "species", 7, scaling, ("daisy", "rose"))
    xpnet.save(net, tmp_path / "model.safetensors", origin=origin)
    _, again = load_with_origin(tmp_path / "model.safetensors")
    assert (again.data, again.class_names) == ("flowers.csv", ("daisy", "rose"))
    np.testing.assert_array_equal(again.scaling.offset, scaling.offset)
    np.testing.assert_array_equal(again.scaling.factor, scaling.factor)


def test_a_model_without_origin_has_none(tmp_path):
    xpnet.save(xpnet.TwoLayerNet(2, 3, 2), tmp_path / "model.safetensors")
    assert load_with_origin(tmp_path / "model.safetensors")[1] is None


def test_saving_replaces_whole_files_and_leaves_no_others(tmp_path):
    path = tmp_path / "model.safetensors"
    xpnet.save(xpnet.TwoLayerNet(2, 3, 2, seed=1), path)
    xpnet.save(xpnet.TwoLayerNet(2, 3, 2, seed=2), path)
    expected = xpnet.TwoLayerNet(2, 3, 2, seed=2).params["W1"]
    np.testing.assert_array_equal(xpnet.load(path).params["W1"], expected)
    assert [file.name for file in tmp_path.iterdir()] == ["model.safetensors"]


def test_every_truncation_is_named(tmp_path):
    path = tmp_path / "model.safetensors"
    xpnet.save(xpnet.TwoLayerNet(2, 3, 2), path)
    whole = path.read_bytes()
    for size in range(0, len(whole), 7):
        path.write_bytes(whole[:size])
        with pytest.raises(CheckpointError, match=r"model\.safetensors"):
            xpnet.load(path)


@pytest.mark.parametrize("name", ["W1", "b2"])
@pytest.mark.parametrize("damage", ["missing", "NaN", "shape"])
def test_damaged_parameters_are_named(tmp_path, name, damage):
    path = tmp_path / "model.safetensors"
    xpnet.save(xpnet.TwoLayerNet(2, 3, 2), path)
    size = int.from_bytes(path.read_bytes()[:8], "little")
    metadata = json.loads(path.read_bytes()[8 : 8 + size])["__metadata__"]
    arrays = load_file(path)
    if damage == "missing":
        del arrays[name]
    elif damage == "NaN":
        arrays[name].flat[0] = np.nan
    else:
        arrays[name] = arrays[name][..., :1]
    save_file(arrays, path, metadata)
    with pytest.raises(CheckpointError, match=r"model\.safetensors"):
        xpnet.load(path)
