"""The structured numerical gradient: against backpropagation to rounding, against brute force, and at its limits."""

import time
import tracemalloc

import numpy as np
import pytest
from small_networks import BATCH, WEIGHTS, C, D, H, X, assert_within, host, make, member_of, rounding, targets

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.network.differences import structured_gradient

WEIGHTS = WEIGHTS[:BATCH]
_random = np.random.default_rng(3)
X = X[:BATCH] * (_random.random((BATCH, D)) > 0.4)
X[:, 2] = 0  # Sparse, as pixels are: samples of a zero input are left out, and a column of zeros altogether.
OPTIONS = xpnet.SoftmaxCrossEntropy(label_smoothing=0.2, class_weight=[0.5, 1.0, 2.0], ignore_index=1)


def case(backend=None, **options):
    """Return a network with biases, and a batch for it."""
    net = make(backend, **{"init": "normal:0.8", **options})
    for name in ("b1", "b2"):
        net.params[name] += net.device.asarray(np.linspace(-0.3, 0.4, net.params[name].shape[-1]), net.dtype)
    place = np.asarray if backend is None else backend.asarray
    return net, place(X.astype(net.dtype)), place(targets(net)[:BATCH])


def assert_equals_backpropagation(net, x, t, sample_weight=None):
    """Compare every entry: both are sums of the same products, and only rounding and underflow lie between them."""
    weight = None if sample_weight is None else net.device.asarray(sample_weight, net.dtype)
    result = net.numerical_gradient(x, t, sample_weight=weight, full_output=True)
    assert not any(kinks.any() for kinks in host(result.kinks).values())
    _, bounds = rounding(net.to("cpu"), *map(xpnet.to_host, (x, t)), sample_weight=sample_weight, same_outputs=True)
    bounds = {name: bound + result.underflow[name] for name, bound in bounds.items()}
    assert_within(result.gradients, net.gradient(x, t, sample_weight=weight), bounds)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("loss", [*LOSSES, OPTIONS], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_equals_backpropagation_to_rounding(activation, loss, dtype):
    assert_equals_backpropagation(*case(activation=activation, loss=loss, dtype=dtype))


@pytest.mark.parametrize(
    ("activation", "loss", "dtype"),
    [("gelu", OPTIONS, "float32"), ("relu", xpnet.MeanSquaredError("mean"), "float64")],
    ids=["gelu", "relu"],
)
def test_equals_backpropagation_on_every_library(backend, activation, loss, dtype):
    assert_equals_backpropagation(*case(backend, activation=activation, loss=loss, dtype=dtype), sample_weight=WEIGHTS)


def test_members_are_networks_side_by_side(backend):
    net, x, t = case(backend, members=2)
    for inputs, own in ((x, [X, X]), (backend.asarray(np.stack([X, -X])), [X, -X])):
        ours, exact = host(net.numerical_gradient(inputs, t)), host(net.gradient(inputs, t))
        for member, its_x in enumerate(own):
            _, bounds = rounding(member_of(net, member), its_x, xpnet.to_host(t), same_outputs=True)
            assert_within(*({name: g[member] for name, g in part.items()} for part in (ours, exact)), bounds)


def test_one_sample_and_one_that_is_all_zero():
    net, x, t = case()
    assert_equals_backpropagation(net, np.zeros_like(x), t)
    bounds = rounding(net, x[:1], t[:1], same_outputs=True)[1]
    assert_within(net.numerical_gradient(x[0], t[0]), net.gradient(x[0], t[0]), bounds)


@pytest.mark.parametrize("max_bytes", [1, 5000])
def test_small_pieces_change_nothing_but_rounding(max_bytes):
    net, x, t = case()
    bounds = rounding(net, x, t, same_outputs=True)[1]
    assert_within(net.numerical_gradient(x, t, max_bytes=max_bytes), net.numerical_gradient(x, t), bounds)


@pytest.mark.parametrize("loss", LOSSES)
def test_black_box_agrees(loss):
    net, x, t = case(activation="tanh", loss=loss)
    black_box, exact = net.numerical_gradient(x, t, method="black-box"), net.gradient(x, t)
    # A central difference of values, with a step of about eps^(1/3): its errors of truncation and of cancellation are
    # eps^(2/3) each, times third derivatives and losses, which are below 100 here.
    bound = 2 * np.finfo("float64").eps ** (2 / 3) * 100
    assert_within(black_box, exact, dict.fromkeys(exact, bound))


def test_a_given_step_has_the_truncation_error_of_a_central_difference():
    net, x, t = case()
    exact = net.gradient(x, t)["W1"]
    errors = [abs(net.numerical_gradient(x, t, h=h)["W1"] - exact).max() for h in (1e-1, 1e-2, 1e-3)]
    # It falls by the square of the step, but for the next term, which is (0.1 max|x|)^2 of the first, and so below 0.2.
    assert errors[0] / errors[1] == pytest.approx(100, rel=0.2)
    assert errors[1] / errors[2] == pytest.approx(100, rel=0.002)


# -- kinks


def test_kinks_practically_vanish_in_float32():
    """784-256-10 relu with dense inputs: no entry is left out, and none off by more than 2e-6 of the largest."""
    rng = np.random.default_rng(0)
    x, t = rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)
    net = xpnet.TwoLayerNet(784, 256, 10, activation="relu", init="he")
    start = time.process_time()
    result = net.numerical_gradient(x, t, full_output=True)
    seconds = time.process_time() - start
    for name, exact in net.gradient(x, t).items():
        assert not result.kinks[name].any()
        assert abs(result.gradients[name] - exact).max() <= 2e-6 * abs(exact).max()
    # 0.2 s on one core; a loop over all 203,530 parameters would take an hour.
    assert seconds < 10


def test_a_sample_on_its_kink_is_counted(backend):
    net, x, t = case(backend, activation="relu")
    # A bias that cancels what unit 3 gets from sample 0 puts that unit on the kink for that sample alone.
    b1, used = host(net.params)["b1"], X[0] != 0
    b1[3] = -xpnet.to_host(backend.xp.matmul(x, net.params["W1"]))[0, 3]
    net.params["b1"] = net.device.asarray(b1)
    kinks = host(net.numerical_gradient(x, t, full_output=True).kinks)
    np.testing.assert_array_equal(kinks["b1"], [0, 0, 0, 1, 0])
    expected = np.zeros((D, H))
    expected[used, 3] = 1
    np.testing.assert_array_equal(kinks["W1"], expected)
    assert not kinks["W2"].any()
    assert used.any()


def test_a_large_step_crosses_kinks():
    net, x, t = case(activation="relu")
    result = net.numerical_gradient(x, t, h=0.05, full_output=True)
    d, sums = 0.05 * abs(x), abs(x @ net.params["W1"] + net.params["b1"])
    expected = [[(sums[:, j] < d[:, i]).sum() for j in range(H)] for i in range(D)]
    np.testing.assert_array_equal(result.kinks["W1"], expected)
    assert np.sum(expected) > 0


# -- where numbers are large or small


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("size", [1e30, -1e30])
def test_huge_output_weights_are_no_trouble_where_backpropagation_is_finite(activation, size, dtype):
    net, x, t = case(activation=activation, dtype=dtype)
    net.params["W2"] *= size
    exact = net.gradient(x, t)
    assert all(np.isfinite(gradient).all() for gradient in exact.values())
    result = net.numerical_gradient(x, t, full_output=True)
    for name, gradient in exact.items():
        # As above, but that outputs of 1e30 have roundings of 1e23, and softmax is 0 or 1 with no regard to them.
        operations = 2 * (D + H + C + BATCH + 16)
        bound = operations * np.finfo(dtype).eps * abs(gradient).max() + result.underflow[name]
        assert (abs(result.gradients[name] - gradient) <= bound).all()


def test_the_largest_weights_have_a_scale_too():
    net, x, t = case(activation="relu")
    net.params["W2"] = np.where(np.arange(H * C).reshape(H, C) % 2, 1.0, -1.0) * np.finfo("float64").max / 1e3
    assert all(np.isfinite(gradient).all() for gradient in net.numerical_gradient(x / 1e3, t).values())


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_large_inputs_are_no_trouble(dtype):
    net, x, t = case(activation="identity", loss="mean_squared_error", dtype=dtype)
    assert_equals_backpropagation(net, x * np.asarray(1e6, dtype), t)


def test_what_underflow_hides_is_within_what_it_says():
    """A sure prediction has gradients too small for a difference: they come out as 0, and the result says so."""
    net, x, t = case(dtype="float32", loss=xpnet.SoftmaxCrossEntropy())
    t = np.zeros_like(t)
    net.params["b2"] += np.asarray([60, 0, 0], np.float32)
    exact, result = net.gradient(x, t), net.numerical_gradient(x, t, full_output=True)
    for name, gradient in exact.items():
        assert 0 < abs(gradient).max() < result.underflow[name] < 1e-20
        assert (abs(result.gradients[name] - gradient) <= result.underflow[name]).all()


# -- at work


def test_follows_backpropagation_in_training(backend):
    arguments = {"epochs": 2, "batch_size": BATCH, "seed": 1}
    runs = []
    for gradient in ("backpropagation", "numerical"):
        net, x, t = case(backend, dtype="float64")
        xpnet.fit(net, x, t, gradient=gradient, **arguments)
        runs.append(host(net.params))
    start = case()[0]
    _, bounds = rounding(start, X, targets(start)[:BATCH])
    # Two steps of rate 0.1, and the second grows what the first left by less than 2.
    assert_within(*runs, {name: 0.1 * 3 * bound + 1e-16 for name, bound in bounds.items()})


def test_memory_stays_within_the_bound():
    rng, bound = np.random.default_rng(0), 2**20
    x, t = rng.random((100, 784), dtype=np.float32), rng.integers(0, 10, 100)
    net = xpnet.TwoLayerNet(784, 50, 10)
    batch, ready, xp = net.read_batch(x, t, None)
    tracemalloc.start()
    structured_gradient(
        net.params, batch, ready, activation=net.activation, loss=net.loss_function, max_bytes=bound, xp=xp
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # Beside the differences: the inputs with a column of ones, sorted by column, their order, and the result.
    assert peak < bound + x.nbytes * 3 + x.size * 8 * 2 + 2 * 39_760 * 4 * 2


@pytest.mark.parametrize("h", [0.0, -1e-4, float("nan"), float("inf")])
def test_refuses_a_step_that_is_none(h):
    net, x, t = case()
    with pytest.raises(ValueError, match="h must be a finite number > 0"):
        net.numerical_gradient(x, t, h=h)


def test_refuses_a_step_that_is_no_small_change():
    net, x, t = case()
    with pytest.raises(ValueError, match="h must not move an output by more than 1"):
        net.numerical_gradient(x, t, h=10.0)
