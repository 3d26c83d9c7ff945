"""The layout of a step: what goes in comes out."""

import numpy as np
import pytest
from small_networks import make

import xpnet
from xpnet.training.step import joined, separated


@pytest.mark.parametrize("members", [None, 2])
def test_parameters_are_joined_and_separated_as_copies(backend, members):
    net = make(backend, members=members)
    xp = net.device.namespace
    layers = joined(net.params, xp=xp)
    again = separated(layers, xp=xp)
    for name, w in net.params.items():
        np.testing.assert_array_equal(xpnet.to_host(again[name]), xpnet.to_host(w))
        assert again[name] is not w
    # In place where the library can, and never in the network's own arrays.
    before = {name: xpnet.to_host(w).copy() for name, w in net.params.items()}
    for name in layers:
        layers[name] -= 1.0
    for arrays in (net.params, again):
        for name, w in arrays.items():
            np.testing.assert_array_equal(xpnet.to_host(w), before[name])
