"""A step: its gradient, and how many array calls it takes."""

import numpy as np
import pytest
from small_networks import BATCH, LABELS, X, host, make

import xpnet
from xpnet.training.layout import Layout
from xpnet.training.step import GRADIENTS


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
