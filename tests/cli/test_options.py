"""Options: made from the settings, read from the command line and from a file."""

import json
import re
from pathlib import Path

import click
import pytest
from command_line import write_tiny, xpnet

from xpnet.cli import evaluate, gradcheck, predict, train
from xpnet.cli.options import read_settings
from xpnet.settings import DEFAULTS, OPTIONS, Settings


def flags(command):
    return {flag for option in command.params if isinstance(option, click.Option) for flag in option.opts}


def test_train_has_an_option_for_every_setting():
    settings = {f"--{name.replace('_', '-')}" for name in OPTIONS}
    assert flags(train.train) == settings | {
        *("--config", "--out", "--resume", "--parallel", "--plot", "--log", "--quiet", "--json")
    }
    for command in (evaluate.evaluate, predict.predict, gradcheck.gradcheck):
        assert flags(command) <= settings | {"--json", "--format", "--all"}


def test_help_says_every_default():
    text = " ".join(xpnet("train", "--help").out.split())
    for name, default in DEFAULTS.items():
        if isinstance(default, str):
            assert f"[default: {default}]" in text
        assert f"--{name.replace('_', '-')}" in text
        assert OPTIONS[name].help in text.replace("- ", "-")
    assert "[default: float64]" in xpnet("gradcheck", "--help").out


def test_the_command_line_wins_over_the_file(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text('hidden = 7\nseed = 3\nnesterov = true\noptimizer = "momentum"\nlearning-rate = 0.5')
    given = {"seed": 4, "nesterov": False, "learning_rate": None}
    expected = Settings(hidden=7, seed=4, optimizer="momentum", learning_rate=0.5, dtype="float64")
    assert read_settings(given, file, dtype="float64", hidden=9) == expected


def test_errors_call_an_option_as_it_was_written(tmp_path):
    file = tmp_path / "run.toml"
    file.write_text("batch_size = 0\nmomentum = 0.5")
    for given, text in (
        ({}, rf"^{re.escape(str(file))}: batch_size must be an integer >= 1, got 0$"),
        ({"batch_size": -1}, r"^--batch-size must be an integer >= 1, got -1$"),
        ({"batch_size": 1}, rf"^{re.escape(str(file))}: momentum does not go with --optimizer sgd"),
    ):
        with pytest.raises(ValueError, match=text):
            read_settings(given, file)


def test_a_file_of_options_trains(folder):
    write_tiny(folder / "tiny.npz")
    Path("run.toml").write_text(
        'data = "tiny.npz"\nepochs = 5\nhidden = 7\nloss = "softmax_cross_entropy"\nschedule = "step:2:0.5"\n'
        "class-weight = [1, 2.5]\nlabel_smoothing = 0.1\nmax-gradient-norm = 1\n"
    )
    assert xpnet("train", "--config", "run.toml", "--hidden", 5, "--out", "run", "--quiet") == (0, "", "")
    config = json.loads(Path("run/config.json").read_text())
    assert (config["hidden"], config["epochs"], config["schedule"]) == (5, 5, "step:2:0.5")
    assert (config["class_weight"], config["label_smoothing"], config["max_gradient_norm"]) == ([1, 2.5], 0.1, 1)
    out = xpnet("train", "--config", "run.toml", "--no-nesterov", "--preset", "chapter").out
    assert re.search(r"^preset +chapter, for options that are not given; there is --preset modern, too$", out, re.M)
    assert re.search(r"^training +sgd, learning rate 0.1 \(step:2:0.5\), batches of 100, 5 epochs$", out, re.M)
