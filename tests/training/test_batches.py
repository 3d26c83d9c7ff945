"""Mini-batches: their order and their blocks."""

import numpy as np
import pytest
from small_networks import NUMBERS, SAMPLES, WEIGHTS, C, D, X, make

import xpnet
from xpnet.training import batches, epoch_order, inputs
from xpnet.training.batches import Batches
from xpnet.training.sharding import Sharding
from xpnet.training.splits import Shards


def test_an_epoch_is_a_permutation_that_seed_and_epoch_decide():
    orders = [epoch_order(50, seed=seed, epoch=epoch) for seed in (0, 1) for epoch in (1, 2)]
    for order in orders:
        np.testing.assert_array_equal(np.sort(order), np.arange(50))
        assert order.dtype == np.int64
    assert len({tuple(order) for order in orders}) == 4
    np.testing.assert_array_equal(epoch_order(50, seed=1, epoch=2), orders[-1])
    with pytest.raises(ValueError, match=r"n must be an integer >= 1, got 0"):
        epoch_order(0, seed=0, epoch=1)
    with pytest.raises(ValueError, match=r"epoch must be an integer >= 0, got -1"):
        epoch_order(1, seed=0, epoch=-1)


@pytest.mark.parametrize("block_bytes", [1, 32 * 8 * C, 2**20])
@pytest.mark.parametrize("gather_bytes", [1, 32 * 8 * D, 2**20])
@pytest.mark.parametrize("batch_size", [1, 16, 40, 1000])
@pytest.mark.parametrize("members", [None, 2])
def test_blocks_hold_every_mini_batch_in_order(monkeypatch, block_bytes, gather_bytes, batch_size, members):
    monkeypatch.setattr(batches, "_BLOCK_BYTES", block_bytes)
    monkeypatch.setattr(xpnet.Device, "gather_bytes", gather_bytes)
    net = make(loss="mean_squared_error", members=members)
    weight = WEIGHTS if members is None else np.stack([WEIGHTS, WEIGHTS[::-1]])
    order = epoch_order(SAMPLES, seed=0, epoch=1)
    shards = Shards.of(net, X, NUMBERS, weight, sharding=Sharding(), batch_size=batch_size)
    with Batches(net, shards).blocks([order]) as blocks:
        steps = [(x.copy(), targets) for (block,) in blocks for x, _, targets in block.batches()]
    assert len(steps) == -(-SAMPLES // batch_size)
    np.testing.assert_array_equal(np.concatenate([x for x, _ in steps]), X[order])
    for number, (x, targets) in enumerate(steps):
        rows = order[number * batch_size : (number + 1) * batch_size]
        expected = net.read_batch(x, NUMBERS[rows], weight[..., rows])[1]
        np.testing.assert_array_equal(np.squeeze(targets.values), np.squeeze(expected.values))
        # A sum in another order: at most so many roundings.
        tolerance = min(batch_size, SAMPLES) * np.finfo("float64").eps
        np.testing.assert_allclose(targets.weights, expected.weights, rtol=tolerance)


@pytest.mark.parametrize("gather_bytes", [1, 2 * 32 * 8 * D, 2**20])
@pytest.mark.parametrize("batch_size", [1, 16, 40])
@pytest.mark.parametrize("weight", [None, WEIGHTS, np.stack([WEIGHTS, WEIGHTS[::-1]])], ids=["none", "one", "each"])
@pytest.mark.parametrize("stream", [False, True])
def test_members_may_have_orders_of_their_own(monkeypatch, gather_bytes, batch_size, weight, stream):
    monkeypatch.setattr(batches, "_BLOCK_BYTES", 32 * 8 * C)
    monkeypatch.setattr(xpnet.Device, "gather_bytes", gather_bytes)
    monkeypatch.setattr(inputs, "_STREAMED_BYTES", gather_bytes)
    net = make(loss="mean_squared_error", members=2)
    order = np.stack([epoch_order(SAMPLES, seed=seed, epoch=1)[:30] for seed in (0, 1)])
    options = {"sharding": Sharding(), "rows": order, "batch_size": batch_size, "stream": stream}
    with Batches(net, Shards.of(net, X, NUMBERS, weight, **options)).blocks([order]) as blocks:
        steps = [(x.copy(), targets) for (block,) in blocks for x, _, targets in block.batches()]
    np.testing.assert_array_equal(np.concatenate([x for x, _ in steps], axis=1), X[order])
    for number, (x, targets) in enumerate(steps):
        rows = order[:, number * batch_size : (number + 1) * batch_size]
        own = None if weight is None else np.take_along_axis(np.broadcast_to(weight, (2, SAMPLES)), rows, axis=1)
        expected = net.read_batch(x, NUMBERS[rows], own)[1]
        np.testing.assert_array_equal(targets.values, expected.values)
        np.testing.assert_allclose(targets.weights, expected.weights, rtol=batch_size * np.finfo("float64").eps)


@pytest.mark.parametrize(
    ("seeds", "shape"),
    [
        ((1, 1, 1, 1), (2, D)),
        ((1, 1, 2, 2), (2, 1, 2, D)),
        ((1, 2, 1, 2), (4, 2, D)),
        ((1, 1, 1, 2), (4, 2, D)),
        ((1, 2, 2, 2), (4, 2, D)),
        ((1, 1, 2, 3), (4, 2, D)),
        ((1, 2, 3, 4), (4, 2, D)),
    ],
)
@pytest.mark.parametrize("weight", [None, np.stack([WEIGHTS, WEIGHTS[::-1], WEIGHTS, WEIGHTS])], ids=["none", "each"])
def test_inputs_are_gathered_once_for_neighbours_that_share_an_order(seeds, shape, weight):
    net = make(loss="mean_squared_error", members=4)
    order = np.stack([epoch_order(SAMPLES, seed=seed, epoch=1) for seed in seeds])
    shards = Shards.of(net, X, NUMBERS, weight, sharding=Sharding(), batch_size=2)
    with Batches(net, shards).blocks([order]) as blocks:
        steps = [(x.copy(), targets) for (block,) in blocks for x, _, targets in block.batches()]
    for number, (x, targets) in enumerate(steps):
        rows = order[:, 2 * number : 2 * number + 2]
        assert x.shape == shape
        each = np.broadcast_to(x, (2, 2, 2, D)).reshape(4, 2, D) if x.ndim > 3 else x
        np.testing.assert_array_equal(np.broadcast_to(each, (4, 2, D)), X[rows])
        own = None if weight is None else np.take_along_axis(weight, rows, axis=1)
        expected = net.read_batch(X[rows], NUMBERS[rows], own)[1]
        np.testing.assert_array_equal(np.broadcast_to(targets.values, expected.values.shape), expected.values)


@pytest.mark.parametrize("members", [None, 100])
def test_blocks_keep_outputs_small(monkeypatch, members):
    monkeypatch.setattr(batches, "_BLOCK_BYTES", 2**14)
    net = make(members=members)
    x, t = np.zeros((2000, D)), np.zeros(2000, int)
    shards = Shards.of(net, x, t, sharding=Sharding(), batch_size=2)
    with Batches(net, shards).blocks([np.arange(2000)]) as blocks:
        sizes = [block.targets.weights.shape[-2] for (block,) in blocks]
    assert sum(sizes) == 2000
    assert max(sizes) * 8 * (members or 1) * C <= 2**14
