"""Evaluation: losses and metrics against their formulas, in pieces, for members, and what is missing."""

from collections import Counter

import numpy as np
import pytest
from small_networks import BATCH, LABELS, NUMBERS, SAMPLES, WEIGHTS, C, X, make, member_of, rounding, targets

import xpnet
from xpnet.network import base
from xpnet.training import evaluation

EPS = np.finfo("float64").eps


def scikit_learn(t, y):
    """Return RMSE, MAE and R² as scikit-learn defines them, with its default ``multioutput="uniform_average"``."""
    squares = ((t - y) ** 2).sum(axis=0)
    spread = ((t - t.mean(axis=0)) ** 2).sum(axis=0)
    r2 = [1 - a / b if b else float(a == 0) for a, b in zip(squares, spread, strict=True)]
    return {"rmse": np.sqrt(squares / len(t)).mean(), "mae": abs(t - y).mean(axis=0).mean(), "r2": np.mean(r2)}


def test_classes(backend, monkeypatch):
    monkeypatch.setattr(base, "_PIECE_ROWS", 16)
    loss = xpnet.SoftmaxCrossEntropy(class_weight=[1.0, 2.0, 0.5], ignore_index=1)
    net, cpu, counted = make(backend, loss=loss), make(loss=loss), LABELS != 1
    result = xpnet.evaluate(net, X, LABELS, sample_weight=WEIGHTS)
    bound, _ = rounding(cpu, X, LABELS, sample_weight=WEIGHTS)
    assert result.loss == pytest.approx(float(cpu.loss(X, LABELS, sample_weight=WEIGHTS)), rel=0, abs=bound)
    assert result.accuracy == pytest.approx((cpu(X).argmax(axis=1) == LABELS)[counted].mean(), rel=EPS)
    assert result.metrics == {"accuracy": result.accuracy}
    on_device = [backend.asarray(array) for array in (X, LABELS, WEIGHTS)]
    assert xpnet.evaluate(net, *on_device[:2], sample_weight=on_device[2]) == result


@pytest.mark.parametrize("rows", [7, 8192])
@pytest.mark.parametrize("loss", [xpnet.SoftmaxCrossEntropy(), xpnet.SoftmaxCrossEntropyError(label_smoothing=0.1)])
@pytest.mark.parametrize("t", [LABELS, np.eye(C)[LABELS], np.eye(C, dtype=int)[LABELS]], ids=lambda t: str(t.dtype))
def test_classes_in_any_form_and_pieces(monkeypatch, rows, loss, t):
    monkeypatch.setattr(base, "_PIECE_ROWS", rows)
    net = make(loss=loss)
    result = xpnet.evaluate(net, X, t)
    assert result.loss == pytest.approx(float(net.loss(X, t)), rel=0, abs=rounding(net, X, t)[0])
    assert result.accuracy == float((net.predict(X) == LABELS).mean())


def test_numbers(backend, monkeypatch):
    monkeypatch.setattr(base, "_PIECE_ROWS", 16)
    net, cpu = make(backend, loss="mean_squared_error"), make(loss="mean_squared_error")
    result, expected = xpnet.evaluate(net, X, NUMBERS), scikit_learn(NUMBERS, cpu(X))
    assert list(result.metrics) == list(expected)
    # Sums of squares of 40 samples: each is off by 40 roundings, an error by those of an output, R² by both sums.
    for name, value in expected.items():
        scale = 1 + abs(expected["r2"]) if name == "r2" else value
        assert getattr(result, name) == pytest.approx(value, rel=0, abs=4 * (SAMPLES + 20) * EPS * scale)
    bound, _ = rounding(cpu, X, NUMBERS)
    assert result.loss == pytest.approx(float(cpu.loss(X, NUMBERS)), rel=0, abs=bound)


def test_numbers_that_do_not_vary_have_the_r2_of_scikit_learn():
    net = make(loss="mean_squared_error")
    for name in ("W2", "b2"):
        net.params[name][...] = 0
    t = np.stack([np.full(SAMPLES, 0.0), np.full(SAMPLES, 2.0), np.arange(SAMPLES)], axis=1)
    result = xpnet.evaluate(net, X, t)
    assert result.metrics == pytest.approx(scikit_learn(t, net(X)), rel=SAMPLES * EPS)
    assert xpnet.evaluate(net, X, np.zeros((SAMPLES, C))).r2 == 1


@pytest.mark.parametrize("loss", xpnet.losses.LOSSES)
def test_members_have_lists_of_what_each_has_alone(backend, loss):
    net = make(backend, loss=loss, members=2)
    x, t = X[:BATCH], targets(net)[:BATCH]
    result = xpnet.evaluate(net, x, t)
    assert all(isinstance(values, list) and len(values) == 2 for values in (result.loss, *result.metrics.values()))
    for member in range(2):
        single = member_of(net, member)
        alone = xpnet.evaluate(single, x, t)
        bound, _ = rounding(single, x, t)
        assert result.loss[member] == pytest.approx(alone.loss, rel=0, abs=bound)
        for name, value in alone.metrics.items():
            assert result.metrics[name][member] == pytest.approx(value, rel=4 * (SAMPLES + 20) * EPS)


def test_where_all_is_ignored_there_is_nothing():
    result = xpnet.evaluate(make(), X, np.full(SAMPLES, -100))
    assert (result.loss, result.accuracy) == (0.0, 0.0)


def test_one_pass_and_one_read(monkeypatch):
    counts = Counter()
    forward, to_host = evaluation.forward, evaluation.to_host

    def counting_forward(params, x, **options):
        counts["rows"] += len(x)
        return forward(params, x, **options)

    def counting_to_host(array):
        counts["reads"] += 1
        return to_host(array)

    monkeypatch.setattr(base, "_PIECE_ROWS", 7)
    monkeypatch.setattr(evaluation, "forward", counting_forward)
    monkeypatch.setattr(evaluation, "to_host", counting_to_host)
    xpnet.evaluate(make(), X, LABELS)
    assert counts == {"rows": SAMPLES, "reads": 1}


def test_says_which_metrics_there_are():
    result = xpnet.evaluate(make(), X, LABELS)
    for name in ("rmse", "mae", "r2"):
        with pytest.raises(ValueError, match=rf"this network's loss gives no {name}, but accuracy: use one of these"):
            getattr(result, name)
    numbers = xpnet.evaluate(make(loss="mean_squared_error"), X, NUMBERS)
    with pytest.raises(ValueError, match=r"gives no accuracy, but rmse, mae, r2"):
        _ = numbers.accuracy


def test_refuses_data_that_do_not_fit():
    with pytest.raises(ValueError, match=r"x must have shape \(samples, 6\), got \(40, 5\)"):
        xpnet.evaluate(make(), X[:, 1:], LABELS)
