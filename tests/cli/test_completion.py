"""Completion: what a shell is told, and what it gets when it asks."""

import os
import shutil
import subprocess
import sys

import pytest
from command_line import start, xpnet

ASKED = {
    "xpnet tr": {"train"},
    "xpnet data f": {"fetch"},
    "xpnet train --opt": {"--optimizer"},
    "xpnet train --optimizer ada": {"adagrad", "adam", "adamw"},
    "xpnet train --data m": {"mnist"},
    "xpnet data fetch fash": {"fashion-mnist"},
    "xpnet predict run in.csv --format j": {"json"},
    "xpnet train --class-weight b": {"balanced"},
    "xpnet completion z": {"zsh"},
}


def answers(tmp_path, line):
    """Return what bash gets for the last word of a line: kinds and values."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(len(line.split()) - 1), "_XPNET_COMPLETE": "bash_complete"}
    process = start(cwd=tmp_path, env=words)
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    return [tuple(answer.split(",", 1)) for answer in out.split()]


@pytest.mark.parametrize("line", list(ASKED))
def test_names_are_completed(tmp_path, line):
    assert set(answers(tmp_path, line)) == {("plain", name) for name in ASKED[line]}


@pytest.mark.parametrize(
    "line", ["xpnet train --data tab", "xpnet train --data-dir d", "xpnet train --config c", "xpnet report ru"]
)
def test_paths_are_left_to_the_shell(tmp_path, line):
    assert answers(tmp_path, line) == [("file", line.split()[-1])]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_is_told_whom_to_ask(tmp_path, shell):
    process = start("completion", shell, cwd=tmp_path)
    script, _ = process.communicate()
    assert process.returncode == 0
    assert f"_XPNET_COMPLETE={shell}_complete" in script
    if shutil.which(shell) and sys.platform != "win32":  # There, bash may be one of another system.
        option = "--no-execute" if shell == "fish" else "-n"
        subprocess.run([shell, option], input=script, text=True, check=True, env=os.environ | {"HOME": str(tmp_path)})


def test_other_shells_are_refused():
    code, out, err = xpnet("completion", "tcsh")
    assert (code, out, err) == (2, "", "xpnet: SHELL must be one of bash, zsh, fish; got 'tcsh'\n")
