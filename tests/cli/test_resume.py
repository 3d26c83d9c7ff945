"""``xpnet train --resume``: whatever ended a run, it goes on, and comes to the end of the uninterrupted one."""

import json
import os
import signal
from pathlib import Path

import numpy as np
import pytest
from command_line import records, tree, without_times, write_tiny, xpnet

from xpnet import datasets
from xpnet.checkpoint import load_checkpoint
from xpnet.cli import job
from xpnet.cli.run_folder import RunFolder

CHECKPOINT = "run/checkpoints/epoch-{:06d}.safetensors"


@pytest.fixture(autouse=True)
def tiny(folder):
    """Put a small table of two classes, and one of numbers, into the folder."""
    rng = np.random.default_rng(1)
    x = rng.random((40, 3))
    np.savez(folder / "numbers.npz", x=x, t=x @ [1.0, -2.0, 0.5] + rng.normal(0, 0.1, 40))
    return write_tiny(folder / "tiny.npz")


def stop_after(monkeypatch, epochs, number=signal.SIGINT):
    """Have a signal come in the middle of the epoch after so many, once."""
    signals = [number]

    def interrupted(*arguments, fit_epochs=job.fit_epochs, **options):
        for record in fit_epochs(*arguments, **options):
            if record.epoch > epochs and signals:
                signal.raise_signal(signals.pop())
            yield record

    monkeypatch.setattr(job, "fit_epochs", interrupted)


def begun(monkeypatch, *options, done=2, epochs=5, data="tiny.npz"):
    """Leave a run that was stopped after some epochs."""
    with pytest.MonkeyPatch().context() as patch:
        stop_after(patch, done)
        stopped = xpnet("train", "--data", data, "--epochs", epochs, "--out", "run", "--quiet", *options)
    assert stopped[:2] == (130, "")
    return stopped.err


def test_a_signal_is_told_with_the_command_that_goes_on(monkeypatch):
    assert begun(monkeypatch) == ("xpnet: stopped by SIGINT after epoch 2 of 5; to go on: xpnet train --resume run\n")
    assert set(tree(Path("run"))) == {"config.json", "metrics.jsonl", "checkpoints/epoch-000002.safetensors"}
    assert len(records("run")) == 2


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_every_signal_has_its_code(monkeypatch, number, code):
    stop_after(monkeypatch, 1, number)
    stopped = xpnet("train", "--data", "tiny.npz", "--epochs", 5, "--out", "my run", "--quiet", "--plot")
    told = f"xpnet: stopped by {number.name} after epoch 1 of 5; to go on: xpnet train --resume 'my run' --plot\n"
    assert stopped == (code, "", told)


WAYS = {
    "as the chapter does": [],
    "adam and a part kept aside": ["--optimizer", "adam", "--validation", 0.3],
    "momentum and a schedule": ["--optimizer", "momentum", "--nesterov", "--schedule", "warmup:3,cosine"],
    "until it gets no better": [
        *["--optimizer", "adam", "--learning-rate", "0.5", "--validation", "0.3", "--patience", "2"]
    ],
    "weights and clipping": ["--class-weight", "balanced", "--max-gradient-norm", 0.1, "--optimizer", "rmsprop"],
    "numbers": ["--loss", "mean_squared_error", "--optimizer", "adagrad", "--dtype", "float64"],
    "numerically": ["--gradient", "numerical", "--hidden", 3],
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("done", [0, 1, 3])
def test_the_end_is_that_of_an_uninterrupted_run(monkeypatch, way, done):
    data = "numbers.npz" if way == "numbers" else "tiny.npz"
    options = ["--batch-size", 10, *WAYS[way]]
    assert xpnet("train", "--data", data, "--epochs", 5, "--out", "whole", "--quiet", *options) == (0, "", "")
    begun(monkeypatch, *options, done=done, data=data)
    assert xpnet("train", "--resume", "run", "--quiet") == (0, "", "")
    assert without_times("run") == without_times("whole")
    whole, run = tree(Path("whole")), tree(Path("run"))
    for name in whole.keys() - {"metrics.jsonl"}:
        assert run[name] == whole[name], name
    seconds = [line["seconds"] for line in records("run")]
    assert seconds == sorted(seconds)


@pytest.mark.parametrize("options", [[], ["--schedule", "cosine:12"], ["--optimizer", "adam"]])
def test_five_epochs_and_five_more_are_ten(options):
    for out, epochs in (("run", 5), ("whole", 10)):
        assert xpnet("train", "--data", "tiny.npz", "--epochs", epochs, "--out", out, *options).code == 0
    code, out, _ = xpnet("train", "--resume", "run", "--epochs", 10)
    assert code == 0
    assert "10 epochs, going on after epoch 5\n" in out
    whole, run = tree(Path("whole")), tree(Path("run"))
    assert run["checkpoints/epoch-000010.safetensors"] == whole["checkpoints/epoch-000010.safetensors"]
    assert run["model.safetensors"] == whole["model.safetensors"]
    assert run["config.json"] == whole["config.json"]
    assert without_times("run") == without_times("whole")


def test_a_run_that_goes_on_prints_and_draws_its_own_epochs(monkeypatch):
    begun(monkeypatch)
    out = xpnet("train", "--resume", "run", "--json", "--plot").out
    assert out.splitlines() == Path("run/metrics.jsonl").read_text().splitlines()[2:]
    assert Path("run/curves.png").is_file()


def refused(text, *arguments):
    """Check that it is told in one line, and nothing touched."""
    before = tree(Path("."))
    code, out, err = xpnet("train", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert text in err
    assert tree(Path(".")) == before


@pytest.mark.parametrize(
    ("option", "text"),
    [
        ("--hidden 7", "--hidden is 200 in run, got 7: leave it out, or start a new run"),
        ("--data numbers.npz", "numbers.npz"),
        ("--batch-size 10", "--batch-size is 100 in run, got 10"),
        ("--optimizer sgd", "--optimizer is 'adam' in run, got 'sgd'"),
        ("--seed 1", "--seed is 0 in run, got 1"),
        ("--validation 0.1", "--validation is None in run, got 0.1"),
        ("--schedule cosine", "--schedule is 'constant' in run, got 'cosine'"),
        ("--nesterov", "--nesterov is False in run, got True"),
        ("--epochs 1", "--epochs: run has done 2 epochs, got 1: give more"),
        ("--epochs 0", "--epochs must be an integer >= 1, got 0"),
        ("--patience 3", "--patience needs "),
        ("--keep 0", "--keep must be an integer >= 1, got 0"),
        ("--out other", "--resume goes on with the options and in the folder of its run: leave --config and --out out"),
        ("--config run/config.json", "leave --config and --out out"),
    ],
)
def test_what_would_make_it_another_run_is_refused(monkeypatch, option, text):
    begun(monkeypatch)
    refused(text, "--resume", "run", *option.split())


def test_what_is_the_same_or_does_not_matter_is_taken(monkeypatch, folder):
    begun(monkeypatch, "--hidden", 7)
    monkeypatch.chdir("run")
    options = ["--hidden", 7, "--data", "../tiny.npz", "--device", "cpu", "--stream", "--keep", 1]
    options += ["--checkpoint-every", 2]
    assert xpnet("train", "--resume", ".", "--quiet", *options) == (0, "", "")
    assert [path.name for path in Path("checkpoints").iterdir()] == ["epoch-000005.safetensors"]
    assert json.loads(Path("config.json").read_text())["checkpoint_every"] == 2


def test_a_schedule_that_spans_the_run_cannot_span_more(monkeypatch):
    begun(monkeypatch, "--schedule", "cosine")
    refused("--epochs: the schedule 'cosine' of run spans its 5 epochs, got 9", "--resume", "run", "--epochs", 9)
    assert xpnet("train", "--resume", "run", "--epochs", 5, "--quiet") == (0, "", "")


def test_more_patience_goes_on_too(folder):
    options = ["--data", "tiny.npz", *map(str, WAYS["until it gets no better"]), "--quiet", "--epochs", 500]
    assert xpnet("train", "--out", "run", *options).code == 0
    assert xpnet("train", "--resume", "run", "--patience", 4, "--quiet") == (0, "", "")
    assert xpnet("train", "--out", "whole", *options, "--patience", 4).code == 0
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
    assert without_times("run") == without_times("whole")


@pytest.mark.parametrize("way", ["as the chapter does", "until it gets no better"])
def test_a_finished_run_says_so(way):
    xpnet("train", "--data", "tiny.npz", "--epochs", 30, "--out", "run", *WAYS[way])
    before = tree(Path("run"))
    code, out, err = xpnet("train", "--resume", "run")
    assert (code, err) == (0, "")
    assert out.startswith("finished  run has come to its end: larger --epochs")
    assert xpnet("train", "--resume", "run", "--json") == (0, "", "")
    assert tree(Path("run")) == before
    # Killed after the last checkpoint, before there was a model.
    model = Path("run/model.safetensors").read_bytes()
    Path("run/model.safetensors").unlink()
    code, out, err = xpnet("train", "--resume", "run")
    assert (code, err) == (0, "")
    assert "result    test accuracy" in out
    assert Path("run/model.safetensors").read_bytes() == model


def flip(path):
    content = bytearray(Path(path).read_bytes())
    content[len(content) // 2] ^= 4
    Path(path).write_bytes(content)


def test_a_broken_checkpoint_is_told_and_the_one_before_taken(monkeypatch):
    options = ["--checkpoint-every", 1]
    xpnet("train", "--data", "tiny.npz", "--epochs", 5, "--out", "whole", *options)
    begun(monkeypatch, *options, done=3)
    flip(CHECKPOINT.format(3))
    code, out, err = xpnet("train", "--resume", "run")
    assert code == 0
    assert f"{CHECKPOINT.format(3)} is damaged (its SHA-256 is not" in err
    assert err.endswith("use a backup; going back to the one before\n")
    assert "going on after epoch 2\n" in out
    assert tree(Path("run")).keys() == tree(Path("whole")).keys()
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
    assert without_times("run") == without_times("whole")


def test_a_run_without_a_whole_checkpoint_starts_again(monkeypatch):
    begun(monkeypatch)
    flip(CHECKPOINT.format(2))
    assert xpnet("evaluate", "run").code == 2
    code, out, err = xpnet("train", "--resume", "run")
    assert (code, err.count("\n")) == (0, 1)
    assert "5 epochs\n" in out
    assert [line["epoch"] for line in records("run")] == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("more", ['{"step": 3, "epoch": 3, "seco', '{"step": 3, "epoch": 3, "seconds": 1.0}\n', "\n\0"])
def test_lines_that_came_after_the_checkpoint_are_taken_back(monkeypatch, more):
    xpnet("train", "--data", "tiny.npz", "--epochs", 5, "--out", "whole")
    begun(monkeypatch)
    with Path("run/metrics.jsonl").open("a") as metrics:
        metrics.write(more)
    left = [Path("run/.xpnet-0123abcd.tmp"), Path("run/checkpoints/.xpnet-0123abcd.tmp")]
    for path in left:
        path.write_bytes(b"half")
    assert xpnet("train", "--resume", "run").code == 0
    assert without_times("run") == without_times("whole")
    assert not any(path.exists() for path in left)


@pytest.mark.parametrize("text", ["", '{"epoch": 1}\n', "[]\n", "{}\n", '{"epoch": 2, "step": 1, "seconds": 1}\n'])
def test_lines_that_are_missing_are_told(monkeypatch, text):
    begun(monkeypatch)
    Path("run/metrics.jsonl").write_text(text)
    refused("run/metrics.jsonl lacks the line of epoch 1, while there is a checkpoint of epoch 2", "--resume", "run")


def test_a_config_that_was_changed_is_told(monkeypatch):
    begun(monkeypatch)
    config = json.loads(Path("run/config.json").read_text())
    Path("run/config.json").write_text(json.dumps(config | {"batch_size": 7}))
    refused("batch_size is 7 in the config.json of run, and 100 in its checkpoint", "--resume", "run")
    Path("run/config.json").write_text("{")
    refused("config.json: no JSON file of options", "--resume", "run")
    Path("run/config.json").unlink()
    refused("--resume: run holds no config.json of a run", "--resume", "run")


def test_data_that_were_changed_are_told(monkeypatch, folder):
    begun(monkeypatch)
    write_tiny(folder / "tiny.npz", samples=42)
    refused("tiny.npz is not what run was trained on (its digest is another)", "--resume", "run")


def test_a_checkpoint_of_a_newer_version_is_left_alone(monkeypatch):
    begun(monkeypatch)
    monkeypatch.setattr("xpnet.checkpoint.sealed.FORMAT", "1")
    refused("of format 2, of a newer xpnet", "--resume", "run")


def test_a_model_in_the_place_of_a_checkpoint_is_refused(monkeypatch):
    begun(monkeypatch, epochs=5)
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "other")
    Path(CHECKPOINT.format(2)).write_bytes(Path("other/model.safetensors").read_bytes())
    refused("the newest checkpoint of run is none of a run", "--resume", "run")


@pytest.mark.parametrize("run", ["nowhere", "tiny.npz", "."])
def test_what_is_no_run_is_refused(run):
    refused(f"--resume: {run} holds no config.json of a run", "--resume", run)


def test_two_runs_never_share_a_folder(monkeypatch, folder):
    begun(monkeypatch)
    with RunFolder(Path("run")):
        refused("another process is training in run: wait for its end", "--resume", "run")
    Path("new").mkdir()
    with RunFolder(Path("new")):
        refused("another process is training in new: wait for its end", "--data", "tiny.npz", "--out", "new")
    assert xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "new", "--quiet") == (0, "", "")
    refused("--out: new already holds config.json of another run", "--data", "tiny.npz", "--out", "new")


def test_a_folder_that_another_run_made_meanwhile_is_refused(monkeypatch):
    def meanwhile(*arguments, fit_epochs=job.fit_epochs, **options):
        monkeypatch.setattr(job, "fit_epochs", fit_epochs)
        assert xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet").code == 0
        before.update(tree(Path(".")))
        return fit_epochs(*arguments, **options)

    before = {}
    monkeypatch.setattr(job, "fit_epochs", meanwhile)
    code, _, err = xpnet("train", "--data", "tiny.npz", "--out", "run")
    assert (code, "--out: run already holds config.json of another run" in err) == (2, True)
    assert tree(Path(".")) == before


def test_a_data_dir_is_found_again_from_elsewhere(monkeypatch, folder):
    digits = Path(datasets.__file__).parent / "data"
    os.symlink(digits / "digits", folder / "mnist", target_is_directory=True)
    begun(monkeypatch, "--data-dir", ".", "--data", "tiny.npz")
    assert json.loads(Path("run/config.json").read_text())["data_dir"] == str(folder)


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ([], [7]),
        (["--checkpoint-every", 3], [6, 7]),
        (["--checkpoint-every", 3, "--keep", 3], [3, 6, 7]),
        (["--checkpoint-seconds", 0, "--keep", 4], [4, 5, 6, 7]),
        (["--checkpoint-seconds", 1e6, "--keep", 4], [7]),
        (["--checkpoint-every", 5, "--checkpoint-seconds", 0, "--keep", 9], [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_as_many_checkpoints_are_kept_as_asked_for(options, expected):
    assert xpnet("train", "--data", "tiny.npz", "--epochs", 7, "--out", "run", *options).code == 0
    kept = {CHECKPOINT.format(epoch) for epoch in expected}
    assert {str(path) for path in Path("run/checkpoints").iterdir()} == kept
    for path in kept:
        checkpoint = load_checkpoint(path)
        assert path == CHECKPOINT.format(checkpoint.state.epoch)
        assert checkpoint.settings.data == checkpoint.origin.data


def test_no_more_than_ten_seconds_are_lost(monkeypatch):
    """With a clock that makes every epoch 3 seconds long."""
    now = iter(range(3, 10_000, 3))
    time = [0]

    def clock():
        return time[0]

    def slow(*arguments, fit_epochs=job.fit_epochs, **options):
        for record in fit_epochs(*arguments, **options):
            time[0] = next(now)
            yield record

    monkeypatch.setattr(job, "monotonic", clock)
    monkeypatch.setattr(job, "fit_epochs", slow)
    assert xpnet("train", "--data", "tiny.npz", "--epochs", 20, "--out", "run", "--keep", 20).code == 0
    epochs = sorted(load_checkpoint(path).state.epoch for path in Path("run/checkpoints").iterdir())
    assert max(np.diff([0, *epochs])) * 3 <= 10
    assert len(epochs) <= 8


def test_the_best_by_validation_is_in_every_checkpoint(monkeypatch):
    options = ["--optimizer", "adam", "--learning-rate", 0.5, "--validation", 0.3, "--epochs", 12, "--out", "run"]
    assert xpnet("train", "--data", "tiny.npz", *options).code == 0
    losses = [line["validation_loss"] for line in records("run")]
    best = load_checkpoint(CHECKPOINT.format(12)).state.best
    assert (best.epoch, best.loss) == (int(np.argmin(losses)) + 1, min(losses))
