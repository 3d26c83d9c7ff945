"""The two-layer network: initial parameters, prediction, backpropagation against PyTorch and JAX, members, errors."""

from functools import cache

import numpy as np
import oracles
import pytest

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.losses import LOSSES
from xpnet.network.initializers import weight_scale

D, H, C, N = 5, 4, 3, 7
_random = np.random.Generator(np.random.PCG64(11))
X = _random.normal(size=(N, D))
LABELS = np.asarray([0, 2, 1, 1, 0, 2, 1])
NUMBERS = _random.normal(size=(N, C))
SAMPLE_WEIGHT = np.linspace(0, 2, N)
CLASS_WEIGHT = np.asarray([0.5, 1.0, 2.0])

WEIGHTS = {"sample_weight": SAMPLE_WEIGHT}
ALL_OPTIONS = {**WEIGHTS, "class_weight": CLASS_WEIGHT, "label_smoothing": 0.1, "ignore_index": 1}
CASES = [
    (name, options)
    for name in LOSSES
    for options in ({}, {"reduction": "sum"}, {"scale": "mean", **WEIGHTS} if "squared" in name else ALL_OPTIONS)
]

every_activation = pytest.mark.parametrize("activation", list(ACTIVATIONS))
every_loss = pytest.mark.parametrize("loss", list(LOSSES))


def make(backend, *, loss="softmax_cross_entropy", dtype="float64", init="xavier", **options):
    return xpnet.TwoLayerNet(D, H, C, loss=loss, dtype=dtype, init=init, device=backend.select(), **options)


def targets(loss):
    return NUMBERS if loss == "mean_squared_error" else LABELS


def host(params):
    return {name: xpnet.to_host(array).copy() for name, array in params.items()}


def member_of(net, backend, member):
    """Return a network of one member's parameters."""
    single = make(backend, loss=net.loss_function.name, activation=net.activation.name)
    single.params = {name: array[member, ...] for name, array in net.params.items()}
    return single


# -- parameters


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_has_the_parameters_of_the_chapter(backend, close, dtype):
    net = make(backend, dtype=dtype, init="normal:0.01")
    assert list(net.params) == ["W1", "b1", "W2", "b2"]
    for name, shape in (("W1", (D, H)), ("b1", (H,)), ("W2", (H, C)), ("b2", (C,))):
        expected = xpnet.TwoLayerNet(D, H, C, dtype=dtype).params[name]  # the default, on NumPy
        close(net.params[name], expected, dtype=dtype, rtol=0)
        assert net.params[name].shape == shape
    close(net.params["b1"], np.zeros(H))


@pytest.mark.parametrize(
    ("init", "scales"),
    [
        ("normal", (0.01, 0.01)),
        ("normal:0.5", (0.5, 0.5)),
        ("xavier", (np.sqrt(2 / 350), np.sqrt(2 / 260))),
        ("he", (np.sqrt(2 / 150), np.sqrt(2 / 200))),
    ],
)
def test_initial_weights_are_normal_with_the_scale_of_their_layer(init, scales):
    params = xpnet.TwoLayerNet(150, 200, 60, init=init, dtype="float64", seed=5).params
    for weights, scale in zip((params["W1"], params["W2"]), scales, strict=True):
        assert weights.std() == pytest.approx(scale, rel=0.03)
        assert abs(weights.mean()) < 4 * scale / np.sqrt(weights.size)
        assert (abs(weights) < scale).mean() == pytest.approx(0.6827, abs=0.02)


def test_seed_decides_the_initial_parameters():
    first, again, other = (host(xpnet.TwoLayerNet(D, H, C, seed=seed).params) for seed in (1, 1, 2))
    np.testing.assert_equal(first, again)
    assert not (first["W1"] == other["W1"]).any()


def test_member_0_starts_as_the_network_without_members():
    single, many = (xpnet.TwoLayerNet(D, H, C, seed=3, members=members).params for members in (None, 4))
    for name, array in many.items():
        assert array.shape == (4, *single[name].shape)
        np.testing.assert_array_equal(array[0], single[name])
    assert len(np.unique(many["W1"])) == many["W1"].size


@pytest.mark.parametrize(
    ("init", "match"),
    [
        ("hee", r"init must be one of normal, xavier, he; got 'hee': did you mean 'he'\?"),
        ("he:2", r"init: 'he' takes no number, got 'he:2'"),
        ("normal:x", r"init: 'normal:S' needs a number S.*got 'x'"),
        ("normal:0", r"init: the standard deviation must be a finite number > 0, got 0.0"),
        ("normal:nan", r"init: the standard deviation must be a finite number > 0, got nan"),
    ],
)
def test_refuses_an_initializer_that_is_none(init, match):
    with pytest.raises(ValueError, match=match):
        weight_scale(init, 2, 3)


# -- prediction


@every_activation
def test_predicts_two_affine_layers(backend, close, activation):
    net = make(backend, activation=activation)
    p = host(net.params)
    expected = ACTIVATIONS[activation](X @ p["W1"] + p["b1"]) @ p["W2"] + p["b2"]
    close(net.predict(backend.asarray(X)), expected, dtype="float64", rtol=1e-11, atol=1e-14)
    close(net.predict(backend.asarray(X[0])), expected[0], dtype="float64", rtol=1e-11, atol=1e-14)
    probabilities = xpnet.softmax(expected)
    close(net.predict_proba(backend.asarray(X)), probabilities, dtype="float64", rtol=1e-11)
    accuracy = float((expected.argmax(axis=1) == LABELS).mean())
    close(net.accuracy(backend.asarray(X), backend.asarray(LABELS)), accuracy, dtype="float64")


def test_inputs_are_converted_to_the_dtype_of_the_network(backend, close):
    integers = np.arange(N * D).reshape(N, D) % 3
    for dtype in ("float32", "float64"):
        net = make(backend, dtype=dtype)
        expected = xpnet.TwoLayerNet(D, H, C, init="xavier", dtype="float64").predict(integers)
        close(net.predict(backend.asarray(integers)), expected, dtype=dtype, rtol=1e-4, atol=1e-5)
        assert net.loss(backend.asarray(X), backend.asarray(LABELS)).dtype == getattr(backend.xp, dtype)
        gradients = net.gradient(backend.asarray(X), backend.asarray(LABELS))
        for name, gradient in gradients.items():
            close(gradient, host(gradients)[name], dtype=dtype)
            assert gradient.shape == net.params[name].shape


# -- backpropagation


@cache
def expected_of(library, activation, case):
    """Return the loss and the gradients of the network, from the oracle's automatic differentiation."""
    oracle = oracles.oracle(library)
    loss, options = CASES[case]
    # The network's loss of this name takes logits.
    name = "cross_entropy_error of softmax" if loss == "cross_entropy_error" else loss

    def function(W1, b1, W2, b2):
        hidden = oracle.activations[activation](oracle.asarray(X) @ W1 + b1)
        return oracle.loss(name, hidden @ W2 + b2, targets(loss), **options)

    return oracle.value_and_gradients(function, xpnet.TwoLayerNet(D, H, C, init="xavier", dtype="float64").params)


@pytest.mark.parametrize("library", oracles.NAMES)
@every_activation
@pytest.mark.parametrize("case", range(len(CASES)), ids=[f"{loss}-{'-'.join(options)}" for loss, options in CASES])
def test_gradient_equals_automatic_differentiation(backend, close, library, activation, case):
    loss, options = CASES[case]
    net = make(backend, loss=loss, activation=activation)
    value, expected = expected_of(library, activation, case)
    x, t = backend.asarray(X), backend.asarray(targets(loss))
    options = {k: backend.asarray(v) if isinstance(v, np.ndarray) else v for k, v in options.items()}
    close(net.loss(x, t, **options), value, dtype="float64", rtol=1e-10)
    gradients = net.gradient(x, t, **options)
    assert list(gradients) == list(net.params)
    for name, gradient in gradients.items():
        close(gradient, expected[name], dtype="float64", rtol=1e-10, atol=1e-14)


@every_loss
def test_gradient_of_one_sample_is_that_of_a_batch_of_one(backend, close, loss):
    net, x, t = make(backend, loss=loss), X[:1], targets(loss)[:1]
    expected = host(net.gradient(backend.asarray(x), backend.asarray(t)))
    for name, gradient in net.gradient(backend.asarray(x[0]), backend.asarray(t[0])).items():
        close(gradient, expected[name], dtype="float64")


def test_gradient_is_zero_where_everything_is_ignored(backend, close):
    net = make(backend)
    x, t = backend.asarray(X), backend.asarray(np.full(N, -100))
    close(net.loss(x, t), 0.0, dtype="float64")
    for name, gradient in net.gradient(x, t).items():
        close(gradient, np.zeros(net.params[name].shape), dtype="float64")


def test_nothing_given_is_changed(backend):
    net, x, t = make(backend), backend.asarray(X), backend.asarray(LABELS)
    before = host(net.params)
    net.gradient(x, t)
    net.loss(x, t)
    np.testing.assert_equal(host(net.params), before)
    np.testing.assert_array_equal(xpnet.to_host(x), X)
    np.testing.assert_array_equal(xpnet.to_host(t), LABELS)


# -- members


@every_activation
@every_loss
@pytest.mark.parametrize("own_batches", [False, True], ids=["one batch for all", "a batch for each"])
def test_each_member_is_a_network_of_its_own(backend, close, activation, loss, own_batches):
    net = make(backend, loss=loss, activation=activation, members=3)
    t = targets(loss)
    batches = [(np.roll(X, m, axis=0), np.roll(t, m * m, axis=0)) if own_batches else (X, t) for m in range(3)]
    x, t = (np.stack(arrays) for arrays in zip(*batches, strict=True)) if own_batches else batches[0]
    x, t = backend.asarray(x), backend.asarray(t)
    outputs, losses, gradients = net.predict(x), net.loss(x, t), net.gradient(x, t)
    assert losses.shape == (3,)
    for m, (own_x, own_t) in enumerate(batches):
        single, own_x, own_t = member_of(net, backend, m), backend.asarray(own_x), backend.asarray(own_t)
        close(outputs[m, ...], xpnet.to_host(single.predict(own_x)), rtol=1e-11, atol=1e-14)
        close(losses[m], xpnet.to_host(single.loss(own_x, own_t)))
        for name, expected in host(single.gradient(own_x, own_t)).items():
            close(gradients[name][m, ...], expected, rtol=1e-11, atol=1e-15)
        if single.loss_function.classification:
            close(net.accuracy(x, t)[m], xpnet.to_host(single.accuracy(own_x, own_t)))


# -- what it refuses


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"input_size": 0}, ValueError, r"input_size must be an integer >= 1, got 0"),
        ({"hidden_size": -3}, ValueError, r"hidden_size must be an integer >= 1, got -3"),
        ({"output_size": 2.0}, TypeError, r"output_size must be an integer, got 2.0 of type float"),
        ({"members": 0}, ValueError, r"members must be an integer >= 1, got 0"),
        ({"activation": "sigmoide"}, ValueError, r"activation must be one of .* did you mean 'sigmoid'\?"),
        ({"loss": "hinge"}, ValueError, r"loss must be one of softmax_cross_entropy, .*; got 'hinge'"),
        ({"dtype": "float16"}, ValueError, r"dtype must be one of float32, float64; got 'float16'"),
        ({"init": "uniform"}, ValueError, r"init must be one of normal, xavier, he; got 'uniform'"),
        ({"seed": -1}, ValueError, r"seed must be an integer >= 0, got -1"),
        ({"seed": None}, TypeError, r"seed must be an integer, got None"),
        ({"device": "tpu"}, ValueError, r"device must be auto, cpu, gpu or gpu:N .* got 'tpu'"),
        ({"device": 3}, TypeError, r"device must be a name such as 'cpu' or a Device, got 3"),
    ],
)
def test_refuses_arguments_that_make_no_network(options, error, match):
    with pytest.raises(error, match=match):
        xpnet.TwoLayerNet(**{"input_size": 2, "hidden_size": 2, "output_size": 2, **options})


def test_sizes_may_be_numpy_integers():
    assert xpnet.TwoLayerNet(X.shape[1], 3, LABELS.max() + 1).predict(X).shape == (N, C)


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("shape", [(), (4,), (7, 4), (0, 5), (2, 2, 7, 5)])
def test_refuses_inputs_of_another_shape(backend, members, shape):
    net = make(backend, members=members)
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 5\), or one axis .* got \("):
        net.predict(backend.asarray(np.zeros(shape)))


def test_refuses_inputs_of_another_kind(backend):
    net = make(backend)
    with pytest.raises(TypeError, match=r"x must be an array .* got list"):
        net.predict(X.tolist())
    with pytest.raises(TypeError, match=r"x must be real, got dtype .*complex128"):
        net.predict(backend.asarray(X * 1j))
    if "numpy" not in backend.name:
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*x is of numpy, params is of"):
            net.predict(X)


def test_a_network_of_numbers_knows_no_classes(backend):
    net, x = make(backend, loss="mean_squared_error"), backend.asarray(X)
    with pytest.raises(ValueError, match=r"predict_proba is for classes, .* loss='mean_squared_error': use predict"):
        net.predict_proba(x)
    with pytest.raises(ValueError, match=r"accuracy is for classes"):
        net.accuracy(x, backend.asarray(LABELS))


def test_tells_what_it_is():
    net = xpnet.TwoLayerNet(D, H, C, activation="relu", members=2)
    assert repr(net) == (
        "TwoLayerNet(5, 4, 3, activation='relu', loss='softmax_cross_entropy', "
        "device='cpu', dtype='float32', members=2)"
    )
