"""The structured numerical gradient: against backpropagation, brute force, and its own parts against algebra."""

import tracemalloc
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.network.differences import structured_gradient

CLASSES = {name for name, loss in LOSSES.items() if loss.classification}


def make_case(backend: Any, *, activation: str, loss: str, dtype: str = "float64", members: int | None = None) -> Any:
    """Return a small network with trained-looking weights, and a batch with zeros, on the backend."""
    rng = np.random.default_rng(3)
    net = xpnet.TwoLayerNet(
        7,
        5,
        4,
        activation=activation,
        loss=loss,
        init="normal:0.8",
        dtype=dtype,
        members=members,
        device=xpnet.Device(backend.xp, backend.device),
        seed=11,
    )
    for name, w in net.params.items():
        net.params[name] = net.device.asarray(xpnet.to_host(w) + 0.1 * rng.standard_normal(w.shape), dtype)
    host = rng.standard_normal((6, 7)) * (rng.random((6, 7)) > 0.5)
    host[:, 2] = 0
    x = backend.asarray(host, dtype)
    if loss in CLASSES:
        return net, x, backend.asarray(rng.integers(0, 4, 6), "int64")
    return net, x, backend.asarray(rng.standard_normal((6, 4)), dtype)


def assert_gradients(actual: Any, expected: Any, tolerance: float, backend: Any) -> None:
    """Compare two gradients relative to the largest entry of each parameter's."""
    assert set(actual) == set(expected) == {"W1", "b1", "W2", "b2"}
    for name in expected:
        want, got = xpnet.to_host(expected[name]), xpnet.to_host(actual[name])
        assert got.dtype == want.dtype
        np.testing.assert_allclose(got, want, rtol=0, atol=tolerance * np.abs(want).max(), err_msg=name)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-13), ("float32", 2e-6)])
def test_equals_backpropagation_to_rounding(
    backend: Any, activation: str, loss: str, dtype: str, tolerance: float
) -> None:
    net, x, t = make_case(backend, activation=activation, loss=loss, dtype=dtype)
    numerical = net.numerical_gradient(x, t)
    assert_gradients(numerical, net.gradient(x, t), tolerance, backend)


@pytest.mark.parametrize("loss", sorted(CLASSES))
@pytest.mark.parametrize(
    "options",
    [
        {"label_smoothing": 0.2},
        {"ignore_index": 1},
        {"reduction": "sum"},
        {"class_weight": [0.5, 1.0, 2.0, 0.0], "sample_weight": [1.0, 0.0, 2.0, 0.5, 1.5, 1.0], "label_smoothing": 0.1},
    ],
    ids=lambda options: "+".join(options),
)
def test_takes_every_option_of_the_losses(backend: Any, loss: str, options: dict[str, Any]) -> None:
    net, x, t = make_case(backend, activation="tanh", loss=loss)
    arrays = {key: backend.asarray(value) if isinstance(value, list) else value for key, value in options.items()}
    assert_gradients(net.numerical_gradient(x, t, **arrays), net.gradient(x, t, **arrays), 1e-13, backend)


def test_members_are_networks_side_by_side(backend: Any) -> None:
    net, x, t = make_case(backend, activation="sigmoid", loss="softmax_cross_entropy", members=3)
    assert_gradients(net.numerical_gradient(x, t), net.gradient(x, t), 1e-13, backend)
    own_x = backend.asarray(np.stack([xpnet.to_host(x) * factor for factor in (1.0, -1.0, 0.5)]))
    assert_gradients(net.numerical_gradient(own_x, t), net.gradient(own_x, t), 1e-13, backend)


def test_a_single_sample(backend: Any) -> None:
    net, x, t = make_case(backend, activation="sigmoid", loss="softmax_cross_entropy")
    assert_gradients(net.numerical_gradient(x[0, :], t[0]), net.gradient(x[0, :], t[0]), 1e-13, backend)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_black_box_agrees(backend: Any, activation: str, loss: str) -> None:
    net, x, t = make_case(backend, activation=activation, loss=loss)
    black_box = net.numerical_gradient(x, t, method="black-box")
    assert_gradients(net.numerical_gradient(x, t), black_box, 1e-8, backend)


def test_a_given_step_has_the_truncation_error_of_a_central_difference(backend: Any) -> None:
    net, x, t = make_case(backend, activation="sigmoid", loss="softmax_cross_entropy")
    exact = xpnet.to_host(net.gradient(x, t)["W1"])
    errors = [np.abs(xpnet.to_host(net.numerical_gradient(x, t, h=h)["W1"]) - exact).max() for h in (1e-1, 1e-2, 1e-3)]
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.05)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.05)


def test_small_chunks_change_nothing_but_rounding(backend: Any) -> None:
    net, x, t = make_case(backend, activation="sigmoid", loss="softmax_cross_entropy")
    assert_gradients(net.numerical_gradient(x, t, max_bytes=1), net.numerical_gradient(x, t), 1e-14, backend)


def test_inputs_that_are_all_zero(backend: Any) -> None:
    net, _, t = make_case(backend, activation="sigmoid", loss="softmax_cross_entropy")
    zeros = backend.asarray(np.zeros((6, 7)))
    assert_gradients(net.numerical_gradient(zeros, t), net.gradient(zeros, t), 1e-13, backend)


def test_the_step_shrinks_with_large_inputs(backend: Any) -> None:
    net, x, t = make_case(backend, activation="identity", loss="mean_squared_error")
    large = backend.asarray(1e6 * xpnet.to_host(x))
    assert_gradients(net.numerical_gradient(large, t), net.gradient(large, t), 1e-12, backend)


def test_kinks_are_flagged(backend: Any) -> None:
    net, x, t = make_case(backend, activation="relu", loss="softmax_cross_entropy")
    smooth = net.numerical_gradient(x, t, full_output=True)
    assert all(not xpnet.to_host(kinks).any() for kinks in smooth.kinks.values())
    # A bias that cancels what unit 3 gets from sample 0 puts that unit on the kink for that sample alone.
    b1 = xpnet.to_host(net.params["b1"]).copy()
    sums = xpnet.to_host(x) @ xpnet.to_host(net.params["W1"])
    b1[3] = -sums[0, 3]
    net.params["b1"] = net.device.asarray(b1)
    flagged = net.numerical_gradient(x, t, full_output=True).kinks
    np.testing.assert_array_equal(xpnet.to_host(flagged["b1"]), [0, 0, 0, 1, 0])
    expected = np.zeros((7, 5))
    expected[:, 3] = xpnet.to_host(x)[0] != 0
    np.testing.assert_array_equal(xpnet.to_host(flagged["W1"]), expected)
    assert not xpnet.to_host(flagged["W2"]).any()


@pytest.mark.parametrize("h", [0.0, -1e-4, float("nan"), float("inf")])
def test_refuses_a_step_that_is_none(h: float) -> None:
    net = xpnet.TwoLayerNet(4, 3, 2)
    with pytest.raises(ValueError, match="h must be a finite number > 0"):
        net.numerical_gradient(np.ones((2, 4)), np.asarray([0, 1]), h=h)


def test_refuses_a_step_that_is_no_small_change() -> None:
    net = xpnet.TwoLayerNet(4, 3, 2)
    with pytest.raises(ValueError, match="h must not move an output by more than 1"):
        net.numerical_gradient(1e4 * np.ones((2, 4)), np.asarray([0, 1]), h=0.1)


def test_refuses_an_unknown_method() -> None:
    net = xpnet.TwoLayerNet(4, 3, 2)
    with pytest.raises(ValueError, match=r"method must be one of .*did you mean 'structured'"):
        net.numerical_gradient(np.ones((2, 4)), np.asarray([0, 1]), method="structure")


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.floats(-6, 6), d=st.floats(-3, 3))
def test_difference_of_an_activation_is_that_of_its_values(name: str, z: float, d: float) -> None:
    f = ACTIVATIONS[name]
    both = f(np.asarray([z + d, z]))
    assert float(f.difference(np.asarray(z), np.asarray(d))) == pytest.approx(both[0] - both[1], rel=1e-11, abs=4e-15)


@pytest.mark.parametrize("name", ACTIVATIONS)
@given(z=st.floats(-6, 6).filter(lambda z: abs(z) > 1e-3), d=st.floats(1e-300, 1e-12))
def test_difference_of_an_activation_does_not_cancel(name: str, z: float, d: float) -> None:
    f = ACTIVATIONS[name]
    slope = float(f.derivative(f(np.asarray(z))))
    assert float(f.difference(np.asarray(z), np.asarray(d))) == pytest.approx(slope * d, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    "loss", [xpnet.mean_squared_error, xpnet.cross_entropy_error, xpnet.softmax_cross_entropy], ids=lambda f: f.name
)
def test_difference_of_a_loss(backend: Any, loss: Any, close: Any) -> None:
    rng = np.random.default_rng(0)
    y, change = rng.random((5, 3)), 0.1 * rng.random((5, 3))
    t = backend.asarray(np.eye(3)[rng.integers(0, 3, 5)])
    values = [float(loss(backend.asarray(point), t)) for point in (y + change, y)]
    large = loss.difference(backend.asarray(y), t, backend.asarray(change))
    close(large, values[0] - values[1], rtol=1e-12, dtype="float64")
    slope = float(np.sum(xpnet.to_host(loss.gradient(backend.asarray(y), t)) * change))
    tiny = loss.difference(backend.asarray(y), t, backend.asarray(1e-200 * change))
    close(tiny, 1e-200 * slope, rtol=1e-10, dtype="float64")


@pytest.mark.parametrize("name", LOSSES)
def test_lines_are_differences(backend: Any, name: str, close: Any) -> None:
    loss, rng = LOSSES[name], np.random.default_rng(1)
    y, directions = rng.standard_normal((5, 3)), rng.standard_normal((4, 3))
    s = rng.uniform(-0.3, 0.3, (5, 4))
    t = backend.asarray(rng.random((5, 3)))
    targets = loss.summands(backend.asarray(y), t)
    xp, arrays = backend.xp, [backend.asarray(a) for a in (y, directions, s)]
    line = loss.line(arrays[0], targets, arrays[1], float(0.3 * np.abs(directions).max()), xp=xp)
    along = loss.line_differences(arrays[2], line, arrays[1], xp=xp)
    for j in range(4):
        change = backend.asarray(s[:, j, None] * directions[j])
        expected = xpnet.to_host(loss.differences(arrays[0], targets, change, xp=xp))
        close(along[:, j], expected, rtol=1e-12, atol=1e-16, dtype="float64")


def mnist_batch(data_dir: Any) -> tuple[np.ndarray, np.ndarray]:
    """Return the first 100 training images and labels of MNIST."""
    from xpnet.datasets import load

    data = load("mnist", data_dir=data_dir)
    return data.x_train[:100], data.t_train[:100]


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 2e-6)])
def test_all_parameters_on_mnist(data_dir: Any, dtype: str, tolerance: float) -> None:
    x, t = mnist_batch(data_dir)
    net = xpnet.TwoLayerNet(784, 50, 10, dtype=dtype, init="xavier")
    numerical, exact = net.numerical_gradient(x, t), net.gradient(x, t)
    assert sum(g.size for g in numerical.values()) == 39_760
    for name, gradient in exact.items():
        assert np.abs(numerical[name] - gradient).max() <= tolerance * np.abs(gradient).max()


def test_a_random_sample_on_mnist_against_brute_force(data_dir: Any) -> None:
    x, t = mnist_batch(data_dir)
    net = xpnet.TwoLayerNet(784, 50, 10, dtype="float64", init="xavier")
    gradients = net.numerical_gradient(x, t)
    rng, h = np.random.default_rng(5), 6e-6
    for name, w in net.params.items():
        for index in rng.choice(w.size, size=10, replace=False):
            before = w.flat[index]
            w.flat[index] = before + h
            above = net.loss(x, t)
            w.flat[index] = before - h
            below = net.loss(x, t)
            w.flat[index] = before
            assert gradients[name].flat[index] == pytest.approx((above - below) / (2 * h), abs=1e-10)


def test_memory_stays_within_the_bound(data_dir: Any) -> None:
    x, t = mnist_batch(data_dir)
    net = xpnet.TwoLayerNet(784, 50, 10)
    targets = net.loss_function.summands(net.predict(x), t)
    bound = 2**20
    tracemalloc.start()
    structured_gradient(
        net.params,
        x,
        targets,
        activation=net.activation,
        loss=net.loss_function,
        max_bytes=bound,
        xp=xpnet.Device(np).namespace,
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Beside the differences: the inputs with a column of ones, sorted by column, their order, and the result.
    inputs = x.nbytes * 3 + x.size * 8 * 2 + 2 * 39_760 * 4 * 2
    assert peak < bound + inputs
