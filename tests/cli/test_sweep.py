"""``xpnet sweep``: what it asks for, prints and leaves, and how it goes on."""

import csv
import json
import re
import shlex
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from command_line import start, tree, write_tiny, xpnet
from matplotlib.image import imread

from xpnet import load_model, sweep
from xpnet.settings import Settings, training_command
from xpnet.sweeps import race

OPTIONS = ["--data", "tiny.npz", "--validation", 0.25, "--init", "xavier", "--epochs", 3, "--batch-size", 10]
AXES = ["--learning-rate", "0.01,0.3", "--hidden", "2..3", "--seed", "4,5"]


@pytest.fixture(autouse=True)
def tiny(folder):
    """Have a small table of two classes."""
    return write_tiny(folder / "tiny.npz", samples=60)


def rows(folder):
    with Path(folder, "results.csv").open() as file:
        return list(csv.DictReader(file))


def test_compares_all_and_says_which_is_best_and_how_to_train_it_alone():
    code, out, err = xpnet("sweep", *OPTIONS, *AXES, "--device", "cpu", "--plot", "--out", "found")
    assert (code, err) == (0, "")
    accuracies = [float(row["validation_accuracy"]) for row in rows("found")]
    assert accuracies == sorted(accuracies, reverse=True)
    assert {row["seeds"] for row in rows("found")} == {"2"}
    assert {(row["learning_rate"], row["hidden"]) for row in rows("found")} == {
        (rate, hidden) for rate in ("0.01", "0.3") for hidden in "23"
    }
    assert re.search(r"^100%  best so far \d+\.\d\d% ± \d+\.\d\d%  learning_rate 0.\d+, hidden [23]$", out, re.M)
    assert re.search(r"^0.3 +[23] +2 +3 +\d+\.\d\d% ± \d+\.\d\d%\s*$", out, re.M)
    assert re.search(r"^best +test loss 0\.\d+, test accuracy \d+\.\d\d%, by the seed [45]$", out, re.M)
    assert re.search(r"^saved +found/ \(batches, best, results.csv, sweep.json, sweep.png\)$", out, re.M)
    assert imread("found/sweep.png").std() > 0
    command = shlex.split(re.search(r"^train it +(xpnet train .*)$", out, re.M)[1])
    assert xpnet(*command[1:], "--out", "run", "--quiet").code == 0
    best, alone = (load_model(f"{run}/model.safetensors").net.params for run in ("found/best", "run"))
    for name, w in best.items():
        np.testing.assert_allclose(w, alone[name], rtol=0, atol=1e-6)  # float32, and numbers of about 1
    assert xpnet("evaluate", "found/best/model.safetensors").code == 0


def test_a_file_says_the_same():
    xpnet("sweep", *OPTIONS, *AXES, "--halving", "1,2", "--out", "words")
    Path("sweep.toml").write_text(
        'data = "tiny.npz"\nvalidation = 0.25\ninit = "xavier"\nepochs = 3\nbatch-size = 10\n'
        'learning-rate = [0.01, 0.3]\nhidden = "2..3"\nseed = [4, 5]\nhalving = [1, 2]\n'
    )
    assert xpnet("sweep", "--config", "sweep.toml", "--quiet", "--out", "file") == (0, "", "")
    assert tree(Path("words")) == tree(Path("file"))
    assert [row["dropped_after"] for row in rows("file")] == ["", "2", "1", "1"]
    xpnet("sweep", "--config", "sweep.toml", "--hidden", 2, "--quiet", "--out", "one")
    assert list(rows("one")[0])[:2] == ["learning_rate", "seeds"]


def test_an_option_may_be_given_again_and_again():
    options = ["--optimizer", "momentum", "--nesterov", "true,false", "--schedule", "warmup:2,cosine"]
    assert xpnet("sweep", *OPTIONS, *options, "--schedule", "constant", "--quiet", "--out", "found").code == 0
    assert {(row["nesterov"], row["schedule"]) for row in rows("found")} == {
        (nesterov, schedule) for nesterov in ("True", "False") for schedule in ("warmup:2,cosine", "constant")
    }


def test_draws_from_intervals():
    options = ["--learning-rate", "0.01..1", "--random", 3, "--quiet", "--out", "found"]
    assert xpnet("sweep", *OPTIONS, *options).code == 0
    assert len({row["learning_rate"] for row in rows("found")}) == 3


def test_json_prints_a_line_for_every_candidate_and_the_best():
    code, out, err = xpnet("sweep", *OPTIONS, *AXES, "--json", "--out", "found")
    assert (code, err) == (0, "")
    *lines, best = map(json.loads, out.splitlines())
    for line, row in zip(lines, rows("found"), strict=True):
        assert list(line) != []
        assert (line["learning_rate"], line["seeds"]) == (float(row["learning_rate"]), 2)
        assert line["validation_accuracy"] == pytest.approx(float(row["validation_accuracy"]), rel=1e-5)
    assert set(best) == {"command", "test_loss", "test_accuracy"}


def test_numbers_are_compared_by_their_loss(prices):
    options = ["--loss", "mean_squared_error", "--learning-rate", "0.001,0.1", "--epochs", 5, "--out", "found"]
    code, out, _ = xpnet("sweep", "--data", prices[0], *options, "--plot")
    assert code == 0
    assert float(rows("found")[0]["validation_rmse"]) > 100  # in the unit of the prices
    assert re.search(r"^best +test loss .*, test rmse \d+", out, re.M)


def test_is_found_below_runs_by_default():
    assert xpnet("sweep", *OPTIONS, "--hidden", "2,3", "--quiet").code == 0
    (folder,) = Path("runs").iterdir()
    assert re.fullmatch(r"tiny-sweep-\d{8}-\d{6}", folder.name)


def test_goes_on_where_it_was_stopped(monkeypatch):
    xpnet("sweep", *OPTIONS, *AXES, "--halving", 1, "--quiet", "--out", "whole")
    train, done = race.train, []

    def stopped(task):
        done.append((task.until, task.settings))
        if len(done) == 2:
            raise KeyboardInterrupt
        return train(task)

    monkeypatch.setattr(race, "train", stopped)
    code, _, err = xpnet("sweep", *OPTIONS, *AXES, "--halving", 1, "--quiet", "--out", "parts")
    assert code == 128 + signal.SIGINT
    assert err == "xpnet: stopped; to go on: xpnet sweep --resume parts\n"
    assert xpnet("sweep", "--resume", "parts", "--quiet") == (0, "", "")
    assert tree(Path("parts")) == tree(Path("whole"))
    assert done[1] == done[2]
    assert len(set(done)) == len(done) - 1


def test_goes_on_after_sigkill_with_workers(folder):
    options = [*OPTIONS, "--learning-rate", "0.01,0.1,0.3", "--hidden", "2..9", "--epochs", 30, "--quiet"]
    xpnet("sweep", *options, "--out", "whole")
    process = start("sweep", *options, "--out", "parts", "--workers", 2, cwd=folder)
    while not list(Path("parts").glob("batches/*.json")):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.communicate()
    assert xpnet("sweep", "--resume", "parts", "--workers", 2, "--quiet") == (0, "", "")
    assert tree(Path("parts")) == tree(Path("whole"))


def test_the_command_of_a_network_alone():
    settings = Settings(optimizer="adam", learning_rate=0.1, nesterov=False, epochs=1, data="a b.csv", seed=3)
    settings = settings.completed(epochs=1, device="auto")
    assert training_command(settings) == "xpnet train --data 'a b.csv' --learning-rate 0.1 --epochs 1 --seed 3"
    weighted = Settings(class_weight=(1.0, 2.0))
    assert training_command(weighted, "best/config.json") == "xpnet train --config best/config.json"
    assert "--nesterov" in training_command(Settings(optimizer="momentum", nesterov=True))


@pytest.mark.parametrize(
    ("options", "match"),
    [
        (["--learning-rate", "0.1,x"], r"--learning-rate must be a finite number > 0, got 'x'"),
        (["--learning-rate", "0.1..0.2"], r"the interval 0.1..0.2 has no end of values: .* \(--random N\)"),
        (["--learning-rate", "0.1..0.2", "--learning-rate", 1], r"--learning-rate must be one interval, or values"),
        (["--momentum", "0.1,0.2"], r"--momentum does not go with --optimizer adam"),
        (["--data", "digits", "--data", "mnist"], r"an axis must be one of loss, .*got 'data'"),
        (["--halving", "1,x"], r"--halving must be epochs such as 5,10,20, got"),
        (["--workers", 0], r"workers must be an integer >= 1, got 0"),
        (["--workers", 1, "--scheduler", "x"], r"--workers and --scheduler are two places to train in: leave one out"),
        (
            ["--resume", "nowhere"],
            r"--resume goes on with the options and in the folder of its sweep: leave --out out",
        ),
        (["--config", "sweep.toml"], r"sweep.toml: there is no option 'learnig_rate'"),
    ],
)
def test_wrong_input_is_told_in_one_line_before_anything_is_made(folder, options, match):
    Path("sweep.toml").write_text("learnig-rate = [0.1, 0.2]")
    before = tree(folder)
    code, out, err = xpnet("sweep", *(OPTIONS if "--data" not in options else []), *options, "--out", "found")
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"xpnet: .*{match}.*\n", err)
    assert tree(folder) == before


def test_refuses_a_folder_that_holds_a_sweep_or_none():
    sweep(Settings(data="tiny.npz", validation=0.25, epochs=1), {"hidden": [2, 3]}, folder="found")
    code, _, err = xpnet("sweep", *OPTIONS, "--out", "found")
    assert (code, err[:80]) == (2, "xpnet: --out: found already holds a sweep: choose another folder, or go on with ")
    code, _, err = xpnet("sweep", "--resume", "nowhere")
    assert code == 2
    assert re.match(r"xpnet: nowhere holds no sweep.json of a sweep .*: give the folder of one\n", err)
