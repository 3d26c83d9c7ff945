"""The check of backpropagation: right gradients pass, wrong ones fail, at a bound that is no tolerance."""

import math

import numpy as np
import pytest
from command_line import xpnet as run
from html_pages import Page

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.gradcheck.network import check_network
from xpnet.losses import LOSSES

PARAMETERS = ("W1", "b1", "W2", "b2")


def make_case(backend=None, *, loss="softmax_cross_entropy", activation="sigmoid", dtype="float64"):
    """Return a network and a batch of digits."""
    device = "cpu" if backend is None else backend.select()
    data = xpnet.load_digits()
    outputs = 1 if loss == "binary_cross_entropy" else 10
    net = xpnet.TwoLayerNet(
        64, 12, outputs, loss=loss, activation=activation, dtype=dtype, init="xavier", device=device
    )
    x, t = data.train.x[:50], data.train.t[:50]
    if outputs == 1:
        t %= 2
    elif not net.loss_function.classification:
        t = np.eye(10)[t]
    return net, net.device.asarray(x, dtype), net.device.asarray(t)


def sabotage(net, name, change):
    """Let the network compute a gradient whose entry of `name` largest in size is changed."""
    right = net.gradient

    def wrong(x, t, **options):
        gradients = right(x, t, **options)
        index = np.argmax(np.abs(gradients[name]))
        gradients[name].flat[index] = change(gradients[name].flat[index])
        return gradients

    net.gradient = wrong


def verdicts(report):
    return {name: array.verdict for name, array in report.arrays.items()}


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_backpropagation_passes(activation, loss, dtype):
    net, x, t = make_case(loss=loss, activation=activation, dtype=dtype)
    report = check_network(net, x, t)
    assert verdicts(report) == dict.fromkeys(PARAMETERS, "PASS")
    assert [array.judged for array in report.arrays.values()] == [math.prod(net.params[n].shape) for n in PARAMETERS]
    assert check_network(net, x, t, method="black-box", entries=3).passed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_backpropagation_passes_in_every_library(backend, dtype):
    net, x, t = make_case(backend, activation="relu", dtype=dtype)
    assert check_network(net, x, t).passed
    assert check_network(net, x, t, method="black-box", entries=2).passed


@pytest.mark.parametrize("dtype", ["float64", "float32"])
@pytest.mark.parametrize("name", PARAMETERS)
@pytest.mark.parametrize(
    "change", [lambda g: 1.001 * g, lambda g: -g, lambda g: math.nan], ids=["0.1 %", "sign", "NaN"]
)
def test_one_wrong_entry_fails(name, change, dtype):
    net, x, t = make_case(dtype=dtype)
    index = np.argmax(np.abs(xpnet.to_host(net.gradient(x, t)[name])))
    sabotage(net, name, change)
    report = check_network(net, x, t)
    assert verdicts(report) == dict.fromkeys(PARAMETERS, "PASS") | {name: "FAIL"}
    worst = report.arrays[name].worst[0]
    assert np.ravel_multi_index(worst.index, net.params[name].shape) == index
    with pytest.raises(xpnet.GradientError, match=rf"1 of \d+ entries of {name}"):
        report.raise_on_failure()


def test_options_of_the_loss_are_checked_too():
    net, x, t = make_case(loss=xpnet.SoftmaxCrossEntropy(label_smoothing=0.1))
    assert check_network(net, x, t, sample_weight=np.linspace(0, 2, 50)).passed


def test_a_relu_at_its_kink_is_not_judged():
    net, x, t = make_case(activation="relu")
    x[0] = 0  # With biases of 0, every hidden unit of this sample is at its kink.
    report = check_network(net, x, t)
    assert verdicts(report) == {"W1": "PASS", "b1": "INCONCLUSIVE", "W2": "PASS", "b2": "PASS"}
    assert (report.arrays["b1"].kinks, report.unjudged) == (12, 12)
    assert report.arrays["b1"].worst[0].reason == "a relu is at its kink"


@pytest.mark.parametrize("name", PARAMETERS)
def test_the_black_box_finds_a_wrong_gradient(name):
    net, x, t = make_case()
    assert check_network(net, x, t, method="black-box", entries=5).passed
    sabotage(net, name, lambda g: 1.01 * g)
    report = check_network(net, x, t, method="black-box")
    assert [array for array, verdict in verdicts(report).items() if verdict == "FAIL"] == [name]
    assert report.evaluations > 4 * report.judged


def test_refuses_an_unknown_method():
    with pytest.raises(ValueError, match=r"method must be one of structured, black-box; got 'blackbox': did you mean"):
        check_network(*make_case(), method="blackbox")


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_command(tmp_path, monkeypatch, dtype):
    monkeypatch.chdir(tmp_path)
    code, out, err = run("gradcheck", "--dtype", dtype, "--hidden", 6, "--device", "cpu")
    assert (code, err) == (0, "")
    assert out.count("structured") == 4
    assert out.count("black-box") == 4
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
        (["--dtype", "float16"], "--dtype must be one of float32, float64"),
        (["--data", "digit"], "did you mean 'digits'"),
    ],
)
def test_command_refuses_wrong_input(options, message):
    code, out, err = run("gradcheck", *options)
    assert (code, out) == (2, "")
    assert message in err
    assert err.count("\n") == 1


def test_saturated_units_are_no_reason_to_warn():
    net = xpnet.TwoLayerNet(2, 3, 2, init="xavier", dtype="float32")
    net.params["W1"] *= np.float32(1e4)
    x, t = np.random.default_rng(0).normal(size=(5, 2)), np.asarray([0, 1, 0, 1, 1])
    assert check_network(net, x, t).verdict != "FAIL"


def test_a_notebook_shows_a_line_for_every_parameter():
    net = xpnet.TwoLayerNet(2, 3, 2, init="xavier")
    report = check_network(net, np.eye(2), np.asarray([0, 1]))
    page = Page(report._repr_html_())
    assert page.faults == []
    rows = [[cell["text"] for cell in row["children"]] for row in page.all("tr")]
    assert [row[0] for row in rows] == ["array", "W1", "b1", "W2", "b2"]
    assert [row[1:3] for row in rows[1:]] == [[a.verdict, str(a.entries)] for a in report.arrays.values()]
