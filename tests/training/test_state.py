"""Training states: plain data on any device, copies, and those that do not fit."""

import copy
import pickle
from dataclasses import replace

import numpy as np
import pytest
from small_networks import BATCH, LABELS, TRAIN, VALIDATION, H, X, host, make

import xpnet
from xpnet.training import TrainingState


def state_of(net, *, optimizer=None, **options):
    options = {"batch_size": BATCH, "epochs": 1, "validation": VALIDATION, **options}
    return xpnet.fit(net, *TRAIN, optimizer=optimizer or xpnet.Adam(0.1), **options)[-1].state


def test_is_what_is_needed_to_go_on(backend):
    net = make(backend)
    state = state_of(net)
    assert (state.epoch, state.seed, state.optimizer.step, state.best.epoch) == (1, 0, 2, 1)
    assert list(state.optimizer.slots) == ["means", "squares"]
    for arrays in (state.params, state.best.params, *state.optimizer.slots.values()):
        assert {name: tuple(w.shape) for name, w in arrays.items()} == {
            name: tuple(w.shape) for name, w in net.params.items()
        }
        assert all(type(w) is type(net.params[name]) for name, w in arrays.items())


@pytest.mark.parametrize(
    "duplicate", [lambda state: pickle.loads(pickle.dumps(state)), copy.deepcopy], ids=["pickle", "deepcopy"]
)
def test_a_copy_is_plain_numpy_and_independent(backend, duplicate):
    state = state_of(make(backend))
    before, again = host(state.params), duplicate(state)
    assert isinstance(again, TrainingState)
    for ours, theirs in (
        (again.params, state.params),
        (again.best.params, state.best.params),
        *zip(again.optimizer.slots.values(), state.optimizer.slots.values(), strict=True),
    ):
        assert all(type(w) is np.ndarray for w in ours.values())
        np.testing.assert_equal(dict(ours), host(theirs))
    again.params["W1"] += 1
    again.optimizer.step += 1
    np.testing.assert_equal(host(state.params), before)
    assert state.optimizer.step == 2


def test_goes_on_with_another_library(backend):
    """What was trained here goes on there, with the best parameters too, and gets them back in its own arrays."""
    rule, overfit = xpnet.Adam(0.1), (VALIDATION[0], (VALIDATION[1] + 1) % 3)
    state = state_of(make(), optimizer=rule, validation=overfit)
    net = make(backend)
    records = xpnet.fit(
        net, *TRAIN, batch_size=BATCH, epochs=9, state=state, optimizer=rule, validation=overfit, patience=2
    )
    # The labels of this validation set are all wrong, so that it was best at first and becomes ever worse.
    assert [record.epoch for record in records] == [2, 3]
    assert records[-1].state.best.epoch == 1
    np.testing.assert_equal(host(net.params), host(state.params))
    assert all(type(w) is type(make(backend).params[name]) for name, w in net.params.items())


@pytest.mark.parametrize(
    ("net", "optimizer", "match"),
    [
        (make(), xpnet.SGD(), r"state: its optimizer remembers means, squares, sgd nothing: go on with the optimizer"),
        (make(), xpnet.Momentum(), r"remembers means, squares, momentum velocity"),
        (make(dtype="float32"), None, r"state: W1 of its means is float64 of shape \(6, 5\), that of the network is f"),
        (make(members=2), None, r"W1 of its means is float64 of shape \(6, 5\), .* float64 of shape \(2, 6, 5\)"),
        (xpnet.TwoLayerNet(6, H + 1, 3, dtype="float64"), None, r"W1 .* of shape \(6, 5\), that .* \(6, 6\): go on"),
    ],
    ids=["nothing", "slots", "dtype", "members", "sizes"],
)
def test_refuses_a_network_or_optimizer_that_it_does_not_fit(net, optimizer, match):
    state, before = state_of(make()), host(net.params)
    with pytest.raises(ValueError, match=match):
        xpnet.fit(net, X, LABELS, epochs=2, state=state, optimizer=optimizer or xpnet.Adam(0.1))
    np.testing.assert_equal(host(net.params), before)


def test_refuses_a_state_that_lacks_parameters():
    state = state_of(make())
    broken = replace(state, params={name: w for name, w in state.params.items() if name != "b2"})
    with pytest.raises(ValueError, match=r"state: b2 of its parameters is missing, that of the network is float64"):
        xpnet.fit(make(), X, LABELS, epochs=2, state=broken, optimizer=xpnet.Adam(0.1))
