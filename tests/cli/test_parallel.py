"""``mpiexec -n N xpnet train --parallel mpi``: one training in many processes, whatever becomes of them."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from command_line import DEADLINE, MPIEXEC, SOURCE, records, tree, without_times, write_tiny, xpnet

pytestmark = [
    pytest.mark.needs("mpi4py"),
    pytest.mark.skipif(sys.platform == "win32", reason="there is no wheel with an MPI"),
]

TINY = ["--data", "tiny.npz", "--batch-size", 10, "--optimizer", "adam", "--device", "cpu"]
ENDLESS = [*TINY, "--shards", 4, "--epochs", 10**6, "--checkpoint-every", 1, "--out", "run"]
PROGRAM = """
import os
from pathlib import Path
from mpi4py import MPI
import xpnet.training.loop as loop
from xpnet.cli import main

rank = MPI.COMM_WORLD.rank
Path(f"process-{rank}").write_text(str(os.getpid()))
draw = loop.epoch_order


def fail(samples, seed, epoch):
    if (rank, epoch) == (1, 3):
        raise MemoryError("no more")
    return draw(samples, seed=seed, epoch=epoch)


if Path("fail").exists():
    loop.epoch_order = fail
main()
"""


@pytest.fixture(autouse=True)
def files(folder):
    """Put a small table into the folder, and a program that is the command line and tells its process."""
    write_tiny(folder / "tiny.npz")
    (folder / "program.py").write_text(PROGRAM)


def start(processes, *arguments):
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE)}
    command = [MPIEXEC, "-n", processes, sys.executable, "program.py", *arguments, "--parallel", "mpi"]
    return subprocess.Popen(
        list(map(str, command)), env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def mpiexec(processes, *arguments):
    """Return exit code, and what all processes said on stdout and stderr."""
    process = start(processes, *arguments)
    out, err = process.communicate()
    return process.returncode, out, err


@pytest.mark.parametrize("more", [[], ["--validation", 0.3, "--patience", 3, "--class-weight", "balanced"]])
def test_any_number_of_processes_leaves_the_same_run(more):
    options = [*TINY, *more, "--shards", 4, "--epochs", 6]
    assert xpnet("train", *options, "--out", "alone", "--quiet") == (0, "", "")
    alone = tree(Path("alone"))
    for processes in (1, 2, 4):
        code, out, err = mpiexec(processes, "train", *options, "--out", f"run{processes}")
        assert (code, err) == (0, "")
        # The first process alone says anything.
        assert len(re.findall("^result ", out, re.MULTILINE)) == 1
        if processes > 1:
            assert f"batches of 10 in 4 shards over {processes} processes, 6 epochs\n" in out
        assert without_times(f"run{processes}") == without_times("alone")
        run = tree(Path(f"run{processes}"))
        assert run.keys() == alone.keys()
        for name in run.keys() - {"metrics.jsonl"}:
            assert run[name] == alone[name], name


def test_there_are_as_many_shards_as_processes_unless_told(folder):
    assert mpiexec(3, "train", *TINY, "--epochs", 1, "--out", "run", "--quiet") == (0, "", "")
    assert '"shards": 3,' in Path("run/config.json").read_text()


@pytest.mark.parametrize("victim", [0, 2])
def test_a_killed_process_ends_all_and_other_numbers_go_on(victim):
    process = start(3, "train", *ENDLESS, "--quiet")
    wait_for_checkpoint(process)
    pids = [int(Path(f"process-{rank}").read_text()) for rank in range(3)]
    os.kill(pids[victim], signal.SIGKILL)
    out, err = process.communicate(timeout=DEADLINE)
    assert process.returncode not in (0, None)
    assert "(signal 9)" in out + err
    for pid in pids:
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
    done = max(int(path.stem[-6:]) for path in Path("run/checkpoints").glob("epoch-*"))
    assert mpiexec(2, "train", "--resume", "run", "--epochs", done + 2, "--quiet") == (0, "", "")
    assert xpnet("train", "--resume", "run", "--epochs", done + 3, "--quiet") == (0, "", "")
    options = [*TINY, "--shards", 4, "--epochs", done + 3, "--quiet"]
    assert xpnet("train", *options, "--out", "whole") == (0, "", "")
    assert without_times("run") == without_times("whole")
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()
    assert mpiexec(2, "train", "--resume", "run", "--quiet") == (0, "", "")


def wait_for_checkpoint(process):
    while not list(Path().glob("run/checkpoints/epoch-*.safetensors")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.01)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("to_all", [True, False])
def test_a_signal_leads_to_one_checkpoint_and_one_line(number, to_all):
    process = start(2, "train", *ENDLESS, "--quiet")
    wait_for_checkpoint(process)
    os.kill(process.pid if to_all else int(Path("process-1").read_text()), number)
    _, err = process.communicate()
    assert process.returncode == 128 + number
    done = len(records("run"))
    told = f"xpnet: stopped by {number.name} after epoch {done} of 1000000; to go on: "
    lines = [line for line in err.splitlines() if line.startswith("xpnet")]
    assert lines == [f"{told}mpiexec -n 2 xpnet train --resume run --parallel mpi"]
    assert Path(f"run/checkpoints/epoch-{done:06d}.safetensors").exists()


@pytest.mark.parametrize(
    ("options", "text"),
    [
        (["--hiden", 5], "xpnet: No such option"),
        (["--hidden", 0], "xpnet: --hidden must be an integer >= 1, got 0"),
        (["--data", "nowhere"], "xpnet: data must be one of digits, mnist, fashion-mnist; got 'nowhere'"),
        (["--shards", 1], "xpnet: shards must be at least 2, one for each process, got 1"),
        (["--out", "."], "xpnet: --out: . already holds model.safetensors of another run"),
    ],
)
def test_an_error_is_told_once(options, text):
    Path("model.safetensors").touch()
    before = tree(Path("."))
    code, out, err = mpiexec(2, "train", *TINY, "--epochs", 1, *options)
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("xpnet: ")]
    assert line.startswith(text)
    after = tree(Path("."))
    assert {name: after[name] for name in after if not name.startswith("process-")} == before


def test_an_error_in_one_process_ends_all_and_the_run_goes_on():
    Path("fail").touch()
    options = [*TINY, "--shards", 2, "--epochs", 5, "--checkpoint-every", 1, "--quiet"]
    code, out, err = mpiexec(2, "train", *options, "--out", "run")
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("xpnet: ")]
    assert line == "xpnet: process 1: not enough memory (no more): take fewer hidden units, or less data"
    Path("fail").unlink()
    assert mpiexec(2, "train", "--resume", "run", "--quiet") == (0, "", "")
    assert xpnet("train", *options, "--out", "whole") == (0, "", "")
    assert Path("run/model.safetensors").read_bytes() == Path("whole/model.safetensors").read_bytes()


def test_a_loss_that_is_not_finite_is_told_once():
    options = ["--activation", "identity", "--init", "normal:1e30", "--loss", "mean_squared_error"]
    code, out, err = mpiexec(2, "train", *TINY, *options, "--out", "run", "--quiet")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith("xpnet: the loss became ")


def test_without_mpi_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "mpi4py", None)
    code, out, err = xpnet("train", *TINY, "--parallel", "mpi")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert 'pip install "xpnet[mpi]"' in err


def test_other_engines_are_refused():
    assert xpnet("train", "--parallel", "threads").err.startswith("xpnet: Invalid value for '--parallel'")
