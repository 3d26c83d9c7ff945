"""Losses by their name: trained with, measured, asked and checked, for every kind of targets."""

import json

import numpy as np
import pytest
from command_line import records, xpnet

from xpnet.losses import LOSSES

X = np.random.default_rng(0).normal(size=(300, 3))
TARGETS = {
    "huber": 5000 + 100 * X[:, 0],
    "poisson": np.floor(2000 * np.exp(X[:, 0] / 2)),
    "binary_cross_entropy": (X[:, 0] > 0).astype(int),
    "multilabel_cross_entropy": np.stack([X[:, 0] > 0, X[:, 1] > 0.3], axis=1).astype(int),
}
HEADERS = {
    "huber": ["prediction"],
    "poisson": ["prediction"],
    "binary_cross_entropy": ["label", "0", "1"],
    "multilabel_cross_entropy": ["probability 0", "probability 1"],
}


@pytest.mark.parametrize("loss", TARGETS)
def test_a_loss_goes_through_all_commands(folder, loss):
    np.savez("data.npz", x=X, t=TARGETS[loss])
    options = ["--init", "xavier", "--optimizer", "adam", "--learning-rate", 0.02, "--batch-size", 20, "--epochs", 60]
    code, out, err = xpnet("train", "--data", "data.npz", "--loss", loss, *options, "--out", "run")
    assert (code, err) == (0, "")
    assert ("2 labels each" in out) is (loss == "multilabel_cross_entropy")
    result = json.loads(xpnet("evaluate", "run", "--json").out)
    last = records("run")[-1]
    for name in LOSSES[loss].task.metrics:
        assert result[name] == pytest.approx(last[f"test_{name}"], rel=1e-4)
        assert name in ("rmse", "mae") or result[name] > 0.85
    code, out, err = xpnet("predict", "run", "data.npz")
    header, *rows = [line.split(",") for line in out.splitlines()]
    assert header == HEADERS[loss]
    said = np.asarray(rows, float)
    if loss == "binary_cross_entropy":
        assert (said[:, 0] == TARGETS[loss]).mean() > 0.9
    elif loss == "multilabel_cross_entropy":
        assert ((said > 0.5) == TARGETS[loss]).mean() > 0.9
    else:
        assert np.corrcoef(said[:, 0], TARGETS[loss])[0, 1] > 0.95
        assert said.mean() == pytest.approx(TARGETS[loss].mean(), rel=0.1)
    code, out, err = xpnet("gradcheck", "--data", "data.npz", "--loss", loss, "--hidden", 5)
    assert (code, err) == (0, "")
    assert "verdict   PASS" in out


def test_evaluate_tells_of_each_label(folder):
    np.savez("data.npz", x=X, t=TARGETS["multilabel_cross_entropy"])
    options = ["--loss", "multilabel_cross_entropy", "--epochs", 2, "--out", "run", "--quiet", "--plot"]
    assert xpnet("train", "--data", "data.npz", *options) == (0, "", "")
    assert not (folder / "run" / "predictions.png").exists()
    first, header, *rows = xpnet("evaluate", "run").out.splitlines()
    assert first.startswith("data: all labels right ")
    assert header.split() == ["label", "right"]
    assert xpnet("report", "run").code == 0
    right = json.loads(xpnet("evaluate", "run", "--json").out)["label_accuracy"]
    assert [row.split() for row in rows] == [[str(i), f"{part:.2%}"] for i, part in enumerate(right)]


@pytest.mark.parametrize(
    ("loss", "t", "text"),
    [
        (
            "binary_cross_entropy",
            np.arange(300) % 3,
            "tells two classes apart, the data have 3: take softmax_cross_ent",
        ),
        ("multilabel_cross_entropy", 2 * TARGETS["binary_cross_entropy"], "t must hold numbers between 0 and 1, got 2"),
        ("poisson", X[:, 0], "t must hold numbers >= 0, got -"),
    ],
)
def test_targets_that_a_loss_cannot_learn_are_told_in_a_line(folder, loss, t, text):
    np.savez("data.npz", x=X, t=t)
    code, out, err = xpnet("train", "--data", "data.npz", "--loss", loss, "--out", "run")
    assert (code, out) == (2, "")
    assert err.count("\n") == 1
    assert text in err
    assert not (folder / "run").exists()
