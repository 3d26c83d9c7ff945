"""``--log tensorboard``: files that hold what metrics.jsonl holds."""

import re
import struct
from pathlib import Path

import pytest
from command_line import records, write_tiny, xpnet
from tensorboardX.proto.event_pb2 import Event

from xpnet.cli import logs


@pytest.fixture(autouse=True)
def folder(folder):
    """Put a table into the folder."""
    write_tiny(folder / "tiny.npz")
    return folder


def scalars(path):
    """Return name, step and value of every number in a file: records of length, checksum, content, checksum."""
    content, found = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        found += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        content = content[16 + length :]
    return found


def expected(run):
    """Return the same from the metrics."""
    return [
        (f"{measure}/{part}", line["step"], pytest.approx(line[f"{part}_{measure}"], rel=1e-6))
        for line in records(run)
        for part in ("train", "test", "validation")
        for measure in ("loss", "accuracy")
        if f"{part}_{measure}" in line
    ]


@pytest.mark.parametrize("options", [[], ["--validation", 0.25]], ids=["test", "validation"])
def test_the_log_holds_the_metrics(options):
    options += ["--data", "tiny.npz", "--epochs", 3, "--log", "tensorboard", "--out", "run"]
    code, out, err = xpnet("train", *options)
    assert (code, err) == (0, "")
    assert re.search(r"^saved .*, checkpoints, tensorboard\)$", out, re.M)
    (file,) = Path("run/tensorboard").iterdir()
    assert scalars(file) == expected("run")
    assert len(expected("run")) == 12


def test_a_run_that_goes_on_logs_the_epochs_that_come():
    options = ["--log", "tensorboard", "--quiet"]
    assert xpnet("train", "--data", "tiny.npz", "--epochs", 2, "--out", "run", *options).code == 0
    (first,) = Path("run/tensorboard").iterdir()
    first = first.rename("first")  # A second file, made in the same second, would have its name.
    assert xpnet("train", "--resume", "run", "--epochs", 4, *options).code == 0
    (second,) = Path("run/tensorboard").iterdir()
    assert scalars(first) + scalars(second) == expected("run")


def test_without_it_there_is_none():
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet")
    assert not Path("run/tensorboard").exists()


def test_another_log_or_a_missing_library_is_refused_before_training(monkeypatch):
    assert xpnet("train", "--log", "wandb") == (2, "", "xpnet: --log must be one of tensorboard; got 'wandb'\n")
    monkeypatch.setattr(logs, "find_spec", lambda name: None)
    code, _, err = xpnet("train", "--log", "tensorboard")
    assert code == 2
    assert re.fullmatch(r'xpnet: --log tensorboard needs tensorboardX, .*: pip install "xpnet\[tensorboard\]"\n', err)
    assert not Path("runs").exists()
