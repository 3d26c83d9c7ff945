"""The two passes: against the formula in NumPy, against automatic differentiation, and on every array library."""

import numpy as np
import oracles
import pytest
from small_networks import BATCH, NUMBERS, WEIGHTS, H, X, assert_within, host, make, rounding, targets

import xpnet
from xpnet.activations import ACTIVATIONS
from xpnet.network import forward

X, WEIGHTS = X[:BATCH], WEIGHTS[:BATCH]
OPTIONS = {"class_weight": [0.5, 1.0, 2.0], "label_smoothing": 0.1, "ignore_index": 1}
LOSSES = {
    "softmax": (xpnet.SoftmaxCrossEntropy(), {}),
    "softmax with options": (xpnet.SoftmaxCrossEntropy(**OPTIONS), {**OPTIONS, "sample_weight": WEIGHTS}),
    "chapter's": (xpnet.SoftmaxCrossEntropyError(), {}),
    "huber": (xpnet.HuberLoss(0.5), {"delta": 0.5, "sample_weight": WEIGHTS}),
    "poisson": (xpnet.PoissonLoss(), {"sample_weight": WEIGHTS}),
    "labels": (xpnet.MultiLabelCrossEntropy(), {"sample_weight": WEIGHTS}),
    "squared": (xpnet.MeanSquaredError(), {}),
    "squared, weighted": (xpnet.MeanSquaredError("mean"), {"scale": "mean", "sample_weight": WEIGHTS}),
}


def expected_of(library, net, options):
    """Return the loss and the gradients of a network, from the oracle's automatic differentiation."""
    oracle = oracles.oracle(library)
    softmax = {"torch": lambda y: oracle.torch.softmax(y, -1), "jax": lambda y: oracle.jax.nn.softmax(y)}[library]
    name, t = net.loss_function.name, targets(net)[:BATCH]

    def function(W1, b1, W2, b2):
        hidden = oracle.activations[net.activation.name](oracle.asarray(X) @ W1 + b1)
        y = hidden @ W2 + b2
        if name == "softmax_cross_entropy_error":
            return oracle.loss("cross_entropy_error", softmax(y), t, **options)
        return oracle.loss(name, y, t, **options)

    return oracle.value_and_gradients(function, net.params)


@pytest.mark.parametrize("library", oracles.NAMES)
@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
@pytest.mark.parametrize("case", LOSSES)
def test_gradient_equals_automatic_differentiation(library, activation, case):
    loss, options = LOSSES[case]
    net = make(loss=loss, activation=activation)
    value, expected = expected_of(library, net, options)
    x, t, weight = X, targets(net)[:BATCH], options.get("sample_weight")
    bound, bounds = rounding(net, x, t, sample_weight=weight)
    assert float(net.loss(x, t, sample_weight=weight)) == pytest.approx(float(value), rel=0, abs=bound)
    loss, gradients = net.loss_and_gradient(x, t, sample_weight=weight)
    assert float(loss) == pytest.approx(float(value), rel=0, abs=bound)
    assert_within(gradients, expected, bounds)


@pytest.mark.parametrize(("case", "activation"), [("softmax with options", "sigmoid"), ("squared, weighted", "relu")])
def test_every_library_gives_the_same(backend, case, activation):
    loss, options = LOSSES[case]
    net, expected = make(backend, loss=loss, activation=activation), make(loss=loss, activation=activation)
    x, t, weight = X, targets(net)[:BATCH], options["sample_weight"]
    bound, bounds = rounding(expected, x, t, sample_weight=weight)
    arrays = [backend.asarray(array) for array in (x, t)]
    value, gradients = net.loss_and_gradient(*arrays, sample_weight=backend.asarray(weight))
    assert float(value) == pytest.approx(float(expected.loss(x, t, sample_weight=weight)), rel=0, abs=bound)
    assert_within(gradients, expected.gradient(x, t, sample_weight=weight), bounds)
    assert_within(
        net.gradient(*arrays, sample_weight=backend.asarray(weight)), host(gradients), dict.fromkeys(bounds, 0)
    )


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_is_two_affine_layers(activation):
    net, f = make(activation=activation), ACTIVATIONS[activation]
    W1, b1, W2, b2 = net.params.values()
    b1 += np.arange(H)  # At first all biases are 0, which would not tell b1 from nothing.
    b2 -= 1
    hidden, values, outputs = forward(net.params, X, activation=f, xp=net.device.namespace)
    unit = 4 * np.finfo("float64").eps * len(W1)
    np.testing.assert_allclose(hidden, X @ W1 + b1, rtol=0, atol=unit * (abs(X) @ abs(W1) + abs(b1)).max())
    np.testing.assert_array_equal(values, f(hidden))
    np.testing.assert_allclose(outputs, values @ W2 + b2, rtol=0, atol=unit * (abs(values) @ abs(W2) + abs(b2)).max())


def test_each_batch_of_a_member_has_weights_of_its_own(backend):
    net, weights = make(backend, members=2), np.stack([WEIGHTS, WEIGHTS[::-1]])
    t = targets(net)[:BATCH]
    gradients = host(net.gradient(*map(backend.asarray, (X, t)), sample_weight=backend.asarray(weights)))
    for member, weight in enumerate(weights):
        single = make(seed=0)
        single.params = {name: w[member].copy() for name, w in host(net.params).items()}
        own = {name: g[member] for name, g in gradients.items()}
        _, bounds = rounding(single, X, t, sample_weight=weight)
        assert_within(own, single.gradient(X, t, sample_weight=weight), bounds)


def test_is_zero_where_everything_is_ignored():
    net = make()
    loss, gradients = net.loss_and_gradient(X, np.full(BATCH, -100))
    assert loss == 0
    assert not any(gradient.any() for gradient in gradients.values())


def test_numbers_of_one_output_have_no_class_axis_to_lose():
    net = xpnet.TwoLayerNet(6, 5, 1, loss="mean_squared_error", dtype="float64")
    assert net.gradient(X, NUMBERS[:BATCH, :1])["W2"].shape == (5, 1)
