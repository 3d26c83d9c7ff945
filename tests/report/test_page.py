"""Reports: what they show is what is known of a run, and their pages are what pages must be."""

import re
import shlex
from dataclasses import replace
from html import unescape

import click
import numpy as np
import pytest
from html_pages import Page, check_page

import xpnet
from xpnet.cli.loading import load
from xpnet.cli.options import from_settings
from xpnet.datasets import Dataset
from xpnet.datasets.dataset import Samples
from xpnet.report import Report, Run, make_report
from xpnet.settings import Settings


def trained(name="a run", data=None, **options):
    """Return a short run of these settings, on the digits or on other data."""
    settings = Settings(**{"init": "xavier", "optimizer": "adam", "learning_rate": 0.01, "epochs": 3} | options)
    data = data or xpnet.load_digits()
    net = settings.make_network(data.features, data.outputs, labels=data.train.t)
    held = {} if settings.validation else {"validation": data.test}
    records = xpnet.fit(net, *data.train, **settings.fit_options(len(data.train.x)) | held)
    lines = [record.as_dict("validation" if settings.validation else "test") for record in records]
    return Run(name, settings, lines, net, data)


@pytest.fixture(scope="module")
def run():
    """Give a run on the digits."""
    return trained()


@pytest.fixture(scope="module")
def page(run):
    """Give its page."""
    return check_page(make_report([run]).html)


def arrays(x, t, classes, *, shape=None, columns=()):
    """Return a data set of arrays, without a file."""
    origin = xpnet.load_digits().origin
    names = tuple(f"kind {i}" for i in range(classes))
    origin = replace(origin, data="arrays", class_names=names, columns=columns)
    half = len(x) // 2
    return Dataset("arrays", Samples(x[:half], t[:half]), Samples(x[half:], t[half:]), shape, origin)


def table(page, caption):
    """Return the cells of the table whose caption begins so."""
    (found,) = [cells for name, cells in page.tables().items() if name.startswith(caption)]
    return found


def test_the_page_says_how_good_the_run_is(run, page):
    names = [name["text"] for name in page.all("dt")]
    facts = dict(zip(names, (" ".join(fact["text"].split()) for fact in page.all("dd")), strict=True))
    low, high = (f"{100 * end:.1f} %" for end in run.interval)
    assert facts["test accuracy"] == f"{100 * run.accuracy:.1f} %95 % confidence interval: {low} to {high} (Wilson)"
    assert facts["calibration error"].startswith(f"{100 * run.calibration.error:.1f} %")
    assert facts["gradient check"].startswith("PASS")
    assert run.accuracy == pytest.approx(run.lines[-1]["test_accuracy"], abs=1e-6)


def test_the_matrix_and_the_classes_are_those_of_the_run(run, page):
    rows = table(page, "Rows: the true class")[1:]
    counts = [[int(cell or 0) for cell in row[1:]] for row in rows]
    np.testing.assert_array_equal(counts, run.counts)
    assert [row[0] for row in rows] == list(run.dataset.class_names)
    classes = table(page, "Every class")[1:]
    assert [row[0] for row in classes] == list(run.dataset.class_names)
    for column, values in enumerate(run.class_scores[:3], start=1):
        np.testing.assert_allclose([float(row[column].split()[0]) for row in classes], 100 * values, atol=0.0501)
    assert sum(int(row[4]) for row in classes) == 1797


def test_the_page_has_a_picture_for_every_confident_mistake(run, page):
    pictures = [image for image in page.all("img") if image["attributes"].get("class") == "ink"]
    numbers = [int(re.search(r"sample (\d+)", image["attributes"]["alt"])[1]) for image in pictures]
    said, true = run.measures.said, run.measures.true
    assert len(numbers) == 20
    assert (said[numbers].argmax(axis=1) != true[numbers]).all()
    confidence = said.max(axis=1)
    assert (np.diff(confidence[numbers]) <= 0).all()
    others = np.delete(np.arange(1797), numbers)
    wrong = others[said[others].argmax(axis=1) != true[others]]
    assert confidence[wrong].max() <= confidence[numbers].min()


def test_the_page_has_both_gradient_checks(run, page):
    rows = table(page, "Verdict: PASS")[1:]
    assert [row[:2] for row in rows] == [
        [name, method] for method in ("structured", "black-box") for name in ("W1", "b1", "W2", "b2")
    ]
    assert [row[2] for row in rows] == ["3,200", "50", "500", "10", "20", "20", "20", "10"]


def test_the_page_has_all_settings_and_the_command(run, page):
    settings = dict(row for row in table(page, "In bold")[1:])
    assert set(settings) == set(xpnet.settings.OPTIONS)
    assert (settings["optimizer"], settings["epochs"], settings["label"]) == ("adam", "3", "–")
    assert page.all("code")[0]["text"] == run.command


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"nesterov": True, "optimizer": "momentum", "schedule": "cosine"},
        {"class_weight": "balanced", "validation": 0.25, "data": "a path/with 'quotes'.csv", "seed": 3},
        {"weight_decay": 0.0, "max_gradient_norm": 1.5, "learning_rate": 1e-05},
    ],
)
def test_the_command_means_the_settings(run, options):
    settings = Settings(**options).completed(epochs=3, device="cpu")
    words = shlex.split(replace(run, settings=settings).command)
    assert words[:2] == ["xpnet", "train"]
    command = click.command(from_settings()(lambda **given: given))
    given = command.main(words[2:], standalone_mode=False)
    meant = Settings(**{name: value for name, value in given.items() if value is not None})
    assert meant.completed(epochs=3, device="cpu") == settings


def test_numbers_that_no_option_holds_come_from_the_file_of_the_run(run):
    weighted = replace(run, settings=Settings(class_weight=(1.0,) * 10))
    assert weighted.command == "xpnet train --config config.json"


def test_a_run_judged_by_a_part_of_its_training_set():
    run = trained(validation=0.2, patience=2)
    page = check_page(make_report([run]).html)
    header = table(page, "Measured after an epoch")[0]
    assert header[2] == "validation loss"
    assert "validation from" in page.html


def test_a_run_on_a_table_of_one_epoch():
    rng = np.random.default_rng(0)
    x, t = rng.random((60, 3)), np.arange(60) % 2
    run = trained(data=arrays(x, t, 2, columns=("a<b", "b&c", "c")), epochs=1)
    page = check_page(make_report([run]).html)
    assert "a<b, b&c, c" in page.all("main")[0]["text"]
    wrong = table(page, "Test samples whose wrong")[1:]
    assert len(wrong) == round(30 * (1 - run.accuracy))


def test_a_run_without_a_mistake():
    t = np.arange(40) % 2
    run = trained(data=arrays(np.eye(2)[t], t, 2), epochs=60)
    assert run.accuracy == 1
    assert "No test sample is wrong." in check_page(make_report([run]).html).all("main")[0]["text"]


def test_many_classes_are_shown_in_part():
    rng = np.random.default_rng(0)
    t = np.arange(600) % 60
    page = check_page(make_report([trained(data=arrays(rng.random((600, 4)), t, 60))]).html)
    assert len(table(page, "The 50 of 60 classes")) == 51
    pairs = table(page, "The matrix of 60 classes")[1:]
    assert [int(row[2]) for row in pairs] == sorted((int(row[2]) for row in pairs), reverse=True)


def test_large_images_make_no_large_page():
    rng = np.random.default_rng(0)
    x, t = rng.random((20, 300 * 200), np.float32), np.arange(20) % 2
    run = trained(data=arrays(x, t, 2, shape=(300, 200)), hidden=60, epochs=1)
    check_page(make_report([run]).html)


def test_numbers_to_be_predicted(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((100, 3))
    np.savez(tmp_path / "prices.npz", x=x, t=1000 * x @ np.asarray([[1.0, 2.0], [3.0, 0.0], [0.0, 1.0]]))
    data = xpnet.load_data(tmp_path / "prices.npz", classification=False)
    run = trained(data=data, loss="mean_squared_error", epochs=50)
    page = check_page(make_report([run]).html)
    errors = table(page, "Errors on 20 test samples")[1:]
    np.testing.assert_allclose([float(row[1]) for row in errors], run.measures.metrics["rmse"], rtol=1e-3)
    largest = np.abs(run.measures.said - run.measures.true).max()
    assert float(table(page, "Test samples that")[1][3]) == pytest.approx(largest, rel=1e-3)


def test_two_classes_of_one_output():
    rng = np.random.default_rng(0)
    x, t = rng.random((80, 3)), np.arange(80) % 2
    run = trained(data=arrays(x, t, 2), loss="binary_cross_entropy")
    rows = table(check_page(make_report([run]).html), "Rows: the true class")[1:]
    np.testing.assert_array_equal([[int(cell or 0) for cell in row[1:]] for row in rows], run.counts)


def test_labels_of_which_any_may_hold(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.random((200, 3))
    t = (x > 0.5).astype(float)
    np.savez(tmp_path / "labels.npz", x=x, t=t)
    settings = Settings(data=str(tmp_path / "labels.npz"), loss="multilabel_cross_entropy", device="cpu")
    run = trained(data=load(settings), loss=settings.loss, epochs=30)
    page = check_page(make_report([run]).html)
    said = run.measures.said > 0.5
    for i, row in enumerate(table(page, "Every label")[1:]):
        true = run.measures.true[:, i] > 0.5
        shares = np.mean(said[:, i] == true), np.mean(true[said[:, i]]), np.mean(said[true, i])
        assert row[0] == str(i)
        assert row[1:4] == [f"{100 * share:.1f}\N{NO-BREAK SPACE}%" for share in shares]
        assert row[5] == str(true.sum())
    assert page.all("dt")[0]["text"] == "all labels right"
    check_page(make_report([run, run]).html)


def test_several_runs_are_side_by_side(run):
    runs = [run, trained("another <run>", activation="relu", seed=1)]
    page = check_page(make_report(runs).html)
    results = table(page, "On the test set")
    assert results[0] == ["", "a run", "another <run>"]
    assert results[1] == ["accuracy", *(f"{100 * run.accuracy:.1f}\N{NO-BREAK SPACE}%" for run in runs)]
    assert table(page, "Settings that are not")[1:] == [["activation", "sigmoid", "relu"], ["seed", "0", "1"]]
    assert [code["text"] for code in page.all("code")] == [run.command for run in runs]
    assert len(table(page, "F1 of every class")) == 11


def test_ten_runs_still_make_a_small_page(run):
    check_page(make_report([replace(run, name=f"run {i}") for i in range(10)]).html)


def test_classes_and_numbers_are_not_compared(run, tmp_path):
    x = np.random.default_rng(0).random((20, 2))
    np.savez(tmp_path / "numbers.npz", x=x, t=x[:, 0])
    data = xpnet.load_data(tmp_path / "numbers.npz", classification=False)
    with pytest.raises(ValueError, match="all be of one kind, got classes and numbers: report them apart"):
        make_report([run, trained(data=data, loss="mean_squared_error")])


def test_names_cannot_become_elements(run):
    html = make_report([replace(run, name="<script>alert(1)</script>")]).html
    check_page(html)
    assert "&lt;script&gt;" in html


def test_the_same_run_makes_the_same_page(run):
    assert make_report([run]) == make_report([replace(run)])


def test_a_notebook_shows_a_report_in_a_frame(tmp_path):
    report = Report("<!doctype html>\n<p>\"5\" & '6'</p>")
    frame = Page(report._repr_html_())
    assert frame.faults == []
    (element,) = frame.elements
    assert unescape(element["attributes"]["srcdoc"]) == report.html
    report.write(tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text("utf-8") == report.html
