"""Networks side by side against the same networks alone: what they start from, see, keep, and when they stop."""

import pickle

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, VALIDATION_X, WEIGHTS, C, X, host, make

import xpnet

RATES = [0.5, 3.0, 0.02, 1.0]
SMOOTHING = [0.0, 0.1, 0.0, 0.2]
SEEDS = [4, 7, 4, 9]
INITS = ["he", "normal:0.5", "xavier", "he"]
MEMBERS = range(len(RATES))
SHUFFLED = (VALIDATION_X, np.roll(np.arange(BATCH) % C, 1))
"""Labels that mean nothing, so that every network is best early, and one that learns faster earlier."""
# The steps of both run through the same products and sums, but those of a member's matrices may be blocked otherwise.
TOLERANCE = 1e-11


def side_by_side(backend=None, **options):
    loss = xpnet.SoftmaxCrossEntropy(label_smoothing=SMOOTHING)
    return make(backend, members=len(RATES), **{"loss": loss, "seed": SEEDS, "init": INITS, **options})


def alone(member, **options):
    loss = xpnet.SoftmaxCrossEntropy(label_smoothing=SMOOTHING[member])
    return make(**{"loss": loss, "seed": SEEDS[member], "init": INITS[member], **options})


def options(member=None, seeds=SEEDS, **more):
    """Return the options of `fit` for all members, or for one alone."""
    rate, seed = (RATES, seeds) if member is None else (RATES[member], seeds[member])
    given = {"optimizer": xpnet.Momentum(rate), "batch_size": BATCH, "validation": SHUFFLED, "epochs": 8, "seed": seed}
    return given | more


def assert_members_of(net, records, singles, runs):
    """Compare members with networks alone, of which each may have stopped before the others."""
    for m, (single, expected) in enumerate(zip(singles, runs, strict=True)):
        for name, w in host(net.params).items():
            np.testing.assert_allclose(w[m], single.params[name], rtol=0, atol=TOLERANCE)
        for epoch, record in enumerate(records):
            reached = expected[min(epoch, len(expected) - 1)]
            assert record.train_loss[m] == pytest.approx(reached.train_loss, abs=TOLERANCE)
            assert record.validation_accuracy[m] == reached.validation_accuracy
            assert record.state.best.epoch[m] == reached.state.best.epoch
            assert record.state.best.loss[m] == pytest.approx(reached.state.best.loss, abs=TOLERANCE)
            if epoch < len(expected):
                np.testing.assert_allclose(record.batch_losses[:, m], reached.batch_losses, rtol=0, atol=TOLERANCE)
            else:
                assert np.isnan(record.batch_losses[:, m]).all()


@pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
@pytest.mark.parametrize("patience", [None, 1])
@pytest.mark.parametrize("seeds", [[4, 4, 4, 4], [4, 4, 5, 5], SEEDS], ids=["one seed", "two seeds", "seeds"])
@pytest.mark.parametrize("validation", [SHUFFLED, 0.4], ids=["pair", "fraction"])
def test_each_member_ends_as_a_network_alone(backend, patience, seeds, validation):
    net, singles = side_by_side(backend), [alone(m) for m in MEMBERS]
    more = {"patience": patience, "seeds": seeds, "validation": validation}
    records = xpnet.fit(net, X, LABELS, sample_weight=WEIGHTS, **options(**more))
    runs = [xpnet.fit(singles[m], X, LABELS, sample_weight=WEIGHTS, **options(m, **more)) for m in MEMBERS]
    if patience and validation is SHUFFLED:
        assert len({len(run) for run in runs}) > 1
    assert len(records) == max(map(len, runs))
    assert_members_of(net, records, singles, runs)


@pytest.mark.parametrize("seeds", [[4, 4, 4, 4], SEEDS], ids=["one seed", "seeds"])
def test_members_have_weights_of_their_own_until_they_stop(seeds):
    weight = np.stack([np.roll(WEIGHTS, m) for m in MEMBERS])
    net, singles = side_by_side(), [alone(m) for m in MEMBERS]
    more = {"patience": 1, "seeds": seeds}
    records = xpnet.fit(net, X, LABELS, sample_weight=weight, **options(**more))
    runs = [xpnet.fit(singles[m], X, LABELS, sample_weight=weight[m], **options(m, **more)) for m in MEMBERS]
    assert_members_of(net, records, singles, runs)


@pytest.mark.parametrize("kind", ["numbers", "one-hot", "ignored", "numerical"])
def test_members_with_samples_of_their_own_learn_what_each_would_alone(kind):
    loss = xpnet.MeanSquaredError() if kind == "numbers" else xpnet.SoftmaxCrossEntropy(ignore_index=0)
    t = {"numbers": NUMBERS, "one-hot": np.eye(C)[LABELS]}.get(kind, LABELS)
    more = {"validation": 0.4, "optimizer": xpnet.SGD(0.01), "epochs": 2}
    more["gradient"] = "numerical" if kind == "numerical" else "backpropagation"
    net, singles = side_by_side(loss=loss), [alone(m, loss=loss) for m in MEMBERS]
    records = xpnet.fit(net, X, t, **options(**more))
    runs = [xpnet.fit(singles[m], X, t, **options(m, **more)) for m in MEMBERS]
    for m in MEMBERS:
        for part in ("train", "validation"):
            for name, value in getattr(runs[m][-1], part).metrics.items():
                assert getattr(records[-1], part).metrics[name][m] == pytest.approx(value, abs=TOLERANCE)
        for name, w in host(net.params).items():
            np.testing.assert_allclose(w[m], singles[m].params[name], rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("epochs", [1, 2, 3, 5])
def test_they_go_on_from_a_state_as_if_they_had_not_been_interrupted(epochs):
    net, again = side_by_side(), side_by_side()
    records = xpnet.fit(net, X, LABELS, **options(patience=1))
    first = xpnet.fit(again, X, LABELS, **options(patience=1, epochs=epochs))
    state = pickle.loads(pickle.dumps(first[-1].state))
    rest = xpnet.fit(again, X, LABELS, state=state, **options(patience=1))
    assert len(first) + len(rest) == len(records)
    np.testing.assert_equal(host(again.params), host(net.params))
    for ours, theirs in zip(first + rest, records, strict=True):
        assert ours.validation == theirs.validation
        np.testing.assert_array_equal(ours.batch_losses, theirs.batch_losses)


def test_some_of_the_members_are_networks_themselves():
    net = side_by_side()
    part = net.of_members([3, 1])
    assert part.members == 2
    assert part.loss_function.label_smoothing == (0.2, 0.1)
    for name, w in part.params.items():
        np.testing.assert_array_equal(w, net.params[name][[3, 1]])
        w[...] = 0
        assert net.params[name][[3, 1]].any() or name.startswith("b")


@pytest.mark.parametrize("patience", [None, 1])
def test_names_all_members_whose_loss_is_not_finite(patience):
    net, rates = make(members=4, loss="mean_squared_error", activation="identity"), [1e-3, 1e200, 1e-2, 1e200]
    given = options(patience=patience) | {"optimizer": xpnet.SGD(rates), "validation": (X, NUMBERS)}
    with pytest.raises(xpnet.NonFiniteLossError, match=r"the loss of member 1 became") as caught:
        xpnet.fit(net, X, NUMBERS, **given)
    assert caught.value.members == (1, 3)
    assert pickle.loads(pickle.dumps(caught.value)).members == (1, 3)


@pytest.mark.parametrize("patience", [None, 1])
@pytest.mark.parametrize("validation", [SHUFFLED, 0.4], ids=["pair", "fraction"])
def test_members_have_samples_of_their_own(patience, validation):
    rows = np.stack([np.roll(np.arange(len(X)), m)[: len(X) - 2] for m in MEMBERS])
    net, singles = side_by_side(), [alone(m) for m in MEMBERS]
    more = {"patience": patience, "validation": validation}
    records = list(xpnet.fit_epochs(net, X, LABELS, sample_weight=WEIGHTS, rows=rows, **options(**more)))
    runs = [
        xpnet.fit(singles[m], X[rows[m]], LABELS[rows[m]], sample_weight=WEIGHTS[rows[m]], **options(m, **more))
        for m in MEMBERS
    ]
    assert_members_of(net, records, singles, runs)


@pytest.mark.parametrize(
    "rows", [[[0]] * 4, np.zeros((4, 2)), np.zeros((3, 2), int), np.full((4, 2), len(X)), np.full((4, 2), -1)]
)
def test_rows_are_checked(rows):
    with pytest.raises(ValueError, match=rf"rows must be a NumPy array of integers from 0 to {len(X) - 1}, shape"):
        xpnet.fit_epochs(side_by_side(), X, LABELS, rows=rows, **options())


def test_rows_do_not_go_with_shards():
    with pytest.raises(ValueError, match="shards=2 needs the same samples for all members: leave rows or shards out"):
        xpnet.fit_epochs(side_by_side(), X, LABELS, rows=np.zeros((4, 2), int), **options(shards=2))
