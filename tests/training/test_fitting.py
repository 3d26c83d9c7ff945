"""`fit`: its arguments, what it validates on, patience, and going on from a state."""

import pickle
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, SAMPLES, TRAIN, VALIDATION, WEIGHTS, C, D, X, host, make

import xpnet
from xpnet.optimizers import OPTIMIZERS
from xpnet.training import GRADIENTS, default_epochs
from xpnet.training.splits import held_back

FRACTION = 0.4  # 16 of 40: as many as VALIDATION has


def fit(net, *data, **options):
    return xpnet.fit(net, *(data or (X, LABELS)), **{"batch_size": BATCH, "epochs": 2, **options})


def assert_same_figures(ours, theirs):
    """Compare records but for the clock, and all that their states hold, to the last bit."""
    clock = ("seconds", "samples_per_second")
    for one, other in zip(ours, theirs, strict=True):
        figures = [{k: v for k, v in record.as_dict().items() if k not in clock} for record in (one, other)]
        assert figures[0] == figures[1]
        np.testing.assert_array_equal(one.batch_losses, other.batch_losses)
        assert_same_states(one.state, other.state)


def assert_same_states(one, other):
    assert (one.epoch, one.seed, one.optimizer.step) == (other.epoch, other.seed, other.optimizer.step)
    np.testing.assert_equal(host(one.params), host(other.params))
    assert list(one.optimizer.slots) == list(other.optimizer.slots)
    for slot, arrays in one.optimizer.slots.items():
        np.testing.assert_equal(host(arrays), host(other.optimizer.slots[slot]))
    assert (one.best is None) == (other.best is None)
    if one.best is not None:
        assert (one.best.epoch, one.best.loss) == (other.best.epoch, other.best.loss)
        np.testing.assert_equal(host(one.best.params), host(other.best.params))


def test_trains_in_place_and_returns_a_record_of_every_epoch():
    net = make()
    before = host(net.params)
    records = fit(net)
    assert [record.epoch for record in records] == [1, 2]
    assert not (net.params["W1"] == before["W1"]).any()
    np.testing.assert_equal(host(net.params), host(records[-1].state.params))


def test_fit_epochs_trains_when_it_is_asked_and_stops_when_it_is_left():
    net = make()
    before = host(net.params)
    records = xpnet.fit_epochs(net, X, LABELS, batch_size=BATCH, epochs=3)
    np.testing.assert_equal(host(net.params), before)
    ours = [next(records)]
    after_one = host(net.params)
    assert_same_figures(ours, fit(make(), epochs=1))
    np.testing.assert_equal(host(net.params), after_one)
    ours += list(records)
    assert_same_figures(ours, fit(make(), epochs=3))
    left = next(xpnet.fit_epochs(net, X, LABELS, batch_size=BATCH, epochs=3))
    np.testing.assert_equal(host(net.params), host(left.state.params))


@pytest.mark.parametrize("every", [2, 3, 9])
def test_fewer_records_change_nothing_else(backend, every):
    options = {"batch_size": BATCH, "epochs": 5, "validation": VALIDATION, "optimizer": xpnet.Adam()}
    net, same = make(backend), make(backend)
    each, some = xpnet.fit(net, X, LABELS, **options), list(xpnet.fit_epochs(same, X, LABELS, every=every, **options))
    assert [record.epoch for record in some] == [*range(every, 5, every), 5]
    assert_same_states(some[-1].state, each[-1].state)
    assert some[-1].train == each[-1].train
    losses, expected = (np.concatenate([record.batch_losses for record in records]) for records in (some, each))
    # One call computes those of several epochs, and a GPU may round a number in other ways where it lies elsewhere.
    np.testing.assert_allclose(losses, expected, rtol=2e-15 if backend.name == "cupy" else 0)
    with pytest.raises(ValueError, match="every must be an integer >= 1, got 0"):
        xpnet.fit_epochs(same, X, LABELS, every=0)


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_learns_classes(activation):
    net = make(activation=activation)
    *_, last = fit(net, epochs=20, optimizer=xpnet.Adam(0.05), validation=VALIDATION)
    assert last.validation_accuracy >= 0.9
    assert last.train_loss < 0.3


def test_learns_a_linear_relation_exactly():
    net = make(loss="mean_squared_error", activation="identity")
    *_, last = fit(net, X, NUMBERS, epochs=2000, batch_size=8, optimizer=xpnet.Momentum(0.01))
    # Nothing but rounding is left of it: an error is some roundings of numbers of this size.
    assert last.train.rmse < 1e-12 * abs(NUMBERS).max()
    assert last.train.r2 == pytest.approx(1, abs=1e-12)
    np.testing.assert_allclose(net.predict(X), NUMBERS, atol=1e-11 * abs(NUMBERS).max())


def test_default_is_the_chapters_ten_thousand_steps_in_whole_epochs():
    assert default_epochs(60_000, 100) == 17
    # Of what it trains on: 40 samples are 3 mini-batches, and the 24 that are left of them 2.
    for validation, epochs in ((None, 3334), (FRACTION, 5000)):
        records = xpnet.fit_epochs(make(), X, LABELS, batch_size=BATCH, validation=validation)
        assert next(records).epochs == epochs
    for samples, batch_size, name in ((0, 1, "samples"), (1, 0, "batch_size")):
        with pytest.raises(ValueError, match=rf"{name} must be an integer >= 1, got 0"):
            default_epochs(samples, batch_size)


# -- validation


def test_a_fraction_is_held_back_and_judged_by(backend):
    net, expected = make(backend), make(backend)
    kept, held = held_back(expected, LABELS, FRACTION, seed=3)
    options = {"seed": 3}
    ours = fit(net, X, LABELS, sample_weight=WEIGHTS, validation=FRACTION, **options)
    theirs = fit(
        expected, X[kept], LABELS[kept], sample_weight=WEIGHTS[kept], validation=(X[held], LABELS[held]), **options
    )
    assert_same_figures(ours, theirs)
    on_device = [backend.asarray(array) for array in (X, LABELS)]
    again = fit(make(backend), *on_device, sample_weight=backend.asarray(WEIGHTS), validation=FRACTION, **options)
    assert_same_figures(again, ours)


def test_a_pair_is_judged_by_and_changes_nothing_else():
    net, alone = make(), make()
    with_it, without = fit(net, validation=VALIDATION), fit(alone)
    np.testing.assert_equal(host(net.params), host(alone.params))
    assert with_it[-1].validation == xpnet.evaluate(net, *VALIDATION)
    assert without[-1].validation is None
    assert_same_figures(fit(make(), validation=list(VALIDATION)), with_it)
    assert_same_figures(fit(make(), validation=Fraction(2, 5)), fit(make(), validation=np.float32(0.4)))


# -- patience


def overfit():
    """Return data with a hand-made optimum: outputs grow with every epoch, and one of them is right.

    A linear network of one weight that matters is trained towards 1, and validated against 0.5.
    """
    net = xpnet.TwoLayerNet(1, 1, 1, activation="identity", loss="mean_squared_error", dtype="float64")
    for name, value in (("W1", 1.0), ("b1", 0.0), ("W2", 0.0), ("b2", 0.0)):
        net.params[name][...] = value
    ones = np.ones((1, 1))
    return net, (ones, ones), (ones, 0.5 * ones)


def test_patience_stops_and_restores_the_best_parameters():
    net, data, validation = overfit()
    options = {"validation": validation, "batch_size": 1, "epochs": 100, "optimizer": xpnet.SGD(0.05)}
    records = xpnet.fit(net, *data, patience=3, **options)
    losses = [record.validation_loss for record in records]
    best = int(np.argmin(losses))
    assert best > 1
    assert len(records) == best + 1 + 3
    np.testing.assert_equal(host(net.params), host(records[best].state.params))
    assert xpnet.evaluate(net, *validation).loss == losses[best]
    for record in records:
        expected = int(np.argmin(losses[: record.epoch]))
        assert (record.state.best.epoch, record.state.best.loss) == (expected + 1, losses[expected])

    other, _, _ = overfit()
    all_epochs = xpnet.fit(other, *data, **options)
    assert len(all_epochs) == 100
    np.testing.assert_equal(host(other.params), host(all_epochs[-1].state.params))


def test_the_best_are_restored_where_the_epochs_run_out_first():
    net, data, validation = overfit()
    rule = xpnet.SGD(0.05)
    records = xpnet.fit(net, *data, validation=validation, batch_size=1, epochs=15, optimizer=rule, patience=90)
    best = int(np.argmin([record.validation_loss for record in records]))
    assert best < 14
    np.testing.assert_equal(host(net.params), host(records[best].state.params))


def test_patience_goes_on_with_what_it_has_seen():
    """Cut anywhere, also when it has waited long enough, a training ends where the whole one does."""
    whole, data, validation = overfit()
    options = {"validation": validation, "batch_size": 1, "optimizer": xpnet.SGD(0.05), "patience": 3}
    expected = xpnet.fit(whole, *data, epochs=100, **options)
    for epochs in (1, len(expected) - 2, len(expected)):
        net, _, _ = overfit()
        first = xpnet.fit(net, *data, epochs=epochs, **options)
        rest = xpnet.fit(net, *data, epochs=100, state=first[-1].state, **options)
        assert_same_figures(first + rest, expected)
        np.testing.assert_equal(host(net.params), host(whole.params))


# -- going on


RULES = {
    **{name: rule(0.05) for name, rule in OPTIMIZERS.items()},
    "schedule": xpnet.Momentum(
        xpnet.CosineDecay(0.2, steps=9), nesterov=True, weight_decay=0.01, max_gradient_norm=0.1
    ),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_two_epochs_and_two_more_equal_four(backend, rule):
    """To the last bit, through a pickle, from a network that knows nothing of the first two."""
    options = {"optimizer": rule, "seed": 5, "validation": FRACTION, "patience": 2}
    whole, net = make(backend), make(backend)
    expected = fit(whole, epochs=4, **options)
    first = fit(net, epochs=2, **options)
    state = pickle.loads(pickle.dumps(first[-1].state))
    assert all(isinstance(w, np.ndarray) for w in state.params.values())
    other = make(backend, seed=99)
    rest = fit(other, epochs=4, state=state, **{**options, "seed": None})
    assert_same_figures(first + rest, expected)
    np.testing.assert_equal(host(other.params), host(whole.params))
    for name, w in other.params.items():
        assert type(w) is type(net.params[name])


@pytest.mark.parametrize("gradient", GRADIENTS)
def test_members_go_on_too(gradient):
    options = {"optimizer": xpnet.Adam([0.1, 0.01]), "gradient": gradient, "validation": VALIDATION}
    expected, first = fit(make(members=2), epochs=3, **options), fit(make(members=2), epochs=1, **options)
    assert_same_figures(first + fit(make(members=2), epochs=3, state=first[-1].state, **options), expected)


def test_a_state_is_a_copy_that_later_steps_do_not_change(backend):
    net, snapshots = make(backend), []
    records = []
    for record in xpnet.fit_epochs(
        net, X, LABELS, batch_size=BATCH, epochs=3, optimizer=xpnet.Adam(0.1), validation=FRACTION
    ):
        records.append(record)
        snapshots.append(pickle.dumps(record.state))
    net.params["W1"] += 1
    for record, snapshot in zip(records, snapshots, strict=True):
        assert_same_states(record.state, pickle.loads(snapshot))


def test_going_on_does_not_change_the_state():
    (record,) = fit(make(), epochs=1, optimizer=xpnet.Adam(0.1))
    snapshot = pickle.dumps(record.state)
    fit(make(), epochs=3, optimizer=xpnet.Adam(0.1), state=record.state)
    assert_same_states(record.state, pickle.loads(snapshot))


def test_refuses_to_go_on_where_all_is_done():
    (record,) = fit(make(), epochs=1)
    with pytest.raises(ValueError, match=r"epochs must be more than the 1 of the state, got 1: it has them already"):
        fit(make(), epochs=1, state=record.state)
    with pytest.raises(ValueError, match=r"seed must be that of the state, 0, got 7: leave it out"):
        fit(make(), state=record.state, seed=7)
    with pytest.raises(TypeError, match=r"state must be a TrainingState, got a Record: pass record.state"):
        fit(make(), state=record)


# -- what it refuses, and when


REFUSED = [
    ({"gradient": "symbolic"}, ValueError, r"gradient must be one of backpropagation, numerical; got 'symbolic'"),
    ({"batch_size": 0}, ValueError, r"batch_size must be an integer >= 1, got 0"),
    ({"epochs": 0}, ValueError, r"epochs must be an integer >= 1, got 0"),
    ({"epochs": 1.5}, TypeError, r"epochs must be an integer, got 1.5"),
    ({"seed": -1}, ValueError, r"seed must be an integer >= 0, got -1"),
    ({"patience": 0}, ValueError, r"patience must be an integer >= 1, got 0"),
    ({"patience": 2}, ValueError, r"patience=2 needs a validation set to watch: give validation=0.2"),
    ({"optimizer": "adam"}, TypeError, r"optimizer must be an Optimizer such as xpnet.Adam\(0.001\), got 'adam'"),
    ({"optimizer": xpnet.Adam}, TypeError, r"optimizer must be an Optimizer such as .* of type ABCMeta"),
    ({"optimizer": xpnet.SGD([0.1, 0.2])}, ValueError, r"learning_rate must be a number, or one for each member"),
    ({"validation": 0.0}, ValueError, r"validation must be a fraction in \(0, 1\), a pair .* got 0.0"),
    ({"validation": 1}, ValueError, r"validation must be a fraction in \(0, 1\), a pair .* got 1"),
    ({"validation": True}, TypeError, r"validation must be a fraction .* got one of type bool"),
    ({"validation": "0.2"}, TypeError, r"validation must be a fraction .* got one of type str"),
    ({"validation": (X, LABELS, WEIGHTS)}, TypeError, r"validation must be a fraction .* got one of type tuple"),
    ({"validation": 0.001}, ValueError, r"validation: 0.001 of 40 samples leaves none to validate"),
    ({"validation": (X[:, 1:], LABELS)}, ValueError, r"validation: x must have shape \(samples, 6\), got \(40, 5\)"),
    ({"validation": (X, LABELS + 1)}, ValueError, r"validation: t must hold labels in 0\.\.2 or .* got 3"),
    ({"validation": (0.2, 0.3)}, TypeError, r"validation: x must be an array"),
    ({"sample_weight": np.ones(39)}, ValueError, r"sample_weight must hold one weight per sample"),
    ({"x": X[1:]}, ValueError, r"t: integer labels .* must have shape \(39,\), got \(40,\)"),
]


@pytest.mark.parametrize(("options", "error", "match"), REFUSED)
@pytest.mark.parametrize("door", [xpnet.fit, xpnet.fit_epochs])
def test_every_argument_is_checked_at_the_call_before_anything_moves(monkeypatch, door, options, error, match):
    net, moved = make(), Counter()

    def asarray(device, values, dtype=None):
        moved[device] += 1
        raise AssertionError("an array was moved to the device")

    monkeypatch.setattr(xpnet.Device, "asarray", asarray)
    before = host(net.params)
    with pytest.raises(error, match=match):
        door(net, **{"x": X, "t": LABELS, **options})
    assert not moved
    np.testing.assert_equal(host(net.params), before)


def test_progress_shows_the_same_records(capsys):
    ours, theirs = fit(make(), progress=True), fit(make())
    assert_same_figures(ours, theirs)
    assert capsys.readouterr().out == ""


def test_data_are_left_as_they_are(backend):
    given = (*TRAIN, *VALIDATION)
    arrays = [backend.asarray(array) for array in given]
    fit(make(backend), *arrays[:2], validation=tuple(arrays[2:]), epochs=1)
    for array, expected in zip(arrays, given, strict=True):
        np.testing.assert_array_equal(xpnet.to_host(array), expected)


def test_takes_an_optimizer_of_ones_own():
    class Sign(xpnet.Optimizer):
        name = "sign"

        def _direction(self, name, g, state, *, xp):
            return xp.sign(g)

    net = make()
    before = host(net.params)
    fit(net, epochs=1, batch_size=SAMPLES, optimizer=Sign(0.25))
    for name, w in net.params.items():
        np.testing.assert_allclose(abs(w - before[name]), 0.25, rtol=4 * np.finfo("float64").eps * 4)
    assert net.params["W1"].shape == (D, net.hidden_size)
    assert net.params["b2"].shape == (C,)
