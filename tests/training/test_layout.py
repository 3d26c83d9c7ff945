"""The layout of all parameters in one array: what goes in comes out."""

import numpy as np
import pytest
from small_networks import C, D, H, host, make

import xpnet
from xpnet.training.layout import Layout


@pytest.mark.parametrize("members", [None, 2])
def test_parameters_are_joined_and_separated_as_copies(backend, members):
    net = make(backend, members=members)
    layout, before = Layout.of(net), host(net.params)
    flat = layout.joined(net.params)
    again = layout.separated(flat)
    assert flat.shape == (*layout.lead, D * H + H + H * C + C)
    for name, w in before.items():
        np.testing.assert_array_equal(xpnet.to_host(again[name]), w)
    # In place where the library can, and never in the network's own arrays.
    flat -= 1.0
    for arrays in (net.params, again):
        np.testing.assert_equal(host(arrays), before)
    for name, part in layout.parts(flat).items():
        np.testing.assert_array_equal(np.reshape(xpnet.to_host(part), before[name].shape), before[name] - 1.0)


@pytest.mark.parametrize("members", [None, 2])
def test_parts_are_views_where_arrays_can_be_changed(backend, members):
    net = make(backend, members=members)
    layout = Layout.of(net)
    flat = before = layout.joined(net.params)
    parts = layout.parts(flat)
    flat -= 1.0
    seen = {name: xpnet.to_host(part).reshape(net.params[name].shape) for name, part in parts.items()}
    moved = 1.0 if flat is before else 0.0
    np.testing.assert_equal(seen, {name: w - moved for name, w in host(net.params).items()})
