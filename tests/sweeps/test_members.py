"""Which settings train side by side, and as what."""

from dataclasses import replace

import numpy as np
import pytest

from xpnet import Settings, SoftmaxCrossEntropy
from xpnet.sweeps import members
from xpnet.sweeps.members import batches, joined, taken

BASE = Settings(epochs=1).completed(epochs=1, device="cpu")


def test_members_have_values_of_their_own_and_can_be_taken():
    singles = [
        replace(BASE, learning_rate=rate, init=init) for rate, init in ((0.1, "he"), (0.2, "he"), (0.3, "xavier"))
    ]
    both = joined(singles)
    assert both.members == 3
    assert (both.learning_rate, both.init, both.seed) == ((0.1, 0.2, 0.3), ("he", "he", "xavier"), (0, 0, 0))
    part = taken(both, [2, 0])
    assert part == joined([singles[2], singles[0]])
    net = part.make_network(4, 2)
    for place, single in enumerate((singles[2], singles[0])):
        np.testing.assert_array_equal(net.params["W1"][place], single.make_network(4, 2).params["W1"])
    assert part.make_optimizer(1).learning_rate == (0.3, 0.1)
    assert joined([replace(BASE, label_smoothing=e) for e in (0, 0.1)]).make_loss(2) == SoftmaxCrossEntropy((0, 0.1))


def test_one_shape_is_one_batch_and_the_longest_is_first():
    options = [{"hidden": hidden, "learning_rate": rate} for rate in (0.1, 0.2) for hidden in (5, 7)]
    settings = [replace(BASE, **one) for one in options]
    assert batches(settings, lambda one: one.hidden) == [[1, 3], [0, 2]]


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ({"max_gradient_norm": 1.0}, {}),
        ({"schedule": "cosine"}, {"schedule": "cosine", "learning_rate": 0.3}),
        ({"optimizer": "adam"}, {}),
        ({"class_weight": (1.0, 2.0)}, {"class_weight": (2.0, 1.0)}),
        ({"batch_size": 5}, {}),
    ],
)
def test_what_has_no_axis_of_members_trains_apart(one, other):
    settings = [replace(BASE, **options).completed(epochs=1, device="cpu") for options in (one, other)]
    assert batches(settings, lambda _: 1) == [[0], [1]]


def test_seeds_train_side_by_side_where_they_have_the_same_data():
    settings = [replace(BASE, learning_rate=rate, seed=seed) for rate in (0.1, 0.2) for seed in (3, 1)]
    assert batches(settings, lambda _: 1) == [[1, 3, 0, 2]]
    assert batches(settings, lambda _: 1, same_data=False) == [[0, 2], [1, 3]]


def test_those_of_one_seed_stay_together_where_they_can():
    settings = [replace(BASE, learning_rate=0.1 * n, seed=seed) for n in range(1, 11) for seed in range(4)]
    for parts in batches(settings, lambda _: 2**17 // 24), batches(settings, lambda _: 2**17 // 19):
        assert sorted(index for part in parts for index in part) == list(range(40))
        for part in parts:
            seeds = [settings[index].seed for index in part]
            assert seeds == sorted(seeds)
            assert {seeds.count(seed) for seed in seeds} == {10}
    assert [len(part) for part in batches(settings[1:], lambda _: 2**17 // 24)] == [20, 19]


def test_a_batch_fits_the_memory_and_leaves_work_for_others(monkeypatch):
    settings = [replace(BASE, learning_rate=0.1 * n) for n in range(1, 71)]
    assert [len(batch) for batch in batches(settings, lambda _: 1)] == [35, 35]
    assert [len(batch) for batch in batches(settings, lambda _: 2**17 // 24)] == [24, 23, 23]
    assert [len(batch) for batch in batches(settings, lambda _: 2**17)] == [14] * 5
    monkeypatch.setattr(members, "_BYTES", 10 * 4 * 100 * 5)
    assert [len(batch) for batch in batches(settings[:12], lambda _: 100)] == [4, 4, 4]
    assert [len(batch) for batch in batches(settings[:2], lambda _: 10**9)] == [1, 1]
