"""The two-layer network: what it is made of, predictions, losses, members, memory, and errors."""

import tracemalloc

import numpy as np
import pytest
from small_networks import BATCH, LABELS, WEIGHTS, C, D, H, X, assert_within, host, make, member_of, rounding, targets

import xpnet

X, LABELS, WEIGHTS = X[:BATCH], LABELS[:BATCH], WEIGHTS[:BATCH]


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_has_the_parameters_of_the_chapter_on_every_device(backend, close, dtype):
    net, expected = make(backend, dtype=dtype, init="normal:0.01"), xpnet.TwoLayerNet(D, H, C, dtype=dtype)
    assert {name: tuple(w.shape) for name, w in net.params.items()} == {
        "W1": (D, H),
        "b1": (H,),
        "W2": (H, C),
        "b2": (C,),
    }
    for name, w in net.params.items():
        close(w, expected.params[name], dtype=dtype, rtol=0)


def test_names_and_objects_make_the_same_network():
    by_name = make(activation="relu", loss="softmax_cross_entropy_error")
    objects = make(activation=xpnet.relu, loss=xpnet.SoftmaxCrossEntropyError())
    assert repr(by_name) == repr(objects)
    np.testing.assert_equal(host(by_name.params), host(objects.params))


# -- predictions


def test_outputs_labels_and_probabilities(backend, close):
    net = make(backend)
    W1, b1, W2, b2 = make().params.values()
    expected = xpnet.sigmoid(X @ W1 + b1) @ W2 + b2
    # Sums of D and H products and a sigmoid (4 roundings), of terms whose absolute values sum to at most `size`.
    size = 1 + (abs(X) @ abs(W1)).max() * abs(W2).sum(axis=0).max()
    exact = {"rtol": 0, "atol": 2 * (D + H + 4) * np.finfo("float64").eps * size, "dtype": "float64"}
    x = backend.asarray(X)
    close(net(x), expected, **exact)
    close(net.outputs(x), expected, **exact)
    close(net.predict_proba(x), xpnet.softmax(expected), **exact)
    close(net.predict(x), expected.argmax(axis=1), dtype="int64")
    close(net.accuracy(x, backend.asarray(LABELS)), (expected.argmax(axis=1) == LABELS).mean(), rtol=0)
    for method, axes in ((net, 1), (net.predict_proba, 1), (net.predict, 0)):
        single = xpnet.to_host(method(x[0, :]))
        assert single.ndim == axes
        np.testing.assert_allclose(single, xpnet.to_host(method(x))[0], rtol=0, atol=exact["atol"])


def test_predicts_numbers(backend, close):
    net, x = make(backend, loss="mean_squared_error"), backend.asarray(X)
    close(net.predict(x), xpnet.to_host(net(x)), dtype="float64", rtol=0)


def test_inputs_are_converted_to_the_dtype_of_the_network(backend, close):
    x = np.arange(BATCH * D).reshape(BATCH, D) % 3
    for dtype in ("float32", "float64"):
        net = make(backend, dtype=dtype)
        close(net(backend.asarray(x)), xpnet.to_host(net(backend.asarray(x, dtype))), dtype=dtype, rtol=0)
        loss, gradients = net.loss_and_gradient(backend.asarray(x), backend.asarray(LABELS))
        assert loss.dtype == getattr(backend.xp, dtype)
        for name, gradient in gradients.items():
            assert gradient.dtype == net.params[name].dtype
            assert gradient.shape == net.params[name].shape


def test_nothing_given_is_changed(backend):
    net, x, t = make(backend, activation="identity"), backend.asarray(X), backend.asarray(LABELS)
    before = host(net.params)
    net.loss_and_gradient(x, t)
    net.predict_proba(x)
    net.numerical_gradient(x, t)
    np.testing.assert_equal(host(net.params), before)
    np.testing.assert_array_equal(xpnet.to_host(x), X)
    np.testing.assert_array_equal(xpnet.to_host(t), LABELS)


@pytest.mark.parametrize("loss", xpnet.losses.LOSSES)
def test_one_sample_is_a_batch_of_one(backend, loss):
    net = make(backend, loss=loss)
    x, t = backend.asarray(X[:1]), backend.asarray(targets(net)[:1])
    value, gradients = net.loss_and_gradient(x[0, :], t[0, ...])
    expected, batch = net.loss_and_gradient(x, t)
    assert value.shape == ()
    assert float(value) == float(expected) == float(net.loss(x, t))
    assert_within(gradients, batch, dict.fromkeys(batch, 0))


# -- in pieces


def test_pieces_change_nothing_but_rounding(backend, monkeypatch):
    net, x, t, weight = make(backend), *map(backend.asarray, (X, LABELS, WEIGHTS))
    whole, (loss, gradients) = net(x), net.loss_and_gradient(x, t, sample_weight=weight)
    monkeypatch.setattr("xpnet.network.base._PIECE_ROWS", 8)
    bound, bounds = rounding(make(), X, LABELS, sample_weight=WEIGHTS)
    np.testing.assert_allclose(xpnet.to_host(net(x)), xpnet.to_host(whole), rtol=0, atol=bound)
    np.testing.assert_array_equal(xpnet.to_host(net.predict(x)), xpnet.to_host(whole).argmax(axis=1))
    in_pieces, their_gradients = net.loss_and_gradient(x, t, sample_weight=weight)
    assert float(in_pieces) == pytest.approx(float(loss), rel=0, abs=bound)
    assert_within(their_gradients, gradients, bounds)


def test_memory_of_many_samples_and_wide_layers_is_bounded():
    """60,000 samples with 20,000 hidden units (4.5 GiB) take as much as these, but for inputs and outputs."""
    net, rows = xpnet.TwoLayerNet(2, 20_000, 2), 3000
    x, t = np.zeros((rows, 2), np.float32), np.zeros(rows, int)
    hidden, params = rows * 20_000 * 4, sum(w.nbytes for w in net.params.values())
    # A piece's sums, values, slopes and derivatives, and two temporaries of the activation.
    bound = 6 * net.device.piece_bytes + 4 * params
    assert bound < min(hidden, 0.3 * 2**30)
    for method in (net, net.predict, lambda x: net.loss(x, t), lambda x: net.loss_and_gradient(x, t)):
        tracemalloc.start()
        method(x)
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        assert peak < bound


# -- members


@pytest.mark.parametrize("loss", xpnet.losses.LOSSES)
@pytest.mark.parametrize("own_batches", [False, True], ids=["one batch for all", "a batch for each"])
def test_each_member_is_a_network_of_its_own(backend, loss, own_batches):
    net = make(backend, loss=loss, members=2)
    t = targets(net)[:BATCH]
    batches = [(np.roll(X, m, axis=0), np.roll(t, m, axis=0)) if own_batches else (X, t) for m in range(2)]
    x, t = (np.stack(arrays) for arrays in zip(*batches, strict=True)) if own_batches else batches[0]
    x, t = backend.asarray(x), backend.asarray(t)
    outputs, labels, (losses, gradients) = net(x), net.predict(x), net.loss_and_gradient(x, t)
    assert losses.shape == (2,)
    assert outputs.shape == (2, BATCH, net.output_size)
    for m, (own_x, own_t) in enumerate(batches):
        single = member_of(net, m)
        bound, bounds = rounding(single, own_x, own_t)
        np.testing.assert_allclose(xpnet.to_host(outputs)[m], single(own_x), rtol=0, atol=bound)
        np.testing.assert_allclose(xpnet.to_host(labels)[m], single.predict(own_x), rtol=0, atol=bound)
        assert float(losses[m]) == pytest.approx(float(single.loss(own_x, own_t)), rel=0, abs=bound)
        own = {name: g[m] for name, g in host(gradients).items()}
        assert_within(own, single.gradient(own_x, own_t), bounds)
        if "accuracy" in single.loss_function.task.metrics:
            assert float(net.accuracy(x, t)[m]) == float(single.accuracy(own_x, own_t))


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
        ({"seed": [1, 2]}, ValueError, r"seed must be one for all, .*: got 2 for no members"),
        ({"init": ["he"], "members": 2}, ValueError, r"init must be one for all, .*: got 1 for 2 members"),
        (
            {"loss": xpnet.SoftmaxCrossEntropy(label_smoothing=[0.1])},
            ValueError,
            r"loss must be one .*: got 1 for no mem",
        ),
    ],
)
def test_refuses_arguments_that_make_no_network(options, error, match):
    with pytest.raises(error, match=match):
        xpnet.TwoLayerNet(**{"input_size": 2, "hidden_size": 2, "output_size": 2, **options})


def test_sizes_may_be_numpy_integers():
    assert xpnet.TwoLayerNet(np.int64(D), 3, LABELS.max() + 1)(X).shape == (BATCH, C)


def test_a_network_of_numbers_knows_no_classes():
    net = make(loss="mean_squared_error")
    with pytest.raises(ValueError, match=r"predict_proba is for classes, .* loss='mean_squared_error': use predict"):
        net.predict_proba(X)
    with pytest.raises(ValueError, match=r"accuracy is for classes"):
        net.accuracy(X, LABELS)


def test_refuses_an_unknown_method_of_differences():
    with pytest.raises(ValueError, match=r"method must be one of .*did you mean 'structured'"):
        make().numerical_gradient(X, LABELS, method="structure")
