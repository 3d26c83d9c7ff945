"""Records: what they count, what they are called, and what a type checker makes of them."""

import pickle
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from html_pages import Page
from small_networks import BATCH, LABELS, NUMBERS, VALIDATION, X, make

import xpnet

CLASSES = ["loss", "accuracy"]
REGRESSION = ["loss", "rmse", "mae", "r2"]


@pytest.mark.parametrize(
    ("loss", "t", "measures"),
    [("softmax_cross_entropy", LABELS, CLASSES), ("mean_squared_error", NUMBERS, REGRESSION)],
    ids=["classes", "numbers"],
)
@pytest.mark.parametrize("members", [None, 2])
def test_names_its_numbers(loss, t, measures, members):
    net, options = make(loss=loss, members=members), {"batch_size": BATCH, "epochs": 2}
    first, second = xpnet.fit(net, X, t, validation=(X[:BATCH], t[:BATCH]), **options)
    names = [f"{part}_{measure}" for part in ("train", "validation") for measure in measures]
    assert list(first.as_dict()) == ["step", "epoch", *names, "seconds", "samples_per_second"]
    assert list(first.as_dict("test"))[-2 - len(measures)] == "test_loss"
    for name in names:
        part, _, measure = name.partition("_")
        evaluation = getattr(second, part)
        value = second.as_dict()[name]
        assert value == (evaluation.loss if measure == "loss" else evaluation.metrics[measure])
        assert isinstance(value, float if members is None else list)
    assert [(r.epoch, r.step, r.epochs, len(r.batch_losses)) for r in (first, second)] == [(1, 3, 2, 3), (2, 6, 2, 3)]
    assert first.batch_losses.shape == ((3,) if members is None else (3, 2))
    assert second.train_loss == second.train.loss
    assert second.validation_loss == second.validation.loss


def test_its_clock_runs_from_the_first_epoch_on():
    first, second = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=2)
    assert 0 < first.seconds < second.seconds
    # The first epoch took less than all the time until its record, and the second no more than between the two.
    assert first.samples_per_second >= len(X) / first.seconds
    assert second.samples_per_second >= len(X) / (second.seconds - first.seconds) * 0.5


def test_without_validation_says_how_to_get_one():
    (record,) = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=1)
    assert record.validation is None
    assert not any("validation" in name for name in record.as_dict())
    for name in ("validation_loss", "validation_accuracy"):
        with pytest.raises(ValueError, match=r"this record has no validation: call fit with validation=0.2, or a pair"):
            getattr(record, name)


def test_can_be_pickled():
    (record,) = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=1, validation=VALIDATION)
    again = pickle.loads(pickle.dumps(record))
    assert again.as_dict() == record.as_dict()
    np.testing.assert_array_equal(again.batch_losses, record.batch_losses)


TYPED = """
import numpy as np
import xpnet

x, t = np.zeros((4, 2)), np.zeros(4, int)
net = xpnet.TwoLayerNet(2, 3, 2)
best: xpnet.Record[float] | None = None
for record in xpnet.fit_epochs(net, x, t, validation=0.5):
    if best is None or record.validation_loss < best.validation_loss:
        best = record
lowest: float = min(record.train_loss for record in xpnet.fit(net, x, t))
accuracy: float = xpnet.evaluate(net.to("cpu"), x, t).accuracy
numbers: xpnet.TwoLayerNet[float] = xpnet.TwoLayerNet(2, 3, 1, loss=xpnet.MeanSquaredError())
rmse: float = xpnet.fit(numbers, x, t, validation=(x, t))[-1].train.rmse
if best is not None:
    xpnet.fit(net, x, t, state=best.state, optimizer=xpnet.Adam(0.1), patience=3)

many = xpnet.TwoLayerNet(2, 3, 2, members=3)
for each in xpnet.fit(many, x, t, validation=0.5):
    losses: list[float] = each.validation_loss
    first: float = min(each.train.loss)
"""
WRONG = """
import numpy as np
import xpnet

x, t = np.zeros((4, 2)), np.zeros(4, int)
number: float = xpnet.fit(xpnet.TwoLayerNet(2, 3, 2, members=3), x, t)[0].train_loss
"""


@pytest.mark.needs("mypy")
def test_a_type_checker_tells_numbers_from_lists(tmp_path):
    """A loop that keeps the best record passes as it is; a list taken for a number does not."""
    right, wrong = tmp_path / "right.py", tmp_path / "wrong.py"
    right.write_text(TYPED, encoding="utf-8")
    wrong.write_text(WRONG, encoding="utf-8")
    # With the project's settings, and its cache: types of NumPy take half a minute to read.
    command = [sys.executable, "-m", "mypy", "--no-error-summary", str(right), str(wrong)]
    result = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True)
    complaint = 'wrong.py:6: error: Incompatible types in assignment (expression has type "list[float]"'
    assert complaint in result.stdout, result.stdout + result.stderr
    assert len(result.stdout.splitlines()) == 1, result.stdout


def test_texts_are_numbers_only():
    record = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=1)[0]
    assert repr(record).startswith(f"Record(step=3, epoch=1, train_loss={record.train_loss:.4g}, train_accuracy=")
    many = xpnet.fit(make(members=5), X, LABELS, batch_size=BATCH, epochs=1)[0]
    assert f"train_loss=[{', '.join(f'{loss:.4g}' for loss in many.train_loss[:3])}, ...]" in repr(many)


@pytest.mark.parametrize(("epochs", "rows"), [(1, 1), (20, 20), (30, 20)])
def test_a_notebook_shows_a_table(epochs, rows):
    records = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=epochs)
    page = Page(records._repr_html_())
    assert page.faults == []
    header, *lines = [[cell["text"] for cell in row["children"]] for row in page.all("tr")]
    assert header[:4] == ["step", "epoch", "train loss", "train accuracy"]
    assert len(lines) == rows
    for line, record in ((lines[0], records[0]), (lines[-1], records[-1])):
        assert line[:3] == [str(record.step), str(record.epoch), f"{record.train_loss:.4g}"]
    assert records[0]._repr_html_() == type(records)(records[:1])._repr_html_()
    assert Page(type(records)()._repr_html_()).faults == []


def test_numbers_go_to_trackers_by_name():
    """Those of MLflow and Weights & Biases take a dict of numbers and a step."""
    for record in xpnet.fit_epochs(make(), X, LABELS, batch_size=BATCH, epochs=2, validation=VALIDATION):
        for name, value in record.as_dict().items():
            assert name.isidentifier()
            assert type(value) in (int, float)
