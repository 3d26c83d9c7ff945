"""Losses: the chapter's values, agreement of all forms of targets, every option against PyTorch and JAX, and errors."""

from functools import cache

import numpy as np
import oracles
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import xpnet
from xpnet.losses import LOSSES, Loss, Terms, cross_entropy_error, mean_squared_error, softmax_cross_entropy
from xpnet.losses.targets import Targets

N, C = 6, 4
_random = np.random.Generator(np.random.PCG64(7))
LOGITS = _random.normal(size=(N, C)) * 2
PROBABILITIES = _random.dirichlet(np.ones(C), size=N)
LABELS = np.asarray([0, 3, 1, 1, 2, 0])
ONE_HOT = np.eye(C, dtype=int)[LABELS]
SOFT = _random.dirichlet(np.ones(C), size=N)
NUMBERS = _random.normal(size=(N, C))
SAMPLE_WEIGHT = np.asarray([1.0, 0.5, 0.0, 3.0, 1.25, 2.0])
CLASS_WEIGHT = np.asarray([1.0, 0.25, 3.0, 0.5])

OUTPUTS = {"softmax_cross_entropy": LOGITS, "cross_entropy_error": PROBABILITIES, "mean_squared_error": NUMBERS}
LOSS_FUNCTIONS = {loss.name: loss for loss in (softmax_cross_entropy, cross_entropy_error, mean_squared_error)}
CROSS_ENTROPIES = ["softmax_cross_entropy", "cross_entropy_error"]
REDUCTIONS = ["mean", "sum", "none"]

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
CASES = [
    *((name, form, options) for name in CROSS_ENTROPIES for form in ("labels", "soft") for options in OPTIONS),
    *((name, "labels", options) for name in CROSS_ENTROPIES for options in LABEL_OPTIONS),
    ("cross_entropy_error", "labels", "delta"),
    *(("mean_squared_error", "numbers", options) for options in ("plain", "sample_weight", "scale", "scaled weights")),
]
# Rows of targets that do not sum to 1 are beyond PyTorch.
JAX_CASES = [(name, "counts", "all weights and smoothing") for name in CROSS_ENTROPIES]
MORE_OPTIONS = {
    "delta": {"delta": 1e-3},
    "scale": {"scale": "mean"},
    "scaled weights": {"scale": "mean", "sample_weight": SAMPLE_WEIGHT},
}
ALL_OPTIONS = {**OPTIONS, **LABEL_OPTIONS, **MORE_OPTIONS}
TARGETS = {"labels": LABELS, "soft": SOFT, "counts": SOFT * np.arange(N)[:, None], "numbers": LOGITS}

every_loss = pytest.mark.parametrize("name", list(LOSS_FUNCTIONS))
every_cross_entropy = pytest.mark.parametrize("name", CROSS_ENTROPIES)


def on(backend, options, dtype=None):
    """Return the options with their arrays on the backend."""
    return {
        name: backend.asarray(value, dtype) if isinstance(value, np.ndarray) else value
        for name, value in options.items()
    }


def target_of(name):
    return NUMBERS + 1 if name == "mean_squared_error" else LABELS


def test_has_the_values_of_the_chapter(backend, close):
    y, t = backend.asarray([1, 2, 3]), backend.asarray([3, 4, 7])
    close(mean_squared_error(y, t), 12.0, rtol=0)
    y, t = backend.asarray([0, 2, 3, 8, 9]), backend.asarray([3, 4, 7, 8, 9])
    # float32 is the default of PyTorch; exact wherever integers become float64.
    eps = float(backend.xp.finfo(backend.xp.zeros(1).dtype).eps)
    rtol = 0 if "numpy" in backend.name else 8 * eps  # a product, a logarithm and a sum of five
    close(cross_entropy_error(y, t), 1.4808580471604245, rtol=rtol)


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
    [(library, *case) for library in oracles.NAMES for case in (CASES + JAX_CASES if library == "jax" else CASES)],
)
def test_value_and_gradient_equal_automatic_differentiation(backend, close, library, name, form, options):
    loss, y, t = LOSS_FUNCTIONS[name], backend.asarray(OUTPUTS[name]), backend.asarray(TARGETS[form])
    ours = on(backend, ALL_OPTIONS[options])
    for reduction, (value, gradients) in expected_of(library, name, form, options).items():
        close(loss(y, t, reduction=reduction, **ours), value, dtype="float64", rtol=1e-10)
        actual = loss.gradient(y, t, reduction=reduction, **ours)
        close(actual, gradients["y"], dtype="float64", rtol=1e-10, atol=1e-15)


@pytest.mark.needs("torch")
@pytest.mark.parametrize(
    ("options", "form"),
    [
        ({}, "labels"),
        ({"weight": CLASS_WEIGHT}, "labels"),
        ({"label_smoothing": 0.1}, "labels"),
        ({"label_smoothing": 0.1, "weight": CLASS_WEIGHT, "ignore_index": 0}, "labels"),
        ({}, "soft"),
        ({"label_smoothing": 0.3}, "soft"),
    ],
)
def test_mean_is_that_of_pytorch(options, form):
    import torch

    t = TARGETS[form]
    theirs = {key: torch.asarray(value) if key == "weight" else value for key, value in options.items()}
    expected = torch.nn.functional.cross_entropy(torch.asarray(LOGITS), torch.asarray(t), **theirs)
    ours = {"class_weight" if key == "weight" else key: value for key, value in options.items()}
    assert float(softmax_cross_entropy(LOGITS, t, **ours)) == pytest.approx(float(expected), rel=1e-12)


@every_cross_entropy
@pytest.mark.parametrize("options", list(OPTIONS))
def test_labels_and_one_hot_targets_agree(backend, close, name, options):
    loss, y, options = LOSS_FUNCTIONS[name], backend.asarray(OUTPUTS[name]), on(backend, OPTIONS[options])
    expected = xpnet.to_host(loss(y, backend.asarray(LABELS), **options))
    gradient = xpnet.to_host(loss.gradient(y, backend.asarray(LABELS), **options))
    for t in (ONE_HOT, ONE_HOT.astype(bool), ONE_HOT.astype(float)):
        close(loss(y, backend.asarray(t), **options), expected, dtype="float64", rtol=1e-14)
        close(loss.gradient(y, backend.asarray(t), **options), gradient, dtype="float64", rtol=1e-14)


@every_cross_entropy
@pytest.mark.parametrize("dtype", ["int8", "uint8", "uint32", "int64"])
def test_labels_may_have_any_integer_dtype(backend, close, name, dtype):
    if not hasattr(backend.xp, dtype):
        pytest.skip(f"{backend} has no {dtype}")
    classes = 300  # more than the small dtypes can count
    y = np.random.default_rng(1).dirichlet(np.ones(classes), size=3)
    expected = LOSS_FUNCTIONS[name](y, np.asarray([5, 100, 7]), ignore_index=7)
    labels = backend.asarray(np.asarray([5, 100, 7], dtype=dtype))
    close(LOSS_FUNCTIONS[name](backend.asarray(y), labels, ignore_index=7), expected, rtol=1e-12)
    expected = LOSS_FUNCTIONS[name](y, np.asarray([5, 100, 7]))
    close(LOSS_FUNCTIONS[name](backend.asarray(y), labels), expected, rtol=1e-12)


@every_loss
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_single_sample_is_a_batch_of_one(backend, close, name, reduction):
    loss, y, t = LOSS_FUNCTIONS[name], OUTPUTS[name], target_of(name)
    batch = loss(backend.asarray(y[:1]), backend.asarray(t[:1]), reduction=reduction)
    single = loss(backend.asarray(y[0]), backend.asarray(t[0]), reduction=reduction)
    close(single, xpnet.to_host(batch).reshape(()), rtol=1e-15)
    batch = loss.gradient(backend.asarray(y[:1]), backend.asarray(t[:1]), reduction=reduction)
    single = loss.gradient(backend.asarray(y[0]), backend.asarray(t[0]), reduction=reduction)
    close(single, xpnet.to_host(batch)[0], rtol=1e-15)


@every_loss
@pytest.mark.parametrize("shared_targets", [True, False], ids=["shared targets", "own targets"])
@pytest.mark.parametrize("weights", [None, "shared", "own"])
def test_each_member_is_a_batch_of_its_own(backend, close, name, shared_targets, weights):
    loss, t = LOSS_FUNCTIONS[name], target_of(name)
    y = np.stack([OUTPUTS[name], OUTPUTS[name][::-1], OUTPUTS[name] ** 2])
    t = t if shared_targets else np.stack([t, t[::-1], np.roll(t, 1, axis=0)])
    s = {None: None, "shared": SAMPLE_WEIGHT, "own": np.stack([SAMPLE_WEIGHT, SAMPLE_WEIGHT[::-1], SAMPLE_WEIGHT + 1])}
    s = s[weights]
    for reduction in REDUCTIONS:
        options = {} if s is None else {"sample_weight": backend.asarray(s)}
        value = loss(backend.asarray(y), backend.asarray(t), reduction=reduction, **options)
        gradient = loss.gradient(backend.asarray(y), backend.asarray(t), reduction=reduction, **options)
        values, gradients = [], []
        for member in range(3):
            arguments = y[member], t if shared_targets else t[member]
            own = {} if s is None else {"sample_weight": s[member] if weights == "own" else s}
            values.append(loss(*arguments, reduction=reduction, **own))
            gradients.append(loss.gradient(*arguments, reduction=reduction, **own))
        close(value, np.stack(values), dtype="float64", rtol=1e-12)
        close(gradient, np.stack(gradients), dtype="float64", rtol=1e-12, atol=1e-16)


@every_cross_entropy
@pytest.mark.parametrize("reduction", REDUCTIONS)
def test_nothing_counts_where_everything_is_ignored(backend, close, name, reduction):
    loss, y, t = LOSS_FUNCTIONS[name], backend.asarray(OUTPUTS[name]), backend.asarray([-100] * N)
    close(loss(y, t, reduction=reduction), np.zeros(N if reduction == "none" else ()), dtype="float64")
    close(loss.gradient(y, t, reduction=reduction), np.zeros((N, C)), dtype="float64")


@every_loss
def test_nothing_counts_where_all_weights_are_zero(backend, close, name):
    loss, y, t = LOSS_FUNCTIONS[name], backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name))
    options = {"sample_weight": backend.asarray(np.zeros(N))}
    close(loss(y, t, **options), 0.0, dtype="float64")
    close(loss.gradient(y, t, **options), np.zeros((N, C)), dtype="float64")


@every_cross_entropy
def test_ignored_samples_might_as_well_be_absent(backend, close, name):
    loss, y = LOSS_FUNCTIONS[name], OUTPUTS[name]
    t = np.where(LABELS == 1, -100, LABELS)
    options = {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1}
    expected = loss(y[LABELS != 1], LABELS[LABELS != 1], **options)
    close(loss(backend.asarray(y), backend.asarray(t), **on(backend, options)), expected, rtol=1e-13)


@every_loss
def test_float32_stays_float32_whatever_the_options(backend, close, name):
    loss = LOSS_FUNCTIONS[name]
    options = {"scale": "mean"} if name == "mean_squared_error" else {"class_weight": CLASS_WEIGHT}
    if name != "mean_squared_error":
        options["label_smoothing"] = np.float64(0.1)
    options["sample_weight"] = SAMPLE_WEIGHT
    y, t = OUTPUTS[name], target_of(name)
    arguments = backend.asarray(y, "float32"), backend.asarray(t)
    expected = loss(y, t, **options)
    close(loss(*arguments, **on(backend, options)), expected, dtype="float32", rtol=1e-5)
    expected = loss.gradient(y, t, **options)
    actual = loss.gradient(*arguments, **on(backend, options, "float32"))
    close(actual, expected, dtype="float32", rtol=1e-5, atol=1e-6)


@every_loss
def test_inputs_are_left_as_they_are(backend, name):
    t, options = target_of(name), {"sample_weight": SAMPLE_WEIGHT}
    if name != "mean_squared_error":
        options |= {"class_weight": CLASS_WEIGHT, "label_smoothing": 0.1}
    given = on(backend, {"y": OUTPUTS[name], "t": t, **options})
    LOSS_FUNCTIONS[name](**given)
    LOSS_FUNCTIONS[name].gradient(**given)
    for key, host in {"y": OUTPUTS[name], "t": t, "sample_weight": SAMPLE_WEIGHT}.items():
        np.testing.assert_array_equal(xpnet.to_host(given[key]), host)


def test_huge_logits_give_finite_losses(backend, close):
    y = backend.asarray([[1e4, -1e4, 0.0], [-1e4, 1e4, 0.0]])
    t = backend.asarray([0, 0])
    close(softmax_cross_entropy(y, t, reduction="none"), [0.0, 2e4], dtype="float64")
    close(softmax_cross_entropy.gradient(y, t, reduction="sum"), [[0, 0, 0], [-1, 1, 0]], dtype="float64")


def test_probability_zero_costs_minus_log_delta(backend, close):
    y, t = backend.asarray([0.0, 1.0]), backend.asarray(0)
    close(cross_entropy_error(y, t), -np.log(1e-7), dtype="float64")


MASKED = np.asarray([[1.0, -np.inf, 2.0], [0.5, 0.0, -np.inf], [-np.inf, -np.inf, 3.0], [np.nan, np.inf, 1.0]])


@pytest.mark.needs("torch")
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_masked_logits_and_ignored_rows_are_those_of_pytorch(backend, close, dtype):
    import torch

    labels, eps = np.asarray([2, 0, 2, -100]), float(np.finfo(dtype).eps)
    leaf = torch.tensor(MASKED, requires_grad=True)
    expected = torch.nn.functional.cross_entropy(leaf, torch.asarray(labels))
    expected.backward()
    y, t = backend.asarray(MASKED, dtype), backend.asarray(labels)
    # Exponentials, sums and logarithms of three classes.
    close(softmax_cross_entropy(y, t), expected.item(), dtype=dtype, rtol=16 * eps)
    gradient = leaf.grad.numpy()
    gradient[3] = 0.0  # PyTorch's is NaN in the row that does not count.
    close(softmax_cross_entropy.gradient(y, t), gradient, dtype=dtype, rtol=0, atol=8 * eps)


def test_a_masked_class_stays_masked_whatever_changes(backend, close):
    y, change = MASKED[:3], np.asarray([[0.1, 5.0, -0.2], [0.0, 0.3, 7.0], [1.0, 1.0, 0.5]])
    t = backend.asarray([2, 0, 2])
    expected = float(softmax_cross_entropy(y + change, np.asarray([2, 0, 2]))) - float(
        softmax_cross_entropy(y, np.asarray([2, 0, 2]))
    )
    close(softmax_cross_entropy.difference(backend.asarray(y), t, backend.asarray(change)), expected, rtol=1e-13)


def test_the_largest_finite_logits_give_no_nan(backend, close):
    y, t = backend.asarray([[3e38, -3e38]], "float32"), backend.asarray([0])
    close(softmax_cross_entropy(y, t), 0.0, dtype="float32")
    close(softmax_cross_entropy.gradient(y, t), [[0.0, 0.0]], dtype="float32")


def test_a_probability_of_zero_where_the_target_is_zero_costs_nothing(backend, close):
    y, t = backend.asarray([[0.0, 1.0], [0.5, 0.5]]), backend.asarray([1, 0])
    close(cross_entropy_error(y, t, delta=0, reduction="none"), [0.0, np.log(2)], dtype="float64", rtol=4 * 2.3e-16)
    close(cross_entropy_error.gradient(y, t, delta=0, reduction="sum"), [[0.0, -1.0], [-2.0, 0.0]], dtype="float64")
    change = backend.asarray([[0.0, 0.0], [0.25, -0.25]])
    close(cross_entropy_error.difference(y, t, change, delta=0, reduction="none"), [0.0, -np.log(1.5)], rtol=1e-15)


def test_options_are_fields_that_a_call_may_override(backend, close):
    y, t = backend.asarray(LOGITS), backend.asarray(LABELS)
    smooth = xpnet.SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=CLASS_WEIGHT)
    assert smooth.class_weight == tuple(CLASS_WEIGHT)
    assert smooth == xpnet.SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=CLASS_WEIGHT.tolist())
    expected = softmax_cross_entropy(LOGITS, LABELS, label_smoothing=0.1, class_weight=CLASS_WEIGHT)
    close(smooth(y, t), expected, rtol=1e-14)
    expected = softmax_cross_entropy(LOGITS, LABELS, class_weight=CLASS_WEIGHT)
    close(smooth(y, t, label_smoothing=0.0), expected, rtol=1e-14)


@pytest.mark.parametrize("name", LOSSES)
def test_the_default_line_is_the_difference(backend, close, name):
    """Along lines through the outputs, by broadcasting and by what a loss makes of it: both are its difference."""
    loss, rng = LOSSES[name](), np.random.default_rng(1)
    hosts = rng.standard_normal((5, 3)), rng.standard_normal((4, 3)), rng.uniform(-0.3, 0.3, (5, 4))
    y, directions, s = (backend.asarray(host) for host in hosts)
    t, xp = backend.asarray(rng.random((5, 3))), backend.xp
    targets = loss.prepare_mean(t, (5, 3), y.dtype, xp=xp)
    reach = float(0.3 * np.abs(hosts[1]).max())
    for kind in (type(loss), Loss):
        along = kind._line_difference(
            loss, s, kind._line(loss, y, targets, directions, reach, xp=xp), directions, xp=xp
        )
        for j in range(4):
            change = backend.asarray(hosts[2][:, j, None] * hosts[1][j])
            expected = xpnet.to_host(loss._difference(y, targets, change, xp=xp))
            close(along[:, j], expected, rtol=1e-12, atol=1e-16, dtype="float64")


@pytest.mark.parametrize(
    "loss", [mean_squared_error, cross_entropy_error, softmax_cross_entropy, LOSSES["softmax_cross_entropy_error"]()]
)
def test_difference_does_not_cancel(backend, close, loss):
    rng = np.random.default_rng(0)
    y, change = rng.random((5, 3)), 0.1 * rng.random((5, 3))
    t = backend.asarray(np.eye(3)[rng.integers(0, 3, 5)])
    values = [float(loss(backend.asarray(point), t)) for point in (y + change, y)]
    large = loss.difference(backend.asarray(y), t, backend.asarray(change))
    close(large, values[0] - values[1], rtol=1e-12, dtype="float64")
    slope = float(np.sum(xpnet.to_host(loss.gradient(backend.asarray(y), t)) * change))
    tiny = loss.difference(backend.asarray(y), t, backend.asarray(1e-200 * change))
    close(tiny, 1e-200 * slope, rtol=1e-10, dtype="float64")


class AbsoluteError(Loss):
    """A loss that a user writes."""

    name = "absolute_error"

    def _prepare(self, t, weights, outputs, *, labels, xp):
        return Targets(t, weights), weights[..., 0]

    def _terms(self, y, targets, *, xp):
        error = y - targets.values
        signs = xp.sign(error)
        return Terms(
            lambda: xp.sum(xp.abs(error), axis=-1) * targets.weights[..., 0],
            signs,
            xp.zeros_like(signs),
            factor=targets.weights,
        )

    def _difference(self, y, targets, change, *, xp):
        error = y - targets.values
        return xp.sum(xp.abs(error + change) - xp.abs(error), axis=-1) * targets.weights[..., 0]


def test_a_loss_of_ones_own_needs_three_methods(backend, close):
    loss, y, t = AbsoluteError(), backend.asarray(LOGITS), backend.asarray(NUMBERS)
    s = backend.asarray(SAMPLE_WEIGHT)
    expected = (SAMPLE_WEIGHT * np.abs(LOGITS - NUMBERS).sum(axis=1)).sum() / SAMPLE_WEIGHT.sum()
    close(loss(y, t, sample_weight=s), expected, rtol=1e-14)
    gradient = SAMPLE_WEIGHT[:, None] * np.sign(LOGITS - NUMBERS) / SAMPLE_WEIGHT.sum()
    close(loss.gradient(y, t, sample_weight=s), gradient, rtol=1e-14)


rows = arrays(np.float64, (3, 4), elements=st.floats(-50, 50, allow_subnormal=False))
labels = arrays(np.int64, 3, elements=st.integers(0, 3))
weights = arrays(np.float64, 3, elements=st.floats(0, 8, allow_subnormal=False))


@given(y=rows, t=labels, s=weights, smoothing=st.floats(0, 1))
def test_invariants_of_softmax_cross_entropy(backend, y, t, s, smoothing):
    def call(function, y):
        options = {"sample_weight": backend.asarray(s), "label_smoothing": smoothing}
        return xpnet.to_host(function(backend.asarray(y), backend.asarray(t), **options))

    value, gradient = call(softmax_cross_entropy, y), call(softmax_cross_entropy.gradient, y)
    assert value >= -1e-12
    np.testing.assert_allclose(gradient.sum(axis=-1), 0, atol=1e-14)
    np.testing.assert_allclose(call(softmax_cross_entropy, y + 16.0), value, rtol=1e-9, atol=1e-12)
    np.testing.assert_allclose(call(softmax_cross_entropy.gradient, y + 16.0), gradient, rtol=1e-9, atol=1e-12)
    if not smoothing:
        assert (gradient[np.arange(3), t] <= 0).all()


@given(y=rows, t=rows)
def test_invariants_of_squared_error(backend, y, t):
    def call(function, y, t, **options):
        return xpnet.to_host(function(backend.asarray(y), backend.asarray(t), **options))

    value = call(mean_squared_error, y, t, reduction="none")
    assert (value >= 0).all()
    np.testing.assert_array_equal(call(mean_squared_error, t, y, reduction="none"), value)
    np.testing.assert_allclose(call(mean_squared_error.gradient, y, t, reduction="sum"), y - t, atol=1e-300)
    np.testing.assert_array_equal(call(mean_squared_error, y, y), 0)


BAD_ARRAYS = [
    (LOGITS, LABELS[:, None], ValueError, r"t: targets for y of shape \(6, 4\) must have shape \(6, 4\)"),
    (LOGITS, LABELS[:5], ValueError, r"t: integer labels for y of .* must have shape \(6,\), got \(5,\)"),
    (LOGITS, LABELS.astype(float), ValueError, r"got \(6,\): reshape t, or make class labels integers"),
    (LOGITS, SOFT[:, :3], ValueError, r"must have shape \(6, 4\), got \(6, 3\): reshape t"),
    (LOGITS[None], ONE_HOT, ValueError, r"integer labels .* must have shape \(1, 6\) or \(6,\), got \(6, 4\)"),
    (LOGITS[:0], LABELS[:0], ValueError, r"y must be \(outputs,\).* none of them 0, got shape \(0, 4\)"),
    (LOGITS[None, None], LABELS, ValueError, r"y must be .* got shape \(1, 1, 6, 4\): reshape y"),
    (LOGITS * 1j, LABELS, TypeError, r"y must be real, got dtype .*complex128"),
    (LOGITS, SOFT * 1j, TypeError, r"t must be real, got dtype .*complex128"),
    (LOGITS, LABELS + 1, ValueError, r"t must hold labels in 0\.\.3 or ignore_index=-100, got 4: count classes"),
]
BAD_OPTIONS = [
    ({"ignore_index": None}, TypeError, r"ignore_index must be an integer, got None"),
    ({"ignore_index": 3, "reduction": "average"}, ValueError, r"reduction must be one of mean, sum, none"),
    ({"label_smoothing": 1.1}, ValueError, r"label_smoothing must be a number in \[0, 1\], got 1.1"),
    ({"label_smoothing": "1"}, TypeError, r"label_smoothing must be a number in \[0, 1\], got '1'"),
    ({"class_weight": CLASS_WEIGHT[:3]}, ValueError, r"class_weight must hold one weight per class, 4, got 3"),
    ({"class_weight": [1, 1, 1, -1]}, ValueError, r"class_weight must be a finite number >= 0, got -1"),
    ({"class_weight": [1, 1, 1, "1"]}, TypeError, r"class_weight must be"),
    ({"class_weight": 2.0}, TypeError, r"class_weight must be"),
    ({"sample_weight": SAMPLE_WEIGHT[:3]}, ValueError, r"sample_weight .* shape \(6,\), got \(3,\)"),
    ({"sample_weight": np.ones((5, 6))}, ValueError, r"sample_weight .* \(6,\), got \(5, 6\)"),
    ({"sample_weight": SAMPLE_WEIGHT * 1j}, TypeError, r"sample_weight must be real"),
    ({"sample_weight": [1] * 6}, TypeError, r"sample_weight must be an array .* got list"),
    ({"smoothing": 0.1}, TypeError, r"smoothing"),
]


@pytest.mark.parametrize(("y", "t", "error", "match"), BAD_ARRAYS)
def test_refuses_outputs_and_targets_that_do_not_fit(backend, y, t, error, match):
    for function in (softmax_cross_entropy, softmax_cross_entropy.gradient):
        with pytest.raises(error, match=match):
            function(backend.asarray(y), backend.asarray(t))


@pytest.mark.parametrize(("options", "error", "match"), BAD_OPTIONS)
def test_refuses_options_that_do_not_fit(backend, options, error, match):
    for function in (softmax_cross_entropy, softmax_cross_entropy.gradient):
        with pytest.raises(error, match=match):
            function(backend.asarray(LOGITS), backend.asarray(LABELS), **on(backend, options))


def test_refuses_options_of_one_loss_that_make_no_sense(backend):
    y, t = backend.asarray(LOGITS), backend.asarray(NUMBERS)
    with pytest.raises(ValueError, match=r"scale must be one of half, mean; got 'halve': did you mean 'half'\?"):
        mean_squared_error(y, t, scale="halve")
    with pytest.raises(ValueError, match=r"delta must be a finite number >= 0, got -1"):
        cross_entropy_error(y, t, delta=-1)
    with pytest.raises(ValueError, match=r"t: targets for y of shape \(6, 4\) must have shape \(6, 4\), got \(6,\)"):
        mean_squared_error(y, backend.asarray(LABELS))


@every_loss
def test_refuses_what_is_no_array_of_the_same_library(backend, name):
    y = backend.asarray(OUTPUTS[name])
    with pytest.raises(TypeError, match=r"t must be an array .* got list"):
        LOSS_FUNCTIONS[name](y, LABELS.tolist())
    if "numpy" not in backend.name:
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*t is of numpy"):
            LOSS_FUNCTIONS[name](y, LABELS)
        with pytest.raises(TypeError, match=r"all arrays must come from one library"):
            LOSS_FUNCTIONS[name](y, backend.asarray(target_of(name)), sample_weight=SAMPLE_WEIGHT)
