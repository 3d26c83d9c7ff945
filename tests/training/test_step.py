"""A step: its gradient, and how many array calls it takes."""

import sys

import numpy as np
import pytest
from counted import CALLS, Counted
from small_networks import BATCH, LABELS, C, X, host, make

import xpnet
from xpnet.losses.targets import Targets
from xpnet.optimizers import OPTIMIZERS
from xpnet.training.layout import Layout
from xpnet.training.sharding import Sharding
from xpnet.training.step import GRADIENTS, Descent


@pytest.mark.parametrize("members", [None, 2])
@pytest.mark.parametrize("gradient", list(GRADIENTS))
def test_a_step_has_outputs_and_gradient_of_the_network(backend, gradient, members):
    net, shape = make(backend, members=members), (1,) if members is None else (members, 1, 1)
    x = backend.asarray(np.tile(X[:BATCH], shape))
    t = backend.asarray(np.broadcast_to(LABELS[:BATCH], x.shape[:-1]))
    layout, targets = Layout.of(net), net.read_batch(x, t, None)[1]
    params, ones = layout.parts(layout.joined(net.params)), backend.asarray(np.ones((1, BATCH)))
    outputs, flat = GRADIENTS[gradient](net, layout)(params, x, ones, targets)
    # Numbers of order 1, from sums of some ten of them.
    tolerance = 100 * np.finfo("float64").eps
    np.testing.assert_allclose(xpnet.to_host(outputs), xpnet.to_host(net.outputs(x)), rtol=0, atol=tolerance)
    expected = host(net.gradient(x, t))
    for name, g in host(layout.separated(flat)).items():
        np.testing.assert_allclose(g, expected[name], rtol=0, atol=tolerance)


# What each rule adds to the 23 calls of a gradient.
CALLS_OF_AN_UPDATE = {"sgd": 2, "momentum": 4, "adagrad": 7, "rmsprop": 9, "adam": 13, "adamw": 15}


@pytest.mark.parametrize("rule", list(OPTIMIZERS))
@pytest.mark.parametrize("members", [None, 2])
def test_a_step_takes_few_array_calls_and_reads_nothing(rule, members):
    net, optimizer = make(members=members), OPTIMIZERS[rule]()
    x, t = X[:BATCH], LABELS[:BATCH]
    shape = (BATCH, C) if members is None else (1, BATCH, C)
    targets = net.loss_function.prepare_mean(t.reshape(shape[:-1]), shape, x.dtype, xp=net.device.namespace)
    net.params = {name: w.view(Counted) for name, w in net.params.items()}
    descent = Descent(net, optimizer, GRADIENTS["backpropagation"], optimizer.initial_state(net.params), Sharding())
    arrays = x.view(Counted), np.ones((1, BATCH)).view(Counted), Targets(*(part.view(Counted) for part in targets))
    CALLS.clear()
    descent.step(arrays)
    # The outputs of members lie in an array that is none of ours, where four calls are not counted.
    assert CALLS.total() == (23 if members is None else 19) + CALLS_OF_AN_UPDATE[rule], CALLS


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="other systems count page faults in other ways")
def test_steps_take_no_new_memory_from_the_system():
    """Without `keep_freed_memory` these take four pages each: 784-50-10, in mini-batches of 100."""
    from resource import RUSAGE_SELF, getrusage

    steps, x = 100, np.random.default_rng(0).random((10_000, 784), dtype=np.float32)
    net = xpnet.TwoLayerNet(784, 50, 10)
    records = iter(xpnet.fit_epochs(net, x, np.arange(len(x)) % 10, batch_size=100, epochs=3, threads=1))
    faults = []
    for _ in records:
        faults.append(getrusage(RUSAGE_SELF).ru_minflt)
    assert faults[2] - faults[1] < steps
