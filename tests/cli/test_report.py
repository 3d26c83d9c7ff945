"""``xpnet report``: a page in the folder of its run, or of several runs where it is told."""

import json
import re
import shutil
from pathlib import Path

import pytest
from command_line import write_tiny, xpnet
from html_pages import check_page

from xpnet.cli import report as command


def test_the_page_lies_in_the_folder_of_its_run(run, folder):
    shutil.copytree(run, folder / "copy")
    code, out, err = xpnet("report", "copy")
    assert (code, err) == (0, "")
    page = Path("copy/report.html").read_text("utf-8")
    assert out == f"report    {Path('copy/report.html')} ({len(page.encode()) / 1000:.0f} kB)\n"
    assert check_page(page).all("h1")[0]["text"] == "copy"


def test_its_command_makes_the_same_run(run, folder):
    shutil.copytree(run, folder / "copy")
    xpnet("report", "copy")
    command = check_page(Path("copy/report.html").read_text("utf-8")).all("code")[0]["text"].split()
    assert xpnet(*command[1:], "--out", "again", "--quiet") == (0, "", "")
    assert Path("again/model.safetensors").read_bytes() == Path("copy/model.safetensors").read_bytes()


def test_a_run_that_goes_on_has_no_report_of_before(run, folder):
    shutil.copytree(run, folder / "copy")
    xpnet("report", "copy")
    assert xpnet("train", "--resume", "copy", "--epochs", 4, "--quiet").code == 0
    assert not Path("copy/report.html").exists()


def test_of_several_runs_it_lies_where_the_command_is_called(run, folder):
    shutil.copytree(run, folder / "copy")
    assert xpnet("report", run, "copy").code == 0
    assert "2 runs side by side" in check_page(Path("report.html").read_text("utf-8")).html
    assert xpnet("report", run, "copy", "--out", "both.html").code == 0
    assert Path("both.html").read_bytes() == Path("report.html").read_bytes()


def test_a_run_of_numbers(prices, folder):
    _, run = prices
    assert xpnet("report", run, "--out", "page.html").code == 0
    check_page(Path("page.html").read_text("utf-8"))


def test_a_run_that_was_stopped_is_reported_as_far_as_it_came(run, folder):
    shutil.copytree(run, folder / "copy")
    Path("copy/model.safetensors").unlink()
    code, _, err = xpnet("report", "copy")
    assert code == 0
    assert re.fullmatch(r"xpnet: the run copy has not come to its end: .* after epoch 3\n", err)


def refused(text, *arguments):
    code, out, err = xpnet(*arguments)
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"xpnet: {text}\n", err), err


@pytest.mark.parametrize("name", ["report", "compare"])
def test_folders_that_hold_no_run(run, folder, name):
    refused(r"RUN: nowhere holds no config.json of a run: give the folder of one, .*", name, "nowhere")
    refused(r"Missing argument 'RUN...': see xpnet \w+ --help", name)
    Path("empty").mkdir()
    shutil.copy(run / "config.json", "empty")
    Path("empty/metrics.jsonl").touch()
    refused(r"empty holds no metrics of a whole epoch: train it with --resume empty", name, "empty")


def test_data_that_changed(folder):
    write_tiny(folder / "tiny.npz")
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet")
    write_tiny(folder / "tiny.npz", samples=50)
    refused(r".*tiny.npz has changed since the model was trained on it, .*", "report", "run")
    assert not Path("run/report.html").exists()


def test_a_library_that_is_missing(run, monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "jinja2" else True)
    refused(r'xpnet report needs jinja2: pip install "xpnet\[report\]"', "report", run)


def test_compare_shows_what_is_different_and_how_it_ended(folder):
    write_tiny(folder / "tiny.npz")
    for name, options in (("a", ["--seed", 1]), ("b", ["--validation", 0.2, "--hidden", 7])):
        assert xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--out", name, "--quiet", *options).code == 0
    code, out, err = xpnet("compare", "a", "b")
    assert (code, err) == (0, "")
    rows = {line[:21].strip(): line[21:].split() for line in out.splitlines()}
    last = [json.loads(Path(f"{name}/metrics.jsonl").read_text().splitlines()[-1]) for name in "ab"]
    assert rows[""] == ["a", "b"]
    assert rows["--hidden"] == ["200", "7"]
    assert rows["--seed"] == ["1", "0"]
    assert rows["test accuracy"] == [f"{last[0]['test_accuracy']:.2%}", "-"]
    assert rows["validation accuracy"] == ["-", f"{last[1]['validation_accuracy']:.2%}"]
    assert rows["epochs"] == ["2", "2"]
    assert "--data" not in rows
    lines = [json.loads(line) for line in xpnet("compare", "a", "b", "--json").out.splitlines()]
    assert [line["run"] for line in lines] == ["a", "b"]
    assert [line["hidden"] for line in lines] == [200, 7]
    assert [line["epoch"] for line in lines] == [2, 2]
