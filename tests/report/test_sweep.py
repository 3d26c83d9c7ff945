"""The page of a sweep: what its folder says, and nothing that is not there."""

import json
import math
from pathlib import Path

import pytest
from command_line import xpnet
from html_pages import check_page

from xpnet.report import SweepResults, make_sweep_report
from xpnet.settings import Settings, training_command

HEADER = "optimizer,learning_rate,seeds,diverged,epochs,dropped_after,validation_loss,validation_loss_deviation"
ACCURACY = ",validation_accuracy,validation_accuracy_deviation"


def write(folder, lines, header=HEADER + ACCURACY):
    """Write the folder of a sweep."""
    (folder / "best").mkdir(parents=True)
    (folder / "sweep.json").write_text("{}")
    (folder / "results.csv").write_text("\n".join([header, *lines]) + "\n")
    settings = Settings(optimizer="adam", learning_rate=0.01, validation=0.1, epochs=3)
    settings.write(folder / "best" / "config.json", xpnet="0")
    return folder


LINES = ["adam,0.01,2,0,3,,0.25,0.01,0.95,0.002", "sgd,0.1,2,1,3,,0.5,,0.9,", "sgd,0.001,2,2,1,1,,,,"]


def test_the_page_shows_every_candidate(tmp_path):
    results = SweepResults.read(write(tmp_path / "sweep", LINES), "many")
    assert results.axes == ["optimizer", "learning_rate"]
    page = check_page(make_sweep_report(results).html)
    ((caption, cells),) = page.tables().items()
    assert caption == "All 3, the best first; deviations are those over the seeds"
    assert cells[0][:4] == ["rank", "optimizer", "learning rate", "validation accuracy"]
    assert cells[1] == ["1", "adam", "0.01", "0.95", "0.002", "0.25", "0.01", "2", "0", "3"]
    assert cells[3] == ["3", "sgd", "0.001", "–", "–", "–", "–", "2", "2", "1"]
    assert page.all("code")[0]["text"] == training_command(results.best)
    assert results.best.optimizer == "adam"
    assert len(page.all("svg")) == 2


def test_numbers_and_names_are_told_apart(tmp_path):
    results = SweepResults.read(write(tmp_path / "sweep", LINES), "many")
    assert not results.is_number("optimizer")
    assert results.is_number("learning_rate")
    loss = results.values("validation_loss")
    assert loss[:2] == [0.25, 0.5]
    assert math.isnan(loss[2])


def test_numbers_to_be_predicted_are_compared_by_loss(tmp_path):
    lines = [",".join(line.split(",")[:8]) for line in LINES]
    results = SweepResults.read(write(tmp_path / "sweep", lines, HEADER), "many")
    assert results.measure == "validation_loss"
    page = check_page(make_sweep_report(results).html)
    assert "validation accuracy" not in page.html


def test_seeds_alone_make_no_figure(tmp_path):
    folder = write(tmp_path / "sweep", ["5,0,3,,0.25,0.01"], HEADER.removeprefix("optimizer,learning_rate,"))
    page = check_page(make_sweep_report(SweepResults.read(folder, "seeds")).html)
    assert page.all("svg") == []
    assert "A sweep over seeds alone." in page.all("header")[0]["text"]


def test_a_thousand_candidates_make_a_small_page(tmp_path):
    lines = [f"adam,{0.001 * (1 + i)},2,0,3,,{0.25 + i},0.01,0.95,0.002" for i in range(1000)]
    page = check_page(make_sweep_report(SweepResults.read(write(tmp_path / "sweep", lines), "many")).html)
    assert next(iter(page.tables())).startswith("The best 50 of 1000")


def test_the_command_line_knows_a_sweep_by_its_folder(tmp_path, monkeypatch):
    write(tmp_path / "sweep", LINES)
    monkeypatch.chdir(tmp_path)
    code, out, err = xpnet("report", "sweep")
    assert (code, err) == (0, "")
    assert out.startswith(f"report    {Path('sweep/report.html')} (")
    assert check_page(Path("sweep/report.html").read_text("utf-8")).all("h1")[0]["text"] == "sweep"


@pytest.mark.parametrize("damage", ["missing", "empty", "other", "config"])
def test_a_sweep_without_results_is_told(tmp_path, monkeypatch, damage):
    folder = write(tmp_path / "sweep", LINES)
    if damage == "missing":
        (folder / "results.csv").unlink()
    elif damage == "config":
        (folder / "best" / "config.json").write_text(json.dumps({"hiden": 3}))
    else:
        (folder / "results.csv").write_text("" if damage == "empty" else "a,b\n1,2\n")
    monkeypatch.chdir(tmp_path)
    code, out, err = xpnet("report", "sweep")
    assert (code, out) == (2, "")
    assert err.startswith("xpnet: sweep holds no results of a sweep (")
    assert err.count("\n") == 1
    assert not (folder / "report.html").exists()
