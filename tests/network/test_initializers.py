"""Initial parameters: their distribution, their draws, and the names of initializers."""

import numpy as np
import pytest

from xpnet.network.initializers import initial_params, weight_scale


@pytest.mark.parametrize(
    ("init", "scales"),
    [
        ("normal:0.5", (0.5, 0.5)),
        ("xavier", (np.sqrt(2 / 350), np.sqrt(2 / 260))),
        ("he", (np.sqrt(2 / 150), np.sqrt(2 / 200))),
    ],
)
def test_weights_are_normal_with_the_scale_of_their_layer(init, scales):
    params = initial_params(init, 150, 200, 60, seed=5)
    for weights, scale in zip((params["W1"], params["W2"]), scales, strict=True):
        # Within 4 standard deviations of each statistic, of which a fixed seed needs no luck.
        n = weights.size
        assert abs(weights.mean()) < 4 * scale / np.sqrt(n)
        assert weights.std() == pytest.approx(scale, rel=4 / np.sqrt(2 * n))
        inside = 0.682689
        assert (abs(weights) < scale).mean() == pytest.approx(inside, abs=4 * np.sqrt(inside * (1 - inside) / n))
    assert not params["b1"].any()
    assert not params["b2"].any()


def test_the_seed_decides_and_every_member_has_draws_of_its_own():
    first, again, other = (initial_params("he", 6, 5, 3, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_equal(first, again)
    assert not (first["W1"] == other["W1"]).any()
    members = initial_params("he", 6, 5, 3, seed=1, members=4)
    for name, arrays in members.items():
        assert arrays.shape == (4, *first[name].shape)
        np.testing.assert_array_equal(arrays[0], first[name])
    assert len(np.unique(members["W1"])) == members["W1"].size


def test_members_with_seeds_and_initializers_of_their_own_start_as_networks_alone():
    seeds, inits = (3, 3, 8), ("he", "normal:0.5", "xavier")
    members = initial_params(inits, 6, 5, 3, seed=seeds, members=3)
    for index, (seed, init) in enumerate(zip(seeds, inits, strict=True)):
        alone = initial_params(init, 6, 5, 3, seed=seed)
        np.testing.assert_equal({name: w[index] for name, w in members.items()}, alone)


@pytest.mark.parametrize(
    ("init", "match"),
    [
        ("hee", r"init must be one of normal, xavier, he; got 'hee': did you mean 'he'\?"),
        ("he:2", r"init: 'he' takes no number, got 'he:2'"),
        ("normal", r"init: 'normal:S' needs a number S, such as normal:0.01; got ''"),
        ("normal:x", r"init: 'normal:S' needs a number S.*got 'x'"),
        ("normal:0", r"init: the standard deviation must be a finite number > 0, got 0.0"),
        ("normal:nan", r"init: the standard deviation must be a finite number > 0, got nan"),
    ],
)
def test_refuses_an_initializer_that_is_none(init, match):
    with pytest.raises(ValueError, match=match):
        weight_scale(init, 2, 3)
