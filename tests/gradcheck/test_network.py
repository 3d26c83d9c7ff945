"""The check of backpropagation: right gradients pass, wrong ones fail, at a bound that is no tolerance."""

import math

import numpy as np
import pytest
from command_line import xpnet as run

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.gradcheck.network import check_network, check_network_black_box
from xpnet.losses import LOSSES

PARAMETERS = ("W1", "b1", "W2", "b2")


def make_case(backend=None, *, loss="softmax_cross_entropy", activation="sigmoid", dtype="float64"):
    """Return a network and a batch of digits."""
    device = "cpu" if backend is None else xpnet.Device(backend.xp, backend.device)
    data = xpnet.load_digits()
    net = xpnet.TwoLayerNet(64, 12, 10, loss=loss, activation=activation, dtype=dtype, init="xavier", device=device)
    t = data.t_train[:50]
    if not LOSSES[loss].classification:
        t = np.eye(10)[t]
    return net, net.device.asarray(data.x_train[:50], dtype), net.device.asarray(t)


def sabotage(net, name, change):
    """Let the network compute a gradient whose entry of `name` largest in size is changed."""
    right = net.gradient

    def wrong(x, t, **options):
        gradients = right(x, t, **options)
        index = np.argmax(np.abs(gradients[name]))
        gradients[name].flat[index] = change(gradients[name].flat[index])
        return gradients

    net.gradient = wrong


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagation_passes(backend, activation, loss, dtype):
    net, x, t = make_case(backend, loss=loss, activation=activation, dtype=dtype)
    checks = check_network(net, x, t)
    assert [(check.name, check.verdict) for check in checks] == [(name, "PASS") for name in PARAMETERS]
    assert [check.entries + check.kinks for check in checks] == [math.prod(net.params[n].shape) for n in PARAMETERS]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    "change", [lambda g: 1.001 * g, lambda g: -g, lambda g: math.nan], ids=["0.1 %", "sign", "NaN"]
)
def test_one_wrong_entry_fails(name, change, dtype):
    net, x, t = make_case(dtype=dtype)
    sabotage(net, name, change)
    assert {check.name: check.verdict for check in check_network(net, x, t) if check.verdict != "PASS"} == {
        name: "FAIL"
    }


def test_options_of_the_loss_are_checked_too():
    net, x, t = make_case()
    weight = np.linspace(0, 2, 50)
    checks = check_network(net, x, t, sample_weight=weight, label_smoothing=0.1)
    assert {check.verdict for check in checks} == {"PASS"}


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_black_box_finds_a_wrong_gradient(name):
    net, x, t = make_case()
    assert [r.verdict for r in check_network_black_box(net, x, t, entries=5)] == ["PASS"] * 4
    sabotage(net, name, lambda g: 1.01 * g)
    reports = check_network_black_box(net, x, t, entries=None)
    assert [r.name for r in reports if r.verdict == "FAIL"] == [name]


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_command(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("gradcheck", "--dtype", dtype, "--hidden", 6, "--device", "cpu")
    assert (code, err) == (0, "")
    assert out.count("structured") == 4
    assert out.count("black box") == 4
    assert "network   64-6-10, sigmoid" in out
    assert not list(tmp_path.iterdir())


def test_command_exits_with_1_where_an_entry_is_wrong(monkeypatch):
    right = xpnet.TwoLayerNet.gradient

    def wrong(self, x, t, **options):
        return {name: 1.01 * g for name, g in right(self, x, t, **options).items()}

    monkeypatch.setattr(xpnet.TwoLayerNet, "gradient", wrong)
    code, out, _ = run("gradcheck", "--hidden", 6, "--device", "cpu")
    assert code == 1
    assert "verdict   FAIL" in out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--hidden", 0], "--hidden must be an integer >= 1, got 0"),
        (["--activation", "sigmoit"], "did you mean 'sigmoid'"),
        (["--dtype", "float16"], "dtype must be one of float32, float64"),
        (["--data", "digit"], "did you mean 'digits'"),
    ],
)
def test_command_refuses_wrong_input(options, message):
    code, out, err = run("gradcheck", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1
