"""How samples and mini-batches are cut into shards."""

import numpy as np
from fake_mpi import in_threads
from hypothesis import given
from hypothesis import strategies as st

from xpnet.training.sharding import Sharding


@given(st.data())
def test_shares_are_parts_of_all_samples_and_of_each_mini_batch(data):
    shards = data.draw(st.integers(1, 6))
    batch_size = data.draw(st.integers(shards, 20))
    samples = data.draw(st.integers(shards, 100))
    shares = Sharding(shards).shares(samples, batch_size)
    np.testing.assert_array_equal(
        np.concatenate([np.arange(samples)[share.rows] for share in shares]), np.arange(samples)
    )
    sizes = np.array([[size for count, size in share.batches for _ in range(count)] for share in shares])
    for share, own in zip(shares, sizes, strict=True):
        assert sum(own) == share.rows.stop - share.rows.start > 0
        assert max(own) <= share.largest
    full, left = divmod(samples, batch_size)
    np.testing.assert_array_equal(sizes.sum(axis=0), [batch_size] * full + [left] * (left > 0))
    assert (np.ptp(sizes, axis=0) <= 1).all()
    order = np.random.default_rng(0).permutation(samples)
    for share in shares:
        own = share.order(order) + share.rows.start
        np.testing.assert_array_equal(own, [row for row in order if row in range(samples)[share.rows]])


@given(shards=st.integers(1, 9), size=st.integers(1, 4))
def test_processes_have_shards_that_follow_one_another(shards, size):
    size = min(shards, size)
    own = in_threads(size, lambda processes: Sharding(shards, processes).shares(samples=50, batch_size=10))
    assert [share for part in own for share in part] == Sharding(shards).shares(samples=50, batch_size=10)
    lengths = [len(part) for part in own]
    assert lengths == Sharding(shards).counts if size == 1 else max(lengths) - min(lengths) <= 1
