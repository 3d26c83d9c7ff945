"""The whole command: help, exit codes, and in processes of its own signals, pipes, terminals, start-up."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import pytest
from command_line import DEADLINE, SOURCE, records, start, write_tiny, xpnet

from xpnet import __version__, load_checkpoint
from xpnet.cli import main

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no POSIX signals, pipes and terminals")
LONG = ["train", "--hidden", 400, "--epochs", 100_000, "--out", "run"]


def check_run(folder):
    """Check that there is a model, and nothing but whole lines of metrics that go with it."""
    metrics = (folder / "metrics.jsonl").read_text()
    assert metrics == "" or metrics.endswith("\n")
    lines = records(folder)
    evaluation = json.loads(xpnet("evaluate", folder, "--json").out)
    assert evaluation["loss"] == pytest.approx(lines[-1]["test_loss"], rel=1e-6)
    return lines


def test_module_and_entry_point_are_the_same_command(tmp_path):
    out, err = start("--version", cwd=tmp_path).communicate(timeout=DEADLINE)
    assert (out, err) == (f"xpnet {__version__}\n", "")
    scripts = tomllib.loads((SOURCE.parent / "pyproject.toml").read_text())["project"]["scripts"]
    module, function = scripts["xpnet"].split(":")
    assert getattr(import_module(module), function) is main


@contextmanager
def training(folder, *options, wait_for="epoch", shell_setting="", **more):
    """Give a process that trains, once it has printed a line that begins so."""
    with start(*LONG, *options, cwd=folder, shell_setting=shell_setting, **more) as process:
        while wait_for and not process.stdout.readline().startswith(wait_for):
            assert process.poll() is None
        yield process
        process.kill()


@posix
@pytest.mark.parametrize(("name", "code"), [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_a_signal_stops_a_run_which_is_kept(tmp_path, name, code):
    with training(tmp_path) as process:
        process.send_signal(getattr(signal, name))
        out, err = process.communicate(timeout=DEADLINE)
    done = len(check_run(tmp_path / "run"))
    assert process.returncode == code
    assert err == f"xpnet: stopped by {name} after epoch {done} of 100000; to go on: xpnet train --resume run\n"
    assert "result" not in out
    assert (tmp_path / "run" / "checkpoints" / f"epoch-{done:06d}.safetensors").is_file()


@posix
def test_a_terminal_that_closes_stops_a_run_which_is_kept(tmp_path):
    """SIGHUP twice, once by the terminal and once by its shell, and nobody to tell."""
    reader, writer = os.pipe()
    with training(tmp_path, stderr=writer) as process:
        os.close(writer)
        os.close(reader)
        for _ in range(2):
            process.send_signal(signal.SIGHUP)
        process.stdout.close()
        assert process.wait(DEADLINE) == 129
    assert check_run(tmp_path / "run")


@posix
def test_a_signal_that_the_caller_ignores_is_ignored(tmp_path):
    with training(tmp_path, shell_setting="trap '' HUP INT") as process:
        for number in (signal.SIGHUP, signal.SIGINT):
            process.send_signal(number)
        done = len(records(tmp_path / "run"))
        while len(records(tmp_path / "run")) < done + 2:
            assert process.poll() is None
            time.sleep(0.01)


@posix
@pytest.mark.parametrize("first", [signal.SIGINT, signal.SIGTERM])
def test_a_second_ctrl_c_ends_at_once_and_breaks_nothing(tmp_path, first):
    """It comes while a disk that never answers is asked to keep the checkpoint."""
    code = (
        "import os, time, sys; from xpnet.cli import main; "
        "sync = lambda handle: (os.write(2, b'saving\\n'), time.sleep(600)) if os.path.exists('slow') else None; "
        "os.fsync = sync; main()"
    )
    (tmp_path / "site").mkdir()
    (tmp_path / "site" / "slow_disk.py").write_text(code)
    with training(tmp_path, module="slow_disk", env={"PYTHONPATH": str(tmp_path / "site")}) as process:
        (tmp_path / "slow").touch()
        process.send_signal(first)
        assert process.stderr.readline() == "saving\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(DEADLINE) == -signal.SIGINT
    (tmp_path / "slow").unlink()
    lines = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    go_on = start("train", "--resume", "run", "--epochs", len(lines) + 1, "--quiet", cwd=tmp_path)
    assert go_on.communicate(timeout=DEADLINE) == ("", "")
    assert len(check_run(tmp_path / "run")) == len(lines) + 1


@posix
def test_kill_leaves_a_run_that_goes_on(tmp_path):
    with training(tmp_path, "--checkpoint-every", 1) as process:
        process.kill()
    done = len(records(tmp_path / "run"))
    go_on = start("train", "--resume", "run", "--epochs", done + 1, "--quiet", cwd=tmp_path)
    assert go_on.communicate(timeout=DEADLINE) == ("", "")
    assert len(check_run(tmp_path / "run")) == done + 1
    assert not list(tmp_path.rglob("*.tmp"))


@posix
def test_two_processes_never_share_a_folder(tmp_path):
    with training(tmp_path) as process:
        for arguments in (LONG, ["train", "--resume", "run"]):
            second = start(*arguments, cwd=tmp_path)
            err = second.communicate(timeout=DEADLINE)[1]
            assert re.fullmatch(r"xpnet: (--out: run already holds|another process is training in run: wait) .*\n", err)
            assert second.returncode == 2
        assert process.poll() is None


@posix
def test_a_folder_that_is_deleted_during_the_run_is_named(tmp_path):
    with training(tmp_path) as process:
        shutil.rmtree(tmp_path / "run")
        err = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 2
    assert re.fullmatch(r"xpnet: run/metrics.jsonl: No such file or directory: check the path, .*\n", err)


@posix
def test_a_reader_that_leaves_ends_the_run_quietly(tmp_path):
    with start("train", "--epochs", 200, "--out", "run", cwd=tmp_path) as process:
        while not process.stdout.readline().startswith("epoch"):
            assert process.poll() is None
        process.stdout.close()
        assert process.stderr.read() == ""
    assert process.returncode == 1
    check_run(tmp_path / "run")


@posix
@pytest.mark.parametrize("command", ["devices --json", "data list", "--help"])
def test_a_reader_that_never_was(tmp_path, command):
    reader, writer = os.pipe()
    os.close(reader)
    process = start(*command.split(), cwd=tmp_path, stdout=writer)
    os.close(writer)
    assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 1


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("command", ["devices --json", "train --epochs 3"])
def test_output_that_cannot_be_written_is_one_line(tmp_path, command):
    with Path("/dev/full").open("w") as full:
        process = start(*command.split(), cwd=tmp_path, stdout=full)
        err = process.communicate(timeout=DEADLINE)[1]
    assert process.returncode == 2
    assert re.fullmatch(r"xpnet: No space left on device: check .*\n", err)


@posix
def test_a_closed_output_is_none(tmp_path):
    process = start("train", "--epochs", 1, "--out", "run", cwd=tmp_path, shell_setting="exec >&-")
    assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 0
    assert len(check_run(tmp_path / "run")) == 1


@posix
def test_a_full_stderr_changes_no_exit_code(tmp_path):
    if not Path("/dev/full").exists():
        pytest.skip("needs /dev/full")
    with Path("/dev/full").open("w") as full:
        process = start("train", "--hidden", 0, cwd=tmp_path, stderr=full)
        assert process.communicate(timeout=DEADLINE)[0] == ""
    assert process.returncode == 2


@posix
@pytest.mark.parametrize("blocks", [12, 30, 60])
def test_a_disk_that_fills_up_leaves_whole_lines_and_checkpoints(tmp_path, blocks):
    """Blocks of 512 bytes are the most that a file may have: less than the metrics take, and 6 less than a model."""
    write_tiny(tmp_path / "tiny.npz")
    options = [
        "--data",
        "tiny.npz",
        "--preset",
        "chapter",
        "--epochs",
        500,
        "--out",
        "run",
        "--quiet",
        "--checkpoint-every",
        5,
    ]
    process = start("train", *options, cwd=tmp_path, shell_setting=f"ulimit -f {blocks}")
    told = process.communicate(timeout=DEADLINE)[1]
    assert re.fullmatch(r"xpnet: run/(metrics|check\S*)\S*: File too large: check the path, its permissions .*\n", told)
    assert process.returncode == 2
    metrics = (tmp_path / "run" / "metrics.jsonl").read_text()
    assert metrics.endswith("}\n")
    assert not list(tmp_path.rglob("*.tmp"))
    if blocks > 12:
        assert len(check_run(tmp_path / "run")) == load_checkpoint(newest(tmp_path / "run")).state.epoch
    go_on = start("train", "--resume", "run", "--quiet", cwd=tmp_path)
    assert go_on.communicate(timeout=DEADLINE) == ("", "")
    assert len(check_run(tmp_path / "run")) == 500


def newest(run):
    return max((run / "checkpoints").iterdir())


def in_terminal(tmp_path, *arguments, columns=100, **environment):
    """Return what the command writes to a terminal."""
    import pty

    ours, theirs = pty.openpty()
    environment = {"TERM": "xterm-256color", "COLUMNS": str(columns), **environment}
    process = start(*arguments, cwd=tmp_path, stdin=theirs, stdout=theirs, env=environment)
    os.close(theirs)
    written = b""
    try:
        while part := os.read(ours, 4096):
            written += part
    except OSError:  # Linux's way to say that nobody has the terminal open any more.
        pass
    os.close(ours)
    assert process.communicate(timeout=DEADLINE)[1] == ""
    assert process.returncode == 0
    return written.decode().replace("\r\n", "\n")


@posix
def test_a_terminal_gets_a_live_bar(tmp_path):
    written = in_terminal(tmp_path, "train", "--epochs", 60, "--out", "run")
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", written)
    assert re.search(r"epoch 60/60 .*loss .* train +\d+\.\d\d% test +\d+\.\d\d% \d+k? samples/s 00:00", shown)
    assert not re.search(r"^epoch .* step ", shown, re.M)
    assert "\x1b[?25h" in written.split("\x1b[?25l")[-1], "the cursor is shown again"
    assert max(len(line) for line in shown.splitlines()) <= 100
    assert re.search(r"^result +test accuracy .*\nsaved +run/ ", shown, re.M)


@posix
@pytest.mark.parametrize("columns", [80, 100])
def test_a_live_bar_fits_the_terminal(tmp_path, columns):
    options = ["--validation", 0.2, "--epochs", 150, "--out", "run"]
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", in_terminal(tmp_path, "train", *options, columns=columns))
    assert re.search(r"epoch 150/150 .*loss .* train +\d+\.\d\d% valid +\d+\.\d\d% \d+k? samples/s 00:00", shown)
    assert max(len(line) for line in shown.splitlines()) <= columns


@posix
def test_a_terminal_that_cannot_move_its_cursor_gets_lines(tmp_path):
    written = in_terminal(tmp_path, "train", "--epochs", 3, TERM="dumb")
    assert "\x1b" not in written
    assert len(re.findall(r"^epoch \d/3  step", written, re.M)) == 3


@posix
@pytest.mark.parametrize(("no_color", "colored"), [("", True), ("1", False)])
def test_no_color_is_respected(tmp_path, no_color, colored):
    written = in_terminal(tmp_path, "devices", NO_COLOR=no_color)
    assert ("\x1b[32m" in written) == colored


@posix
def test_long_reasons_are_broken_between_words(tmp_path):
    out = in_terminal(tmp_path, "data", "list", columns=60)
    assert re.search(r"^mnist +MNIST handwritten digits: 60000 \+ 10000\n {15}images", out, re.M)


def test_help_comes_soon_after_numpy(tmp_path):
    """It takes 3 times as much processor time as the import of NumPy, and fails before the double.

    The least of several runs, since what else runs on the machine only adds to it.
    """
    environment = os.environ | {"PYTHONPATH": str(SOURCE), "PYTHONPYCACHEPREFIX": str(tmp_path / "cache")}
    environment |= {"PYTHONDONTWRITEBYTECODE": "", "OPENBLAS_NUM_THREADS": "1"}

    def processor_seconds(*arguments: str) -> float:
        probe = (
            "import os, subprocess, sys; subprocess.run([sys.executable, *sys.argv[1:]], check=True, "
            "stdout=subprocess.DEVNULL); t = os.times(); print(t.children_user + t.children_system)"
        )
        return float(subprocess.check_output([sys.executable, "-c", probe, *arguments], env=environment, text=True))

    numpy, ours = [], []
    for _ in range(20):
        numpy.append(processor_seconds("-c", "import numpy"))
        ours.append(processor_seconds("-m", "xpnet", "--help"))
        if len(ours) > 3 and min(ours) < 4.5 * min(numpy):
            break
    assert min(ours) < 4.5 * min(numpy)


COMMANDS = ("train", "sweep", "evaluate", "predict", "export", "report", "compare", "gradcheck", "devices", "data")
COMMANDS += ("completion",)


def test_help_and_version():
    assert xpnet("--version") == (0, f"xpnet {__version__}\n", "")
    for arguments in ((), ("--help",), ("-h",)):
        code, out, err = xpnet(*arguments)
        assert (code, err) == (0, "")
        for name in COMMANDS:
            assert re.search(rf"^  {name} +[A-Z][^.]*\.$", out, re.M)
    for name in (*COMMANDS, "data list", "data fetch", "data path", "data show"):
        code, out, err = xpnet(*name.split(), "--help")
        assert (code, err) == (0, "")
        assert out.startswith(f"Usage: xpnet {name} ")
        assert max(map(len, out.splitlines())) <= 80


@posix
@pytest.mark.parametrize(
    "command",
    [
        "train --epochs 30 --out new",
        "train --data prices.csv --loss mean_squared_error --epochs 30 --out new",
        "evaluate run",
        "evaluate prices",
        "compare run other",
        "gradcheck",
        "devices",
        "report run",
        "--help",
        "train --help",
        "data fetch --help",
    ],
)
def test_everything_fits_40_columns(tmp_path, command, run, prices):
    data, numbers = prices
    shutil.copy(data, tmp_path / "prices.csv")
    shutil.copytree(run, tmp_path / "run")
    shutil.copytree(run, tmp_path / "other")
    shutil.copytree(numbers, tmp_path / "prices")
    config = tmp_path / "other" / "config.json"
    config.write_text(config.read_text().replace('"seed": 0', '"seed": 12345678901234567'))
    shown = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", in_terminal(tmp_path, *command.split(), columns=40))
    assert max(len(line) for line in re.split(r"[\r\n]", shown)) <= 40
    assert "…" not in shown
    if "--epochs" in command:
        assert re.search(r"epoch 30/30 .*test +-?[\d.]+%? 00:00", shown)
    if command.startswith("compare"):
        assert "seed" in shown
        assert "12345678901234567" in shown


@pytest.mark.parametrize(
    ("encoding", "measure"), [("utf-8", "R²"), ("cp437", "R²"), ("cp1252", "R²"), ("cp932", "R2"), ("ascii", "R2")]
)
def test_code_pages_without_a_character_get_another(tmp_path, prices, encoding, measure):
    process = start("evaluate", prices[1], cwd=tmp_path, env={"PYTHONIOENCODING": encoding}, encoding=encoding)
    out, err = process.communicate(timeout=DEADLINE)
    assert (process.returncode, err) == (0, "")
    assert re.fullmatch(rf"prices: RMSE \S+, MAE \S+, {measure} 0\.\d+, loss \S+ on 40 test samples\n", out)


def test_no_file_depends_on_the_code_page(tmp_path, prices):
    """Python warns of every file that is opened as text in the encoding of the place."""
    data, run = prices
    for command in (
        ["train", "--data", data, "--loss", "mean_squared_error", "--epochs", 1, "--out", "run", "--plot", "--quiet"],
        ["evaluate", "run", "--json"],
        ["compare", "run", run],
        ["report", "run"],
        ["predict", "run", data],
    ):
        environment = {"PYTHONWARNDEFAULTENCODING": "1", "PYTHONWARNINGS": "always::EncodingWarning"}
        process = start(*command, cwd=tmp_path, env=environment)
        told = process.communicate(timeout=DEADLINE)[1]
        assert process.returncode == 0
        assert not re.search(r"xpnet.\S+: EncodingWarning", told)
