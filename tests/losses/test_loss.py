"""What every loss does: reductions, members, weights, dtypes, samples that do not count; and a loss of one's own."""

import copy
import pickle
from dataclasses import FrozenInstanceError, dataclass

import numpy as np
import oracles
import pytest
from loss_cases import (
    CLASS_WEIGHT,
    CROSS_ENTROPIES,
    LABELS,
    LOGITS,
    LOSSES,
    NUMBERS,
    ONE_HOT,
    OUTPUTS,
    REDUCTIONS,
    ROUNDINGS,
    SAMPLE_WEIGHT,
    SOFT,
    C,
    N,
    every_loss,
    on,
    options_of,
    target_of,
    with_options,
)
from rounding import rounding

import xpnet
from xpnet.losses import Terms
from xpnet.losses.targets import Targets


@pytest.mark.parametrize("options", [{}, {"sample_weight": SAMPLE_WEIGHT}], ids=["plain", "sample_weight"])
@pytest.mark.parametrize("library", oracles.NAMES)
@pytest.mark.parametrize("name", [name for name in LOSSES if name not in CROSS_ENTROPIES])
def test_value_and_gradient_equal_automatic_differentiation(name, library, options):
    oracle, loss, y, t = oracles.oracle(library), LOSSES[name], OUTPUTS[name], target_of(name)
    values = t.reshape(y.shape)
    for own in ({}, options_of(name)):
        for reduction in REDUCTIONS:
            value, gradients = oracle.value_and_gradients(
                lambda y, reduction=reduction, own=own: oracle.loss(name, y, values, reduction, **own, **options),
                {"y": y},
            )
            actual = loss(y, t, reduction=reduction, **own, **options)
            np.testing.assert_allclose(actual, value, rtol=rounding(ROUNDINGS))
            actual = loss.gradient(y, t, reduction=reduction, **own, **options)
            scale = np.abs(gradients["y"]).max()
            np.testing.assert_allclose(actual, gradients["y"], rtol=0, atol=rounding(8) * scale)


@every_loss
def test_a_mean_is_a_sum_over_the_weights_and_a_sum_one_over_samples(backend, close, name):
    loss, y, t = LOSSES[name], backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name))
    each = xpnet.to_host(loss(y, t, reduction="none"))
    assert each.shape == (N,)
    close(loss(y, t, reduction="sum"), each.sum(), dtype="float64", roundings=N)
    close(loss(y, t), each.mean(), dtype="float64", roundings=N)
    gradient = xpnet.to_host(loss.gradient(y, t, reduction="sum"))
    close(loss.gradient(y, t, reduction="none"), gradient, rtol=0)
    close(loss.gradient(y, t), gradient / N, dtype="float64", roundings=2)


@every_loss
def test_weights_multiply_and_divide(backend, close, name):
    loss, y, t = LOSSES[name], backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name))
    weight = backend.asarray(SAMPLE_WEIGHT)
    each = xpnet.to_host(loss(y, t, reduction="none")) * SAMPLE_WEIGHT
    close(loss(y, t, reduction="none", sample_weight=weight), each, roundings=ROUNDINGS)
    close(loss(y, t, sample_weight=weight), each.sum() / SAMPLE_WEIGHT.sum(), roundings=ROUNDINGS)
    gradient = xpnet.to_host(loss.gradient(y, t, reduction="sum")) * SAMPLE_WEIGHT[:, None]
    close(loss.gradient(y, t, sample_weight=weight), gradient / SAMPLE_WEIGHT.sum(), roundings=ROUNDINGS)


@with_options
def test_options_are_fields_that_a_call_may_override(backend, name):
    y, t, options = backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name)), options_of(name)
    plain, made = LOSSES[name], type(LOSSES[name])(**options)
    change = backend.asarray(np.full(OUTPUTS[name].shape, 2.0**-8))
    for arguments in ({"reduction": "sum"}, {"sample_weight": backend.asarray(SAMPLE_WEIGHT)}):
        for ours, theirs in (
            (plain(y, t, **arguments, **options), made(y, t, **arguments)),
            (plain.gradient(y, t, **arguments, **options), made.gradient(y, t, **arguments)),
            (plain.difference(y, t, change, **arguments, **options), made.difference(y, t, change, **arguments)),
        ):
            np.testing.assert_array_equal(xpnet.to_host(ours), xpnet.to_host(theirs))
    assert float(made(y, t)) != float(plain(y, t))
    assert plain == type(plain)()


@with_options
def test_is_a_value_that_travels(name):
    loss = type(LOSSES[name])(**options_of(name))
    for other in (pickle.loads(pickle.dumps(loss)), copy.deepcopy(loss)):
        assert other == loss
        assert hash(other) == hash(loss)
        assert repr(other) == repr(loss)
    assert loss != LOSSES[name]
    with pytest.raises(FrozenInstanceError):
        loss.name = "other"


@every_loss
def test_single_sample_is_a_batch_of_one(backend, close, name):
    loss, y, t = LOSSES[name], OUTPUTS[name], target_of(name)
    single, batch = ((backend.asarray(y[i]), backend.asarray(t[i])) for i in (0, slice(1)))
    change = np.full((1, OUTPUTS[name].shape[1]), 2.0**-8)
    for reduction in REDUCTIONS:
        expected = xpnet.to_host(loss(*batch, reduction=reduction)).reshape(())
        close(loss(*single, reduction=reduction), expected, rtol=rounding(4))
        expected = xpnet.to_host(loss.gradient(*batch, reduction=reduction))[0]
        close(loss.gradient(*single, reduction=reduction), expected, roundings=4)
        expected = xpnet.to_host(loss.difference(*batch, backend.asarray(change), reduction=reduction)).reshape(())
        actual = loss.difference(*single, backend.asarray(change[0]), reduction=reduction)
        close(actual, expected, rtol=0, atol=rounding(ROUNDINGS) * change.max())


@pytest.mark.without("jax")  # which compiles every operation anew for so many shapes
@every_loss
@pytest.mark.parametrize(("shared_targets", "weights"), [(True, None), (False, "shared"), (True, "own")])
def test_each_member_is_a_batch_of_its_own(backend, close, name, shared_targets, weights):
    loss, t = LOSSES[name], target_of(name)
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
        close(value, np.stack(values), dtype="float64", roundings=ROUNDINGS)
        close(gradient, np.stack(gradients), dtype="float64", roundings=ROUNDINGS)


@every_loss
def test_nothing_counts_where_all_weights_are_zero(backend, close, name):
    loss, y, t = LOSSES[name], backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name))
    options = {"sample_weight": backend.asarray(np.zeros(N))}
    close(loss(y, t, **options), 0.0, dtype="float64", rtol=0)
    close(loss.gradient(y, t, **options), np.zeros(OUTPUTS[name].shape), dtype="float64", rtol=0)
    close(loss.difference(y, t, y, **options), 0.0, dtype="float64", rtol=0)


@every_loss
@pytest.mark.parametrize("junk", [np.nan, np.inf, -np.inf])
def test_a_sample_that_does_not_count_may_hold_anything(backend, close, name, junk):
    loss, y, t = LOSSES[name], OUTPUTS[name].copy(), target_of(name)
    y[2, :] = junk
    assert SAMPLE_WEIGHT[2] == 0
    kept, change = np.arange(N) != 2, np.full(OUTPUTS[name].shape, 2.0**-8)
    change[2, 0] = np.nan
    ways = [({"sample_weight": SAMPLE_WEIGHT}, t, {"sample_weight": SAMPLE_WEIGHT[kept]})]
    if loss.ignored_label is not None:
        ways.append(({}, np.where(kept, t, -100), {}))
    for options, targets, others in ways:
        arguments = backend.asarray(y), backend.asarray(targets)
        options = on(backend, options)
        for reduction in REDUCTIONS:
            expected = np.asarray(loss(y[kept], t[kept], reduction=reduction, **others))
            expected = np.insert(expected, 2, 0) if expected.ndim else expected
            close(loss(*arguments, reduction=reduction, **options), expected, roundings=ROUNDINGS)
            expected = np.insert(loss.gradient(y[kept], t[kept], reduction=reduction, **others), 2, 0, axis=0)
            close(loss.gradient(*arguments, reduction=reduction, **options), expected, roundings=ROUNDINGS)
        expected = loss.difference(y[kept], t[kept], change[kept], **others)
        actual = loss.difference(*arguments, backend.asarray(change), **options)
        close(actual, expected, rtol=0, atol=rounding(ROUNDINGS) * 2.0**-8)


@every_loss
def test_a_difference_is_that_of_the_losses(backend, close, name):
    """Of every size, with a change of its own for every output; more than 1/8 is where another formula takes over."""
    loss, y, t = LOSSES[name], OUTPUTS[name], target_of(name)
    directions = np.random.default_rng(2).uniform(-1, 1, size=OUTPUTS[name].shape)
    options = options_of(name)
    for step in (1e-1, 1e-3, 3.0) if name != "cross_entropy_error" else (1e-3,):
        change = step * directions
        after, before = loss(y + change, t, reduction="none", **options), loss(y, t, reduction="none", **options)
        actual = loss.difference(*map(backend.asarray, (y, t, change)), reduction="none", **options)
        close(actual, after - before, dtype="float64", rtol=0, atol=rounding(ROUNDINGS) * np.abs([before, after]).max())


@every_loss
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_difference_is_the_gradient_times_a_change_too_small_for_the_losses(backend, close, name, dtype):
    loss, y, t, options = LOSSES[name], OUTPUTS[name].astype(dtype), target_of(name), options_of(name)
    directions = np.random.default_rng(2).uniform(-1, 1, size=OUTPUTS[name].shape).astype(dtype)
    change = directions * np.asarray(2.0**-60, dtype)
    expected = (loss.gradient(y.astype(float), t, reduction="sum", **options) * directions).sum(axis=-1)
    actual = loss.difference(*map(backend.asarray, (y, t, change)), reduction="none", **options)
    scale = np.abs(loss.gradient(y, t, reduction="sum", **options)).max()
    close(actual * 2.0**60, expected, dtype=dtype, rtol=0, atol=rounding(ROUNDINGS, dtype) * scale)


@pytest.mark.without("jax")  # which compiles every operation anew for so many shapes
@every_loss
def test_along_lines_a_loss_changes_as_it_does_at_their_points(backend, close, name):
    """What the numerical gradient of a network asks for equals what `difference` says, whichever way it is made."""
    loss, xp = LOSSES[name], backend.xp
    y, t = backend.asarray(OUTPUTS[name]), backend.asarray(target_of(name))
    targets, norms = loss.prepare(t, tuple(y.shape), y.dtype, sample_weight=backend.asarray(SAMPLE_WEIGHT), xp=xp)
    assert norms.shape == (N,)
    directions = np.random.default_rng(2).uniform(-1, 1, size=(5, OUTPUTS[name].shape[1]))
    # The steps of the probabilities stay above 0 for the smallest of them.
    steps = np.random.default_rng(3).uniform(-1, 1, size=(N, 5)) * min(0.5, OUTPUTS["cross_entropy_error"].min() / 2)
    line = loss._line(y, targets, backend.asarray(directions), 0.5, xp=xp)
    assert all(part.shape[0] == N for part in line)
    actual = loss._line_difference(backend.asarray(steps), line, backend.asarray(directions), xp=xp)
    for j in range(5):
        change = backend.asarray(steps[:, j : j + 1] * directions[j])
        expected = xpnet.to_host(loss._difference(y, targets, change, xp=xp))
        close(actual[:, j], expected, roundings=ROUNDINGS)


@every_loss
def test_targets_divided_for_the_mean_give_the_mean(backend, close, name):
    loss, xp = LOSSES[name], backend.xp
    y, t, weight = map(backend.asarray, (OUTPUTS[name], target_of(name), SAMPLE_WEIGHT))
    targets = loss.prepare_mean(t, tuple(y.shape), y.dtype, sample_weight=weight, xp=xp)
    terms = loss._terms(y, targets, xp=xp)
    close(xp.sum(terms.losses(), axis=-1), float(loss(y, t, sample_weight=weight)), roundings=ROUNDINGS)
    gradient = xpnet.to_host(loss.gradient(y, t, sample_weight=weight))
    close(terms.gradient(), gradient, roundings=ROUNDINGS)
    assert (xpnet.to_host(terms.magnitudes(xp=xp)) >= np.abs(gradient) * (1 - rounding(4))).all()


@every_loss
def test_float32_stays_float32_whatever_the_options(backend, close, name):
    loss, options = LOSSES[name], {**options_of(name), "sample_weight": SAMPLE_WEIGHT}
    if "label_smoothing" in options:
        options["label_smoothing"] = np.float64(options["label_smoothing"])
    y, t = OUTPUTS[name].astype("float32"), target_of(name)
    arguments = backend.asarray(y), backend.asarray(t)
    y = y.astype(float)
    close(loss(*arguments, **on(backend, options)), loss(y, t, **options), dtype="float32", roundings=ROUNDINGS)
    expected = loss.gradient(y, t, **options)
    close(loss.gradient(*arguments, **on(backend, options, "float32")), expected, dtype="float32", roundings=ROUNDINGS)


@every_loss
def test_inputs_are_left_as_they_are(backend, name):
    hosts = {"y": OUTPUTS[name], "t": target_of(name), "sample_weight": SAMPLE_WEIGHT}
    given = on(backend, {**hosts, **options_of(name)})
    LOSSES[name](**given)
    LOSSES[name].gradient(**given)
    LOSSES[name].difference(change=given["y"], **given)
    for key, host in hosts.items():
        np.testing.assert_array_equal(xpnet.to_host(given[key]), host)


@dataclass(frozen=True)
class Cosh(xpnet.Loss):
    """A loss of a user's own, ``scale * sum_c (cosh(y_c - t_c) - 1)`` for each sample."""

    scale: float = 1.0

    name = "cosh"

    def _prepare(self, t, weights, outputs, *, labels, xp):
        return Targets(xp.astype(t, weights.dtype), self.scale * weights), weights[..., 0]

    def _terms(self, y, targets, *, xp):
        error = y - targets.values
        # cosh(e) - 1 = 2 sinh(e / 2)^2
        rises, falls = xp.exp(error) / 2, xp.exp(-error) / 2
        return Terms(
            lambda: xp.sum(2 * xp.sinh(error / 2) ** 2 * targets.weights, axis=-1), rises, falls, factor=targets.weights
        )

    def _difference(self, y, targets, change, *, xp):
        # cosh(e + d) - cosh(e) = 2 sinh(e + d / 2) sinh(d / 2)
        error = y - targets.values
        return xp.sum(2 * xp.sinh(error + change / 2) * xp.sinh(change / 2) * targets.weights, axis=-1)


def test_a_loss_of_one_s_own_has_all_that_ours_have(backend, close):
    y, t, weight = map(backend.asarray, (LOGITS, NUMBERS, SAMPLE_WEIGHT))
    error = LOGITS - NUMBERS
    each = 3 * (np.cosh(error) - 1).sum(axis=-1) * SAMPLE_WEIGHT
    # An exponential of errors of up to 8.
    roundings = ROUNDINGS + 8
    assert np.abs(error).max() < 8
    for loss, options in ((Cosh(scale=3.0), {}), (Cosh(), {"scale": 3.0})):
        close(loss(y, t, sample_weight=weight, reduction="none", **options), each, roundings=roundings)
        mean = each.sum() / SAMPLE_WEIGHT.sum()
        close(loss(y, t, sample_weight=weight, **options), mean, roundings=roundings)
        gradient = 3 * np.sinh(error) * SAMPLE_WEIGHT[:, None] / SAMPLE_WEIGHT.sum()
        close(loss.gradient(y, t, sample_weight=weight, **options), gradient, roundings=roundings)
        change = backend.asarray(np.full((N, C), 2.0**-60))
        slope = gradient.sum()
        moved = loss.difference(y, t, change, sample_weight=weight, **options) * 2.0**60
        close(moved, slope, rtol=0, atol=rounding(roundings) * np.abs(gradient).sum())
    with pytest.raises(TypeError, match=r"cosh has no option 'delta': it has scale"):
        loss(y, t, delta=1)


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
    ({"ignore_index": 2**31}, ValueError, r"ignore_index must be an integer <= 2147483647, got 2147483648"),
    ({"ignore_index": 3, "reduction": "average"}, ValueError, r"reduction must be one of mean, sum, none"),
    ({"label_smoothing": 1.1}, ValueError, r"label_smoothing must be a number in \[0, 1\], got 1.1"),
    ({"label_smoothing": "1"}, TypeError, r"label_smoothing must be a number in \[0, 1\], got '1'"),
    ({"class_weight": CLASS_WEIGHT[:3]}, ValueError, r"class_weight must hold one weight for each of 4 classes, got 3"),
    ({"class_weight": (1, 1, 1, -1)}, ValueError, r"class_weight\[3\] must be a finite number >= 0, got -1"),
    ({"class_weight": np.full(4, np.nan)}, ValueError, r"class_weight\[0\] must be a finite number >= 0, got nan"),
    ({"class_weight": np.ones(4) * 1j}, TypeError, r"class_weight\[0\] must be a finite number >= 0, got 1j"),
    ({"class_weight": np.ones((4, 1))}, TypeError, r"class_weight\[0\] must be a finite number >= 0, got \[1.0\]"),
    ({"class_weight": 2.0}, TypeError, r"class_weight must be a list, tuple or 1-D array of one or more numbers"),
    ({"sample_weight": SAMPLE_WEIGHT[:3]}, ValueError, r"sample_weight .* shape \(6,\), got \(3,\)"),
    ({"sample_weight": np.ones((5, 6))}, ValueError, r"sample_weight .* \(6,\), got \(5, 6\)"),
    ({"sample_weight": SAMPLE_WEIGHT * 1j}, TypeError, r"sample_weight must be real"),
    ({"sample_weight": [1] * 6}, TypeError, r"sample_weight must be an array .* got list"),
    ({"smoothing": 0.1}, TypeError, r"has no option 'smoothing': it has label_smoothing, class_weight, ignore_index"),
]


@pytest.mark.parametrize(("y", "t", "error", "match"), BAD_ARRAYS)
def test_refuses_outputs_and_targets_that_do_not_fit(backend, y, t, error, match):
    loss = xpnet.softmax_cross_entropy
    y, t = backend.asarray(y), backend.asarray(t)
    for function, arguments in ((loss, (y, t)), (loss.gradient, (y, t)), (loss.difference, (y, t, y))):
        with pytest.raises(error, match=match):
            function(*arguments)


@pytest.mark.parametrize(("options", "error", "match"), BAD_OPTIONS)
def test_refuses_options_that_do_not_fit(backend, options, error, match):
    loss, y, t = xpnet.softmax_cross_entropy, backend.asarray(LOGITS), backend.asarray(LABELS)
    for function, arguments in ((loss, (y, t)), (loss.gradient, (y, t)), (loss.difference, (y, t, y))):
        with pytest.raises(error, match=match):
            function(*arguments, **on(backend, options))


def test_refuses_changes_that_do_not_fit(backend):
    y, t = backend.asarray(LOGITS), backend.asarray(LABELS)
    difference = xpnet.softmax_cross_entropy.difference
    with pytest.raises(ValueError, match=r"change must have the shape of y, \(6, 4\), got \(4,\)"):
        difference(y, t, backend.asarray(LOGITS[0]))
    with pytest.raises(TypeError, match=r"change must be real"):
        difference(y, t, backend.asarray(LOGITS * 1j))
    with pytest.raises(TypeError, match=r"change must be an array .* got float"):
        difference(y, t, 0.1)


@every_loss
def test_refuses_what_is_no_array_of_the_same_library(backend, name):
    y = backend.asarray(OUTPUTS[name])
    with pytest.raises(TypeError, match=r"t must be an array .* got list"):
        LOSSES[name](y, LABELS.tolist())
    if "numpy" not in backend.name:
        with pytest.raises(TypeError, match=r"all arrays must come from one library.*t is of numpy"):
            LOSSES[name](y, LABELS)
        with pytest.raises(TypeError, match=r"all arrays must come from one library"):
            LOSSES[name](y, backend.asarray(target_of(name)), sample_weight=SAMPLE_WEIGHT)
