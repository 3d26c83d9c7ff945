"""What is held back of a data set, and what is refused."""

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, SAMPLES, TRAIN, WEIGHTS, C, X, make

import xpnet
from xpnet.training.splits import check_split, held_back

# -- what is held back


@pytest.mark.parametrize(("samples", "fraction"), [(40, 0.4), (40, 0.01251), (40, 0.987), (3, 0.5), (1000, 0.1)])
def test_the_parts_are_disjoint_and_of_the_right_sizes(samples, fraction):
    t = np.arange(samples) % C
    kept, held = held_back(make(), t, fraction, seed=3)
    np.testing.assert_array_equal(np.sort(np.concatenate([kept, held])), np.arange(samples))
    assert held.size == round(fraction * samples)
    assert min(kept.size, held.size) > 0
    for part in (kept, held):
        np.testing.assert_array_equal(part, np.sort(part))


@pytest.mark.parametrize("one_hot", [False, True])
def test_every_class_is_held_back_alike(one_hot):
    labels = np.repeat([0, 1, 2], [700, 250, 50])
    _, held = held_back(make(), np.eye(C)[labels] if one_hot else labels, 0.1, seed=0)
    np.testing.assert_array_equal(np.bincount(labels[held]), [70, 25, 5])
    _, held = held_back(make(), labels, 0.3331, seed=0)
    np.testing.assert_allclose(np.bincount(labels[held]), 0.3331 * np.asarray([700, 250, 50]), rtol=0, atol=1)


def test_the_seed_draws_what_is_held_back():
    kinds = [(make(), LABELS), (make(loss="mean_squared_error"), NUMBERS)]
    for net, t in kinds:
        first, again, other = (held_back(net, t, 0.4, seed=seed)[1].tolist() for seed in (0, 0, 1))
        assert first == again != other


def test_it_is_the_same_on_every_library(backend):
    expected, t = held_back(make(), LABELS, 0.4, seed=0), backend.asarray(LABELS)
    for ours, theirs in zip(held_back(make(backend), t, 0.4, seed=0), expected, strict=True):
        np.testing.assert_array_equal(ours, theirs)


@pytest.mark.parametrize(("fraction", "what"), [(0.01, "validate"), (0.99, "train on")])
def test_neither_part_is_empty(fraction, what):
    with pytest.raises(ValueError, match=rf"validation: {fraction} of 40 samples leaves none to {what}: take another"):
        held_back(make(), LABELS, fraction, seed=0)


# -- what is refused


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"x": X[:, 1:]}, ValueError, r"x must have shape \(samples, 6\), got \(40, 5\)"),
        ({"x": X[..., None]}, ValueError, r"x must have shape \(samples, 6\), got \(40, 6, 1\)"),
        ({"x": X[:0]}, ValueError, r"x must have shape \(samples, 6\), got \(0, 6\)"),
        ({"x": X.tolist()}, TypeError, r"x must be an array .* got list"),
        ({"x": X * 1j}, TypeError, r"x must be real, got dtype complex128"),
        ({"t": LABELS[1:]}, ValueError, r"t: integer labels .* must have shape \(40,\), got \(39,\)"),
        ({"t": LABELS * 1.0}, ValueError, r"t: targets .* got \(40,\): reshape t, or make class labels integers"),
        ({"t": LABELS + 1}, ValueError, r"t must hold labels in 0\.\.2 or ignore_index=-100, got 3: count classes"),
        ({"t": LABELS - 1}, ValueError, r"t must hold labels in 0\.\.2 or ignore_index=-100, got -1"),
        ({"t": np.stack([LABELS, LABELS])}, ValueError, r"t: integer labels|t: targets"),
        ({"sample_weight": np.ones((3, 40))}, ValueError, r"sample_weight .* \(40,\), got \(3, 40\)"),
        ({"sample_weight": [1.0] * 40}, TypeError, r"sample_weight must be an array .* got list"),
        ({"sample_weight": np.ones(40, complex)}, TypeError, r"sample_weight must be real"),
    ],
)
def test_refuses_data_that_do_not_fit(change, error, match):
    with pytest.raises(error, match=match):
        check_split(make(), **{"x": X, "t": LABELS, **change})


def test_members_may_have_weights_of_their_own_but_no_targets():
    net, weight = make(members=2), np.ones((2, SAMPLES))
    check_split(net, X, LABELS, weight)
    check_split(net, X, LABELS, weight[0])
    with pytest.raises(ValueError, match=r"t: "):
        check_split(net, X, np.stack([LABELS, LABELS]), weight)


def test_data_may_be_on_the_host_or_on_the_device_but_nowhere_else(backend):
    check_split(make(backend), X, backend.asarray(LABELS), WEIGHTS)
    if "numpy" not in backend.name:
        with pytest.raises(TypeError, match=r"x must be a NumPy array, or one of the network's device cpu, got one of"):
            check_split(make(), backend.asarray(X), LABELS)


@pytest.mark.parametrize("dtype", ["uint8", "int32"])
@pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
def test_labels_may_have_any_integer_dtype_and_be_read_only(backend, dtype):
    x, labels = TRAIN
    t = labels.astype(dtype)
    t.flags.writeable = False
    expected, actual = (xpnet.fit(make(backend), x, own, batch_size=BATCH, epochs=1)[0] for own in (labels, t))
    assert actual.train == expected.train
    np.testing.assert_array_equal(actual.batch_losses, expected.batch_losses)
