"""Cross-entropies: the chapter's value, every option against PyTorch and JAX, forms of targets, masks and limits."""

from functools import cache

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from loss_cases import (
    CLASS_WEIGHT,
    CROSS_ENTROPIES,
    LABELS,
    LOGITS,
    LOSSES,
    ONE_HOT,
    OUTPUTS,
    PROBABILITIES,
    REDUCTIONS,
    ROUNDINGS,
    SAMPLE_WEIGHT,
    TARGETS,
    C,
    N,
    every_cross_entropy,
    on,
)
from rounding import rounding

import xpnet
from xpnet.losses import cross_entropy_error, softmax_cross_entropy

OPTIONS = {
    "plain": {},
    "label_smoothing": {"label_smoothing": 0.1},
    "all smoothed": {"label_smoothing": 1.0},
    "class_weight": {"class_weight": CLASS_WEIGHT},
    "sample_weight": {"sample_weight": SAMPLE_WEIGHT},
    "all weights and smoothing": {"label_smoothing": 0.2, "class_weight": CLASS_WEIGHT, "sample_weight": SAMPLE_WEIGHT},
}
LABEL_OPTIONS = {
    "ignore_index": {"ignore_index": 1},
    "everything": {**OPTIONS["all weights and smoothing"], "ignore_index": 0},
}
ALL_OPTIONS = {**OPTIONS, **LABEL_OPTIONS, "delta": {"delta": 1e-3}}
CASES = [
    *((name, form, options) for name in CROSS_ENTROPIES for form in ("labels", "soft") for options in OPTIONS),
    *((name, "labels", options) for name in CROSS_ENTROPIES for options in LABEL_OPTIONS),
    *((name, "labels", "delta") for name in CROSS_ENTROPIES[1:]),
]
# Rows of targets that do not sum to 1 are beyond PyTorch.
JAX_CASES = [(name, "counts", "all weights and smoothing") for name in CROSS_ENTROPIES]


def test_the_losses_of_networks_are_named():
    assert {name: kind().classification for name, kind in xpnet.losses.LOSSES.items()} == {
        "softmax_cross_entropy": True,
        "softmax_cross_entropy_error": True,
        "binary_cross_entropy": True,
        "multilabel_cross_entropy": False,
        "mean_squared_error": False,
        "huber": False,
        "poisson": False,
    }
    assert all(kind.name == name for name, kind in xpnet.losses.LOSSES.items())


def test_has_the_value_of_the_chapter(backend, close):
    y, t = backend.asarray([0, 2, 3, 8, 9]), backend.asarray([3, 4, 7, 8, 9])
    # Integers become float32 in PyTorch. Terms of up to 20 cancel to 1.5.
    dtype = "float64" if backend.xp.zeros(1).dtype == backend.xp.float64 else "float32"
    close(cross_entropy_error(y, t), 1.4808580471604245, dtype=dtype, rtol=0, atol=20 * rounding(8, dtype))


@cache
def expected_of(library, name, form, options):
    """Return the oracle's value and gradient for each reduction."""
    oracle = oracles.oracle(library)
    return {
        reduction: oracle.value_and_gradients(
            lambda y, reduction=reduction: oracle.loss(name, y, TARGETS[form], reduction, **ALL_OPTIONS[options]),
            {"y": OUTPUTS[name]},
        )
        for reduction in REDUCTIONS
    }


@pytest.mark.parametrize(
    ("library", "name", "form", "options"),
    [*(("torch", *case) for case in CASES), *(("jax", *case) for case in CASES + JAX_CASES)],
)
def test_value_and_gradient_equal_automatic_differentiation(library, name, form, options):
    loss, y, t, ours = LOSSES[name], OUTPUTS[name], TARGETS[form], ALL_OPTIONS[options]
    for reduction, (value, gradients) in expected_of(library, name, form, options).items():
        np.testing.assert_allclose(loss(y, t, reduction=reduction, **ours), value, rtol=rounding(ROUNDINGS))
        actual, expected = loss.gradient(y, t, reduction=reduction, **ours), gradients["y"]
        np.testing.assert_allclose(actual, expected, rtol=0, atol=rounding(ROUNDINGS) * np.abs(expected).max())


@pytest.mark.parametrize(("name", "form", "options"), CASES)
def test_every_library_has_the_value_and_gradient_of_numpy(backend, close, name, form, options):
    loss, y, t = LOSSES[name], backend.asarray(OUTPUTS[name]), backend.asarray(TARGETS[form])
    options = ALL_OPTIONS[options]
    close(loss(y, t, **on(backend, options)), loss(OUTPUTS[name], TARGETS[form], **options), roundings=ROUNDINGS)
    expected = loss.gradient(OUTPUTS[name], TARGETS[form], **options)
    close(loss.gradient(y, t, **on(backend, options)), expected, dtype="float64", roundings=ROUNDINGS)


@every_cross_entropy
@pytest.mark.parametrize("options", list(OPTIONS))
def test_labels_and_one_hot_targets_agree(backend, close, name, options):
    loss, y, options = LOSSES[name], backend.asarray(OUTPUTS[name]), on(backend, OPTIONS[options])
    expected = xpnet.to_host(loss(y, backend.asarray(LABELS), **options))
    gradient = xpnet.to_host(loss.gradient(y, backend.asarray(LABELS), **options))
    for t in (ONE_HOT, ONE_HOT.astype(bool), ONE_HOT.astype(float)):
        close(loss(y, backend.asarray(t), **options), expected, dtype="float64", roundings=4)
        close(loss.gradient(y, backend.asarray(t), **options), gradient, dtype="float64", roundings=4)


@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint32", "int64"])
def test_labels_may_have_any_integer_dtype(backend, close, dtype):
    if not hasattr(backend.xp, dtype):
        pytest.skip(f"{backend} has no {dtype}")
    classes = 300  # more than the small dtypes can count
    y = np.random.default_rng(1).dirichlet(np.ones(classes), size=3)
    for options in ({"ignore_index": 7}, {}):
        expected = softmax_cross_entropy(y, np.asarray([5, 100, 7]), **options)
        labels = backend.asarray(np.asarray([5, 100, 7], dtype=dtype))
        close(softmax_cross_entropy(backend.asarray(y), labels, **options), expected, rtol=rounding(3 * classes))


@pytest.mark.parametrize("kind", [tuple, list, np.asarray, "array"])
def test_class_weights_are_kept_as_a_tuple(backend, kind):
    given = backend.asarray(CLASS_WEIGHT, "float32") if kind == "array" else kind(CLASS_WEIGHT)
    loss = xpnet.SoftmaxCrossEntropy(class_weight=given)
    assert loss.class_weight == CLASS_WEIGHT
    assert {type(weight) for weight in loss.class_weight} == {float}
    y, t = backend.asarray(LOGITS), backend.asarray(LABELS)
    value = xpnet.to_host(softmax_cross_entropy(y, t, class_weight=given))
    np.testing.assert_array_equal(value, xpnet.to_host(loss(y, t)))


@every_cross_entropy
def test_nothing_counts_where_everything_is_ignored(backend, close, name):
    loss, y, t = LOSSES[name], backend.asarray(OUTPUTS[name]), backend.asarray([-100] * N)
    for reduction in REDUCTIONS:
        close(loss(y, t, reduction=reduction), np.zeros(N if reduction == "none" else ()), dtype="float64")
        close(loss.gradient(y, t, reduction=reduction), np.zeros((N, C)), dtype="float64")


@every_cross_entropy
def test_ignored_samples_might_as_well_be_absent(backend, close, name):
    loss, y = LOSSES[name], OUTPUTS[name]
    t = np.where(LABELS == 1, -100, LABELS)
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1}
    expected = loss(y[LABELS != 1], LABELS[LABELS != 1], **options)
    close(loss(backend.asarray(y), backend.asarray(t), **options), expected, rtol=rounding(ROUNDINGS))


# -- limits: what is multiplied by a target of 0 is 0

MASKED = np.where(np.arange(N * C).reshape(N, C) % 5 == 1, -np.inf, LOGITS)
MASKED[ONE_HOT == 1] = LOGITS[ONE_HOT == 1]
FAR_APART = np.where(ONE_HOT == 1, 3e38, -3e38).astype("float32")
ZEROS = np.where(ONE_HOT == 1, PROBABILITIES, 0)
WEIGHTS = {"class_weight": CLASS_WEIGHT, "sample_weight": SAMPLE_WEIGHT}
LIMITS = {
    "a masked class": ("softmax_cross_entropy", MASKED, LABELS, {}),
    "a masked class and soft targets": ("softmax_cross_entropy", MASKED, np.where(np.isinf(MASKED), 0, 0.5), {}),
    "a masked class and weights": ("softmax_cross_entropy", MASKED, LABELS, WEIGHTS),
    "a masked class and delta": ("softmax_cross_entropy_error", MASKED, LABELS, {}),
    "logits far apart": ("softmax_cross_entropy", FAR_APART, LABELS, {}),
    "probability 0": ("cross_entropy_error", ZEROS, LABELS, {"delta": 0}),
}
# PyTorch multiplies 0 by infinity in some: it gets outputs that mean the same.
SAME_FOR_PYTORCH = {
    "a masked class and soft targets": np.where(np.isinf(MASKED), -1e4, MASKED),
    "probability 0": np.where(ZEROS == 0, 1, ZEROS),
}


@pytest.mark.needs("torch")
@pytest.mark.parametrize("case", list(LIMITS))
def test_limits_are_those_of_pytorch(backend, close, case):
    name, y, t, options = LIMITS[case]
    dtype = y.dtype.name
    torch, theirs = oracles.oracle("torch"), {"y": SAME_FOR_PYTORCH.get(case, y)}
    value, gradients = torch.value_and_gradients(lambda y: torch.loss(name, y, t, "none", **options), theirs)
    arguments, options = (backend.asarray(y), backend.asarray(t)), on(backend, options)
    actual = LOSSES[name](*arguments, reduction="none", **options)
    close(actual, value, dtype=dtype, roundings=ROUNDINGS)
    actual = LOSSES[name].gradient(*arguments, reduction="sum", **options)
    close(actual, gradients["y"], dtype=dtype, roundings=ROUNDINGS)


@pytest.mark.parametrize("case", list(LIMITS))
def test_a_difference_at_a_limit_is_that_of_the_losses(backend, close, case):
    name, y, t, options = LIMITS[case]
    loss, dtype = LOSSES[name], y.dtype.name
    change = np.where(np.isfinite(y), np.random.default_rng(5).uniform(0, 0.1, size=y.shape), 0).astype(dtype)
    after, before = loss(y + change, t, reduction="none", **options), loss(y, t, reduction="none", **options)
    arguments = map(backend.asarray, (y, t, change))
    actual = loss.difference(*arguments, reduction="none", **on(backend, options))
    scale = max(1.0, np.abs([before, after]).max())
    close(actual, after - before, dtype=dtype, rtol=0, atol=rounding(ROUNDINGS, dtype) * scale)


def test_a_loss_beyond_its_dtype_is_infinite_and_its_gradient_is_not(backend, close):
    wrong = (LABELS + 1) % C
    y, t = backend.asarray(FAR_APART), backend.asarray(wrong)
    close(softmax_cross_entropy(y, t), np.inf, dtype="float32")
    gradient = ONE_HOT - np.eye(C)[wrong]
    close(softmax_cross_entropy.gradient(y, t, reduction="sum"), gradient, dtype="float32", rtol=0)


def test_huge_logits_give_finite_losses(backend, close):
    y, t = backend.asarray(np.where(ONE_HOT == 1, 1e4, -1e4)), backend.asarray([0] * N)
    close(softmax_cross_entropy(y, t, reduction="none"), 2e4 * (LABELS != 0), dtype="float64", rtol=0)
    gradient = ONE_HOT - np.eye(C)[[0] * N]
    close(softmax_cross_entropy.gradient(y, t, reduction="sum"), gradient, dtype="float64", rtol=0)


def test_a_masked_target_costs_infinitely_much(backend, close):
    y, t = backend.asarray(np.where(ONE_HOT == 1, -np.inf, 0)), backend.asarray(LABELS)
    close(softmax_cross_entropy(y, t), np.inf, dtype="float64")
    gradient = np.where(ONE_HOT == 1, -1, 1 / (C - 1))
    close(softmax_cross_entropy.gradient(y, t, reduction="sum"), gradient, dtype="float64", roundings=8)


def test_probability_zero_costs_minus_log_delta(backend, close):
    y, t = backend.asarray(np.zeros((N, C))), backend.asarray(LABELS)
    close(cross_entropy_error(y, t), -np.log(1e-7), dtype="float64", rtol=rounding(16))
    close(cross_entropy_error(y, t, delta=0), np.inf, dtype="float64")


@pytest.mark.parametrize("delta", [-1, np.nan])
def test_refuses_a_delta_that_keeps_no_logarithm_finite(delta):
    with pytest.raises(ValueError, match=r"delta must be a finite number >= 0, got"):
        xpnet.CrossEntropyError(delta=delta)


rows = arrays(np.float64, (N, C), elements=st.floats(-50, 50, allow_subnormal=False))
labels = arrays(np.int64, N, elements=st.integers(0, C - 1))
weights = arrays(np.float64, N, elements=st.floats(0, 8, allow_subnormal=False))


@given(y=rows, t=labels, s=weights, smoothing=st.floats(0, 1))
def test_invariants_of_softmax_cross_entropy(backend, y, t, s, smoothing):
    def call(function, y):
        options = {"sample_weight": backend.asarray(s), "label_smoothing": smoothing}
        return xpnet.to_host(function(backend.asarray(y), backend.asarray(t), **options))

    value, gradient = call(softmax_cross_entropy, y), call(softmax_cross_entropy.gradient, y)
    # Losses are differences of numbers of up to 100; gradients, whose weights sum to 1, have exponents as large.
    atol = rounding(2 * 100 + 32)
    assert value >= -atol
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=rounding(16))
    np.testing.assert_allclose(call(softmax_cross_entropy, y + 16.0), value, rtol=0, atol=atol)
    np.testing.assert_allclose(call(softmax_cross_entropy.gradient, y + 16.0), gradient, rtol=0, atol=atol)
    if not smoothing:
        assert (gradient[np.arange(N), t] <= rounding(4)).all()


@pytest.mark.parametrize("name", ["softmax_cross_entropy", "softmax_cross_entropy_error"])
def test_members_with_a_smoothing_of_their_own_have_the_loss_of_each_alone(backend, close, name):
    smoothing, kind = (0.0, 0.1, 1.0), xpnet.losses.LOSSES[name]
    y, t = np.random.default_rng(0).normal(size=(3, 4, 5)), np.asarray([0, 4, 2, 2])
    loss, outputs, labels = kind(label_smoothing=backend.asarray(smoothing)), backend.asarray(y), backend.asarray(t)
    assert loss == kind(label_smoothing=smoothing)
    alone = [kind(label_smoothing=e) for e in smoothing]
    for what in ("__call__", "gradient"):
        expected = np.stack([getattr(loss, what)(own, t) for loss, own in zip(alone, y, strict=True)])
        close(getattr(loss, what)(outputs, labels), expected, roundings=32)  # some for each of 5 classes


def test_refuses_a_smoothing_for_other_members():
    loss = xpnet.SoftmaxCrossEntropy(label_smoothing=(0.0, 0.1))
    for y, shown in ((np.zeros((3, 4, 5)), "3"), (np.zeros((4, 5)), "no")):
        with pytest.raises(ValueError, match=rf"one for each member: got 2 for {shown} members"):
            loss(y, np.zeros(4, np.int64))
