"""The progress bar of `fit`."""

import pytest
from small_networks import BATCH, LABELS, NUMBERS, VALIDATION, X, make

import xpnet
from xpnet.training.progress import with_bar


@pytest.mark.parametrize(
    ("options", "t", "measures"),
    [
        ({}, LABELS, ["validation loss", "validation accuracy"]),
        ({"loss": "mean_squared_error"}, NUMBERS, ["train loss", "train r2"]),
        ({"members": 2}, LABELS, []),
    ],
    ids=["classes", "numbers", "members"],
)
def test_shows_epochs_and_numbers_on_stderr(capsys, monkeypatch, options, t, measures):
    monkeypatch.setenv("COLUMNS", "80")
    validation = VALIDATION if "validation loss" in measures else None
    xpnet.fit(make(**options), X, t, batch_size=BATCH, epochs=2, validation=validation, progress=True)
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "2/2" in captured.err
    for measure in ("train loss", "train accuracy", "train r2", "validation loss", "validation accuracy"):
        assert (measure in captured.err) == (measure in measures)


def test_passes_every_record_on_as_it_comes(capsys):
    records = xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=3)
    shown = with_bar(iter(records))
    assert next(shown) is records[0]
    assert list(shown) == records[1:]
    assert "3/3" in capsys.readouterr().err


def test_in_a_notebook_a_line_is_written_over(capsys, monkeypatch):
    """Without ipywidgets, and so that no front end needs an extension."""
    monkeypatch.setattr("rich.console._is_jupyter", lambda: True)
    xpnet.fit(make(), X, LABELS, batch_size=BATCH, epochs=2, progress=True)
    captured = capsys.readouterr()
    assert captured.err == ""
    last = captured.out.split("\r")[-1]
    assert "2/2" in last
    assert "train loss" in last
