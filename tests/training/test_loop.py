"""The training loop: against a loop written with the public pieces, its transfers, and what stops it."""

from collections import Counter

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, TRAIN, VALIDATION, WEIGHTS, D, H, X, host, make, member_of

import xpnet
from xpnet import _random
from xpnet.optimizers import Rule
from xpnet.training import evaluation, loop, step

STEPS = 4
OPERATIONS = D + H + BATCH + 16
TOLERANCE = 2**STEPS * STEPS * OPERATIONS * np.finfo("float64").eps * 100
"""How far two trainings of 4 steps can be apart.

A step adds as many roundings as a gradient has operations in a row, of terms below 100 here; and descent at a rate of
0.1 at most doubles what was there, since no second derivative is above 10.
"""

CASES = {
    "plain": ({}, {}),
    "adam": ({"activation": "relu"}, {"optimizer": xpnet.Adam(0.05, epsilon=0.1, weight_decay=0.01)}),
    "schedule": ({}, {"optimizer": xpnet.Momentum(xpnet.CosineDecay(0.2, steps=9))}),
    "clipping": ({}, {"optimizer": xpnet.SGD(max_gradient_norm=0.05)}),
    "one batch": ({}, {"batch_size": 1000}),
    "numerical gradient": ({}, {"gradient": "numerical", "batch_size": 12}),
    "chapter's loss": ({"loss": "softmax_cross_entropy_error"}, {}),
    "options": (
        {"loss": xpnet.SoftmaxCrossEntropy(label_smoothing=0.1, class_weight=[1.0, 2.0, 0.5], ignore_index=1)},
        {"sample_weight": WEIGHTS[:24]},
    ),
}


def trained_by_hand(net, *, batch_size=BATCH, optimizer=None, sample_weight=None, gradient=None):
    """Return the losses before each step of two epochs, from the public pieces alone."""
    optimizer, losses = optimizer or xpnet.SGD(0.1), []
    (x, t), state = TRAIN, optimizer.initial_state(net.params)
    for epoch in (1, 2):
        order = _random.generator(4, "epoch", epoch).permutation(24)
        for start in range(0, 24, batch_size):
            rows = order[start : start + batch_size]
            weight = None if sample_weight is None else sample_weight[rows]
            loss, gradients = net.loss_and_gradient(x[rows], t[rows], sample_weight=weight)
            optimizer.update(net.params, gradients, state)
            losses.append(float(loss))
    return losses


def assert_does_what_its_pieces_do(net, net_options, fit_options):
    options = {"batch_size": BATCH, "epochs": 2, "seed": 4, "validation": VALIDATION, **fit_options}
    records, expected = xpnet.fit(net, *TRAIN, **options), make(**net_options)
    losses = trained_by_hand(expected, **fit_options)
    np.testing.assert_allclose(np.concatenate([r.batch_losses for r in records]), losses, rtol=0, atol=TOLERANCE)
    for name, w in host(net.params).items():
        np.testing.assert_allclose(w, expected.params[name], rtol=0, atol=TOLERANCE)
    weight = fit_options.get("sample_weight")
    exact = {"rel": 0, "abs": TOLERANCE}
    assert records[-1].train_loss == pytest.approx(float(expected.loss(*TRAIN, sample_weight=weight)), **exact)
    assert records[-1].validation_loss == pytest.approx(float(expected.loss(*VALIDATION)), **exact)


@pytest.mark.parametrize("case", CASES)
def test_does_what_its_pieces_do_one_mini_batch_at_a_time(case):
    net_options, fit_options = CASES[case]
    assert_does_what_its_pieces_do(make(**net_options), net_options, fit_options)


@pytest.mark.parametrize("case", ["adam", "options"])
def test_does_the_same_on_every_library(backend, case):
    net_options, fit_options = CASES[case]
    assert_does_what_its_pieces_do(make(backend, **net_options), net_options, fit_options)


def test_libraries_agree_on_the_first_50_losses(backend):
    expected, actual = (
        np.concatenate(
            [
                record.batch_losses
                for record in xpnet.fit(make(own, init="normal:0.01"), *TRAIN, batch_size=BATCH, epochs=25)
            ]
        )
        for own in (None, backend)
    )
    assert expected.shape == (50,)
    np.testing.assert_allclose(actual, expected, rtol=1e-6)  # what the project promises for any two devices


@pytest.mark.parametrize("sizes", [[1] * 11, [4, 4, 3], [11]], ids=str)
def test_every_epoch_trains_on_every_sample_once(sizes):
    """With no learning to speak of, each loss says which sample it comes from: those of one sample are 4 ** n."""
    x, t = np.zeros((11, D)), 2.0 ** np.arange(11)[:, None] * np.sqrt(2.0)
    net = xpnet.TwoLayerNet(D, H, 1, loss="mean_squared_error", init="normal:1e-200", dtype="float64")
    records = xpnet.fit(net, x, t, epochs=3, batch_size=sizes[0], optimizer=xpnet.SGD(1e-200))
    orders = []
    for record in records:
        used = [format(round(total), "b")[::-1] for total in record.batch_losses * np.asarray(sizes)]
        samples = [{place // 2 for place, bit in enumerate(bits) if bit == "1"} for bits in used]
        assert [len(batch) for batch in samples] == sizes
        assert set().union(*samples) == set(range(11))
        orders.append(samples)
    if len(sizes) > 1:
        assert orders[0] != orders[1] != orders[2]


@pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
def test_each_member_learns_as_a_network_of_its_own(backend):
    rates, norms = [0.1, 0.01], [0.05, 1.0]
    many = make(backend, members=2)
    singles = [member_of(many, member) for member in range(2)]
    data, options = (X[:BATCH], LABELS[:BATCH]), {"epochs": STEPS, "batch_size": BATCH}
    records = xpnet.fit(many, *data, optimizer=xpnet.Momentum(rates, max_gradient_norm=norms), **options)
    assert records[0].batch_losses.shape == (1, 2)
    for m, (rate, norm) in enumerate(zip(rates, norms, strict=True)):
        expected = xpnet.fit(singles[m], *data, optimizer=xpnet.Momentum(rate, max_gradient_norm=norm), **options)
        for name, w in host(many.params).items():
            np.testing.assert_allclose(w[m], singles[m].params[name], rtol=0, atol=TOLERANCE)
        for ours, theirs in zip(records, expected, strict=True):
            np.testing.assert_allclose(ours.batch_losses[:, m], theirs.batch_losses, rtol=0, atol=TOLERANCE)
            assert ours.train_loss[m] == pytest.approx(theirs.train_loss, rel=0, abs=TOLERANCE)
            assert ours.train_accuracy[m] == theirs.train_accuracy


# -- transfers


@pytest.mark.parametrize("members", [None, 2])
def test_one_pass_and_one_read_an_epoch(monkeypatch, members):
    counts = Counter()

    def counting(name, function):
        def counted(*args, **options):
            counts[name] += 1
            return function(*args, **options)

        return counted

    monkeypatch.setattr(loop, "to_host", counting("reads", loop.to_host))
    monkeypatch.setattr(evaluation, "to_host", counting("reads of evaluation", evaluation.to_host))
    monkeypatch.setattr(step.Descent, "step", counting("steps", step.Descent.step))
    monkeypatch.setattr(evaluation, "forward", counting("evaluations", evaluation.forward))
    records = xpnet.fit_epochs(
        make(members=members), X, LABELS, validation=VALIDATION, batch_size=BATCH, epochs=2, optimizer=xpnet.Adam()
    )
    assert not counts
    monkeypatch.setattr(xpnet.Device, "asarray", counting("uploads", xpnet.Device.asarray))
    for epoch in (1, 2):
        next(records)
        # The order of the epoch goes there, and all losses and metrics come back together.
        assert counts == {"reads": epoch, "uploads": epoch, "steps": 3 * epoch, "evaluations": 2 * epoch}


# -- what is compiled


@pytest.mark.parametrize(
    ("members", "validation"), [(None, VALIDATION), (2, VALIDATION), (2, 0.4)], ids=["one", "members", "own samples"]
)
def test_nothing_stays_of_what_compiles_kernels_and_no_rate_holds_its_time(monkeypatch, members, validation):
    def records():
        options = {"validation": validation, "batch_size": BATCH, "epochs": 2, "optimizer": xpnet.Adam()}
        seed, weight = (None, WEIGHTS) if members is None else ([0, 1], None)
        return xpnet.fit(make(members=members), X, LABELS, seed=seed, sample_weight=weight, **options)

    plain = records()
    clock, compiled = [0], []

    def compiling(*arguments):
        compile_kernels(*arguments)
        compiled.append(arguments)
        clock[0] += 1000

    def now():
        clock[0] += 1
        return clock[0]

    compile_kernels = loop._compile
    monkeypatch.setattr(loop, "_compile", compiling)
    monkeypatch.setattr(loop.time, "perf_counter", now)
    monkeypatch.setattr(xpnet.Device, "compiles", True)
    for record, expected in zip(records(), plain, strict=True):
        np.testing.assert_array_equal(record.batch_losses, expected.batch_losses)
        assert (record.train, record.validation) == (expected.train, expected.validation)
        np.testing.assert_equal(record.state.params, expected.state.params)
        np.testing.assert_equal(vars(record.state.optimizer), vars(expected.state.optimizer))
        assert record.samples_per_second > len(X) / 1000
        assert record.seconds > 1000
    assert len(compiled) == 1


# -- what stops it


def test_a_loss_that_is_not_finite_names_step_and_rate_and_restores_the_last_record(backend):
    x, t = TRAIN[0].copy(), TRAIN[1]
    x[13, 2] = np.nan
    where = int(np.flatnonzero(_random.generator(0, "epoch", 1).permutation(24) == 13)[0]) // BATCH
    net = make(backend)
    before = host(net.params)
    match = rf"the loss became nan after step {where} with learning_rate=0.1: lower .* parameters of the last record"
    with pytest.raises(xpnet.NonFiniteLossError, match=match):
        xpnet.fit(net, x, t, batch_size=BATCH, epochs=3)
    np.testing.assert_equal(host(net.params), before)


def diverging(rate, **options):
    net = make(loss="mean_squared_error", activation="identity", **options)
    return net, xpnet.fit_epochs(net, X, NUMBERS, batch_size=10, epochs=3, optimizer=xpnet.SGD(rate))


def test_the_rate_of_a_schedule_is_that_of_the_step():
    net, records = diverging(lambda step: 1e-3 if step < 5 else 1e160)
    assert next(records).epoch == 1
    kept = host(net.params)
    with pytest.raises(xpnet.NonFiniteLossError, match=r"the loss became (inf|nan) after step 6 with .*=1e\+160"):
        next(records)
    np.testing.assert_equal(host(net.params), kept)


def test_a_loss_that_overflows_in_the_last_step_is_not_recorded():
    net, records = diverging(lambda step: 1e-3 if step < 3 else 1e200)
    before = host(net.params)
    with pytest.raises(xpnet.NonFiniteLossError, match=r"became (inf|nan) after step 4 with learning_rate=1e\+200"):
        next(records)
    np.testing.assert_equal(host(net.params), before)


def test_names_the_member_whose_loss_is_not_finite():
    _, records = diverging([1e-3, 1e200, 1e-2], members=3)
    with pytest.raises(xpnet.NonFiniteLossError, match=r"the loss of member 1 became .* learning_rate=1e\+200"):
        next(records)


def test_an_interrupt_leaves_the_parameters_of_the_last_record(monkeypatch):
    net = make()
    records = xpnet.fit_epochs(net, X, LABELS, batch_size=BATCH, epochs=3)
    kept = host(next(records).state.params)
    steps = Counter()
    apply = Rule.apply

    def interrupted(*args, **options):
        steps["done"] += 1
        if steps["done"] == 3:
            raise KeyboardInterrupt
        apply(*args, **options)

    monkeypatch.setattr(Rule, "apply", interrupted)
    with pytest.raises(KeyboardInterrupt):
        next(records)
    np.testing.assert_equal(host(net.params), kept)
