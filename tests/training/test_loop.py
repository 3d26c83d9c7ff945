"""The training loop: against a loop written with the public pieces, its records, its order, and its errors.

Nearly all tests share a few shapes, since JAX compiles every operation once for each.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pytest

import xpnet
from xpnet import _random
from xpnet.training import evaluation
from xpnet.training import loop as training

D, H, C = 6, 5, 3
RECORD_KEYS = [
    "step",
    "epoch",
    "train_loss",
    "train_accuracy",
    "test_loss",
    "test_accuracy",
    "seconds",
    "samples_per_second",
]


@dataclass(frozen=True)
class Data:
    x_train: Any
    t_train: Any
    x_test: Any
    t_test: Any


def blobs(samples=64, tests=21, seed=0):
    """Return three clouds of points that a network can tell apart."""
    rng = np.random.default_rng(seed)
    t = rng.integers(0, C, size=samples + tests)
    x = rng.normal(size=(samples + tests, D)) * 0.5 + np.eye(C, D)[t] * 2
    return Data(x[:samples], t[:samples], x[samples:], t[samples:])


def numbers(samples=64, tests=21):
    """Return a linear relation that a network without activation can learn exactly."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(samples + tests, D))
    t = x @ rng.normal(size=(D, C)) + 1
    return Data(x[:samples], t[:samples], x[samples:], t[samples:])


def make(backend=None, *, outputs=C, **options):
    device = "cpu" if backend is None else backend.select()
    options = {"init": "xavier", "dtype": "float64", **options}
    return xpnet.TwoLayerNet(D, H, outputs, device=device, **options)


def host(params):
    return {name: xpnet.to_host(array).copy() for name, array in params.items()}


def figures(record):
    """Return what does not depend on the clock."""
    return {
        name: value for name, value in record.as_dict().items() if name not in ("seconds", "samples_per_second")
    } | {"batch_losses": record.batch_losses.tolist()}


# -- the loop


CASES = {
    "plain": ({}, {}),
    "one batch": ({}, {"batch_size": 1000}),
    "adam": ({"activation": "relu"}, {"optimizer": xpnet.Adam(0.05, weight_decay=0.01)}),
    "schedule": ({}, {"optimizer": xpnet.Momentum(xpnet.WarmUp(3, xpnet.CosineDecay(0.2, steps=9)))}),
    "clipping": ({}, {"max_gradient_norm": 0.05}),
    "numerical gradient": ({}, {"gradient": "numerical", "batch_size": 64}),
    "chapter's loss": ({"loss": "cross_entropy_error"}, {}),
    "options": (
        {},
        {"loss_options": {"label_smoothing": 0.1, "class_weight": np.asarray([1.0, 2.0, 0.5]), "ignore_index": 1}},
    ),
    "sample_weight": ({}, {"loss_options": {"sample_weight": np.linspace(0, 3, 64)}}),
}


@pytest.mark.parametrize("case", list(CASES))
def test_does_what_its_pieces_do_one_mini_batch_at_a_time(backend, case):
    net_options, fit_options = CASES[case]
    data, batch_size = blobs(), fit_options.get("batch_size", 10)  # 64 samples: the last mini-batch has 4
    net = make(backend, **net_options)
    records = list(xpnet.fit(net, data, **{"batch_size": 10, "epochs": 2, "seed": 4, **fit_options}))

    expected, optimizer = make(**net_options), fit_options.get("optimizer", xpnet.SGD(0.1))
    options = dict(fit_options.get("loss_options", {}))
    weights = options.pop("sample_weight", None)
    state, losses = optimizer.initial_state(expected.params), []
    for epoch in (1, 2):
        order = _random.generator(4, "epoch", epoch).permutation(64)
        for start in range(0, 64, batch_size):
            rows = order[start : start + batch_size]
            x, t = data.x_train[rows], data.t_train[rows]
            own = options if weights is None else {**options, "sample_weight": weights[rows]}
            losses.append(float(expected.loss(x, t, **own)))
            gradients = expected.gradient(x, t, **own)
            if max_norm := fit_options.get("max_gradient_norm"):
                gradients = xpnet.clip_gradient_norm(gradients, max_norm)
            optimizer.update(expected.params, gradients, state)

    np.testing.assert_allclose(np.concatenate([record.batch_losses for record in records]), losses, rtol=1e-9)
    for name, w in host(net.params).items():
        np.testing.assert_allclose(w, expected.params[name], rtol=1e-9, atol=1e-12)
    last = records[-1]
    own = options if weights is None else {**options, "sample_weight": weights}
    assert last.train_loss == pytest.approx(float(expected.loss(data.x_train, data.t_train, **own)), rel=1e-9)
    assert last.test_loss == pytest.approx(float(expected.loss(data.x_test, data.t_test, **options)), rel=1e-9)


def test_backends_agree_on_the_first_50_losses(backend):
    def losses(backend):
        net = make(backend, dtype="float64", init="normal:0.01")
        records = list(xpnet.fit(net, blobs(), batch_size=10, epochs=8, seed=2))
        return np.concatenate([record.batch_losses for record in records])[:50]

    expected = losses(None)
    assert expected.shape == (50,)
    np.testing.assert_allclose(losses(backend), expected, rtol=1e-6)


def test_the_same_seed_gives_the_same_figures_twice(backend):
    data = blobs()
    runs = [[figures(r) for r in xpnet.fit(make(backend), data, epochs=2, batch_size=10, seed=7)] for _ in range(2)]
    assert runs[0] == runs[1]
    other = [figures(record) for record in xpnet.fit(make(backend), data, epochs=2, batch_size=10, seed=8)]
    assert other != runs[0]


@pytest.mark.parametrize("block_bytes", [1, 4 * 2**20])
def test_every_epoch_is_a_permutation(monkeypatch, block_bytes):
    """With no learning to speak of, each loss says which sample it comes from: those of one sample are 4 ** n."""
    monkeypatch.setattr(training, "_BLOCK_BYTES", block_bytes)
    n = 11
    x = np.zeros((n, D))
    t = 2.0 ** np.arange(n)[:, None] * np.sqrt(2.0)
    for batch_size, sizes in ((1, [1] * n), (4, [4, 4, 3]), (n, [n]), (50, [n])):
        net = make(outputs=1, loss="mean_squared_error", init="normal:1e-200")
        records = xpnet.fit(net, Data(x, t, x, t), epochs=3, batch_size=batch_size, optimizer=xpnet.SGD(1e-200))
        orders = []
        for record in records:
            used = [format(round(total), "b")[::-1] for total in record.batch_losses * np.asarray(sizes)]
            samples = [{place // 2 for place, bit in enumerate(bits) if bit == "1"} for bits in used]
            assert [len(batch) for batch in samples] == sizes
            assert set().union(*samples) == set(range(n))
            orders.append(samples)
        if len(sizes) > 1:
            assert orders[0] != orders[1] != orders[2]


@pytest.mark.parametrize("activation", ["sigmoid", "relu"])
def test_learns(backend, activation):
    net = make(backend, activation=activation)
    *_, last = xpnet.fit(net, blobs(), epochs=20, batch_size=10, optimizer=xpnet.Adam(0.05))
    assert last.test_accuracy >= 0.9
    assert last.train_loss < 0.3


def test_learns_numbers(backend):
    data = numbers()
    net = make(backend, loss="mean_squared_error", activation="identity")
    *_, last = xpnet.fit(net, data, epochs=50, batch_size=10, optimizer=xpnet.Momentum(0.02))
    assert last.train_accuracy is None
    assert last.test_accuracy is None
    assert last.test_loss < 1e-5
    assert xpnet.evaluate(net, data.x_test, data.t_test) == (last.test_loss, None)
    np.testing.assert_allclose(xpnet.to_host(net.predict(backend.asarray(data.x_test))), data.t_test, atol=0.02)


# -- members


@pytest.mark.parametrize(("optimizer", "max_norm"), [(xpnet.Momentum, None), (xpnet.Adam, 0.05)])
def test_each_member_learns_as_a_network_of_its_own(backend, optimizer, max_norm):
    data, rates = blobs(), [0.3, 0.1, 0.01]
    options = {"epochs": 2, "batch_size": 32, "max_gradient_norm": max_norm}
    many = make(backend, members=3)
    start = host(many.params)
    records = list(xpnet.fit(many, data, optimizer=optimizer(learning_rate=backend.asarray(rates)), **options))
    assert records[0].batch_losses.shape == (2, 3)
    for m, rate in enumerate(rates):
        single = make()
        single.params = {name: w[m].copy() for name, w in start.items()}
        expected = list(xpnet.fit(single, data, optimizer=optimizer(learning_rate=rate), **options))
        for name, w in host(many.params).items():
            np.testing.assert_allclose(w[m], single.params[name], rtol=1e-9, atol=1e-12)
        for ours, theirs in zip(records, expected, strict=True):
            np.testing.assert_allclose(ours.batch_losses[:, m], theirs.batch_losses, rtol=1e-10)
            for name in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
                assert getattr(ours, name)[m] == pytest.approx(getattr(theirs, name), rel=1e-10)


# -- records and evaluation


def test_a_record_counts_steps_and_knows_its_keys(backend):
    net = make(backend)
    first, second = xpnet.fit(net, blobs(), epochs=2, batch_size=10)
    assert list(first.as_dict()) == RECORD_KEYS
    assert [(r.epoch, r.step, r.batch_losses.shape) for r in (first, second)] == [(1, 7, (7,)), (2, 14, (7,))]
    assert all(type(first.as_dict()[key]) in (int, float) for key in RECORD_KEYS)
    assert 0 < first.seconds < second.seconds
    assert first.samples_per_second > 64 / first.seconds / 1.01


def test_default_is_the_chapters_ten_thousand_steps_in_whole_epochs():
    data = blobs(samples=10)
    records = xpnet.fit(make(), data, batch_size=3)
    assert next(records).step == 4
    records.close()
    n = 250 * 100  # 250 steps an epoch, so 40 epochs
    data = Data(np.zeros((n, D)), np.zeros(n, int), data.x_test, data.t_test)
    seen = [record.step for record in xpnet.fit(make(), data)]
    assert (len(seen), seen[-1]) == (40, 10_000)


@pytest.mark.parametrize(
    ("limit", "value"), [("_ROWS", 10), ("_ROWS", 8192), ("_HIDDEN_BYTES", 1), ("_HIDDEN_BYTES", 999)]
)
def test_evaluates_in_pieces(backend, monkeypatch, close, limit, value):
    monkeypatch.setattr(evaluation, limit, value)
    net, data = make(backend), blobs()
    options = {"class_weight": np.asarray([1.0, 2.0, 0.5]), "sample_weight": np.linspace(0, 1, 64)}
    loss, accuracy = xpnet.evaluate(net, data.x_train, data.t_train, **options)
    assert loss == pytest.approx(float(make().loss(data.x_train, data.t_train, **options)), rel=1e-12)
    assert accuracy == pytest.approx(float(make().accuracy(data.x_train, data.t_train)), rel=1e-12)
    one_hot = np.eye(C)[data.t_train]
    assert xpnet.evaluate(net, data.x_train, one_hot, **options) == pytest.approx((loss, accuracy), rel=1e-12)
    assert xpnet.evaluate(net, backend.asarray(data.x_train), backend.asarray(data.t_train), **options) == (
        loss,
        accuracy,
    )


@pytest.mark.parametrize("ignore_index", [-100, 1])
def test_ignored_samples_do_not_count_in_the_accuracy(backend, ignore_index):
    data = blobs()
    t = np.where(data.t_train == 1, ignore_index, data.t_train)
    kept = data.t_train != 1
    net = make(backend)
    expected = xpnet.evaluate(net, data.x_train[kept], data.t_train[kept])
    assert xpnet.evaluate(net, data.x_train, t, ignore_index=ignore_index) == pytest.approx(expected, rel=1e-12)
    assert xpnet.evaluate(net, data.x_train, np.full_like(t, -100)) == (0.0, 0.0)


def test_data_are_left_as_they_are(backend):
    data = blobs()
    on_device = Data(*(backend.asarray(getattr(data, name)) for name in ("x_train", "t_train", "x_test", "t_test")))
    list(xpnet.fit(make(backend), on_device, epochs=1))
    for name in ("x_train", "t_train", "x_test", "t_test"):
        np.testing.assert_array_equal(xpnet.to_host(getattr(on_device, name)), getattr(data, name))


@pytest.mark.parametrize("dtype", ["uint8", "int32", "int64"])
def test_labels_may_have_any_integer_dtype_and_be_read_only(backend, dtype):
    data = blobs()
    t = data.t_train.astype(dtype)
    t.flags.writeable = False
    (expected,) = xpnet.fit(make(backend), data, epochs=1)
    (actual,) = xpnet.fit(make(backend), replace(data, t_train=t), epochs=1)
    assert figures(actual) == figures(expected)


# -- what stops it


def test_a_loss_that_is_not_finite_names_step_and_rate_and_restores_the_last_record(backend):
    data = blobs()
    data.x_train[13, 2] = np.nan
    where = int(np.flatnonzero(_random.generator(0, "epoch", 1).permutation(64) == 13)[0]) // 10
    net = make(backend)
    before = host(net.params)
    match = rf"the loss became nan after step {where} with learning_rate=0.1: lower .* parameters of the last record"
    with pytest.raises(xpnet.NonFiniteLossError, match=match):
        next(xpnet.fit(net, data, batch_size=10, epochs=3))
    np.testing.assert_equal(host(net.params), before)


def test_the_rate_of_a_schedule_is_that_of_the_step(backend):
    net = make(backend, loss="mean_squared_error", activation="identity")
    rate = xpnet.SGD(lambda step: 1e-3 if step < 9 else 1e160)
    records = xpnet.fit(net, numbers(), batch_size=10, epochs=3, optimizer=rate)
    assert next(records).epoch == 1
    kept = host(net.params)
    with pytest.raises(xpnet.NonFiniteLossError, match=r"the loss became (inf|nan) after step 1\d with .*=1e\+160"):
        next(records)
    np.testing.assert_equal(host(net.params), kept)


def test_a_loss_that_overflows_in_the_last_step_is_not_recorded(backend):
    net = make(backend, loss="mean_squared_error", activation="identity")
    before = host(net.params)
    with pytest.raises(xpnet.NonFiniteLossError, match=r"became (inf|nan) after step 1 with learning_rate=1e\+200"):
        list(xpnet.fit(net, numbers(), batch_size=64, epochs=1, optimizer=xpnet.SGD(1e200)))
    np.testing.assert_equal(host(net.params), before)


def test_names_the_member_whose_loss_is_not_finite(backend):
    net = make(backend, loss="mean_squared_error", activation="identity", members=3)
    optimizer = xpnet.SGD(backend.asarray([1e-3, 1e200, 1e-2]))
    with pytest.raises(xpnet.NonFiniteLossError, match=r"the loss of member 1 became .* learning_rate=1e\+200"):
        list(xpnet.fit(net, numbers(), batch_size=10, epochs=2, optimizer=optimizer))


def test_arguments_are_checked_before_the_first_record_is_asked_for():
    with pytest.raises(ValueError, match=r"batch_size must be an integer >= 1, got 0"):
        xpnet.fit(make(), blobs(), batch_size=0)


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        ({"x_train": np.zeros((64, 5))}, ValueError, r"x_train must have shape \(samples, 6\), got \(64, 5\)"),
        ({"x_test": np.zeros((21, 6, 1))}, ValueError, r"x_test must have shape \(samples, 6\), got \(21, 6, 1\)"),
        ({"x_train": np.zeros((0, 6))}, ValueError, r"x_train must have shape \(samples, 6\), got \(0, 6\)"),
        ({"t_train": np.zeros(63, int)}, ValueError, r"t: integer labels .* must have shape \(64,\), got \(63,\)"),
        ({"t_test": np.zeros(21)}, ValueError, r"t: targets .* got \(21,\): reshape t, or make class labels integers"),
        ({"t_train": np.full(64, 3)}, ValueError, r"t_train must hold labels in 0\.\.2 or .*, got 3: count classes"),
        ({"t_test": np.full(21, -1)}, ValueError, r"t_test must hold labels in 0\.\.2 or ignore_index=-100, got -1"),
    ],
)
def test_refuses_data_that_do_not_fit(backend, change, error, match):
    with pytest.raises(error, match=match):
        next(xpnet.fit(make(backend), replace(blobs(), **change)))


@pytest.mark.parametrize(
    ("options", "error", "match"),
    [
        ({"gradient": "symbolic"}, ValueError, r"gradient must be one of backpropagation, numerical; got 'symbolic'"),
        ({"batch_size": 0}, ValueError, r"batch_size must be an integer >= 1, got 0"),
        ({"epochs": 0}, ValueError, r"epochs must be an integer >= 1, got 0"),
        ({"epochs": 1.5}, TypeError, r"epochs must be an integer, got 1.5"),
        ({"seed": -1}, ValueError, r"seed must be an integer >= 0, got -1"),
        ({"max_gradient_norm": 0.0}, ValueError, r"max_gradient_norm must be a finite number > 0, got 0.0"),
        ({"loss_options": {"label_smoothing": 2}}, ValueError, r"label_smoothing must be a number in \[0, 1\], got 2"),
        ({"loss_options": {"sample_weight": np.ones((3, 64))}}, ValueError, r"sample_weight .* \(64,\), got \(3, 64\)"),
        ({"loss_options": {"sample_weight": [1.0] * 64}}, TypeError, r"sample_weight must be an array .* got list"),
    ],
)
def test_refuses_arguments_that_do_not_fit(backend, options, error, match):
    with pytest.raises(error, match=match):
        next(xpnet.fit(make(backend), blobs(), **options))
