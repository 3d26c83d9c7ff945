"""Sums over mini-batches that lie side by side, and numbers of theirs spread over their samples."""

import numpy as np
import pytest

from xpnet.devices import to_host
from xpnet.training.blocks import Steps


@pytest.mark.parametrize("lead", [(), (3,)], ids=["one", "members"])
@pytest.mark.parametrize("epochs", [1, 4])
@pytest.mark.parametrize("batches", [((3, 5),), ((2, 4), (1, 3)), ((2, 1), (1, 0))], ids=["full", "short", "empty"])
def test_sums_and_their_spread_are_those_of_each_mini_batch(backend, lead, epochs, batches):
    steps = Steps(epochs, batches)
    terms = np.random.default_rng(0).normal(size=(*lead, steps.samples))
    numbers = np.arange(len(steps.sizes), dtype="float64") + np.ones((*lead, 1))
    unstacked = steps.unstacked(backend.asarray(terms[..., None]), xp=backend.xp)
    parts = [to_host(part)[..., 0] for part in unstacked]
    assert [part.shape[-1] for part in parts] == steps.sizes
    np.testing.assert_array_equal(np.concatenate(parts, axis=-1), terms)
    # A sum of few terms of order 1, in another order.
    expected = np.stack([part.sum(axis=-1) for part in parts], axis=-1)
    sums = to_host(steps.sums(backend.asarray(terms), xp=backend.xp))
    np.testing.assert_allclose(sums, expected, rtol=0, atol=1e-14)
    spread = to_host(steps.spread(backend.asarray(numbers), xp=backend.xp))
    np.testing.assert_array_equal(spread, np.repeat(numbers, steps.sizes, axis=-1))
