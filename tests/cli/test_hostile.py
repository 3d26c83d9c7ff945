"""Files and surroundings that mean no good: no waiting, no escape sequences, no exit code but ours."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from command_line import DEADLINE, start, write_tiny, xpnet

posix = pytest.mark.skipif(sys.platform == "win32", reason="has no pipes with names, nor such characters in them")
RED = "\x1b[31m"


def finished(*arguments, **options):
    """Run in a process of its own; return exit code, stdout and stderr."""
    process = start(*arguments, cwd=Path.cwd(), **options)
    out, err = process.communicate(timeout=DEADLINE)
    return process.returncode, out, err


@posix
@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ("train --data pipe.csv", r"pipe\.csv: cannot be read \(not a regular file\): check the path"),
        ("train --data pipe.npy", r"pipe\.npy: cannot be read \(not a regular file\)"),
        ("train --data pipe.npz", r"pipe\.npz: cannot be read \(not a regular file\)"),
        ("train --data zero.csv", r"zero\.csv: cannot be read \(not a regular file\)"),
        ("train --data images", r"images: has no train-images-idx3-ubyte, "),
        ("predict run pipe", r"pipe: cannot be read \(not a regular file\)"),
        ("train --config pipe.toml", r"pipe\.toml: not a regular file"),
        ("train --class-weight pipe", r"--class-weight must be balanced, or a file .* 'pipe' \(not a regular file\)"),
        ("train --config large.json", r"large\.json: larger than 2097152 bytes: check the path"),
        ("train --class-weight large.json", r"--class-weight must be .* 'large\.json' \(larger than 2097152 bytes\)"),
        ("evaluate pipe", r"there is no model file pipe"),
        ("train --resume pipes", r"--resume: pipes holds no config\.json"),
    ],
)
def test_what_never_begins_or_ends_is_not_waited_for(folder, arguments, text):
    for name in ("pipe", "pipe.csv", "pipe.npy", "pipe.npz", "pipe.toml"):
        os.mkfifo(name)
    for place, name in (("images", "train-images-idx3-ubyte"), ("pipes", "config.json")):
        Path(place).mkdir()
        os.mkfifo(f"{place}/{name}")
    Path("zero.csv").symlink_to("/dev/zero")
    Path("large.json").write_text(" " * 2**21 + "1")
    write_tiny(folder / "tiny.npz")
    xpnet("train", "--data", "tiny.npz", "--epochs", 1, "--out", "run", "--quiet")
    code, out, err = xpnet(*arguments.split())
    assert (code, out) == (2, "")
    assert re.fullmatch(rf"xpnet: .*{text}.*\n", err)


@posix
def test_names_in_files_and_of_files_reach_no_terminal_raw(folder):
    rows = [f"{i % 7},{i % 3},{'good' if i % 2 else RED + 'bad'}" for i in range(60)]
    data = folder / f"{RED}evil.csv"
    data.write_text("\n".join([f"a,{RED}b,kind", *rows]))
    np.savez("arrays.npz", **{f"{RED}x": np.eye(3)})
    written = [xpnet("train", "--data", data, "--epochs", 2, "--out", f"{RED}run")]
    written += [xpnet("evaluate", f"{RED}run", *more) for more in ((), ("--json",), ("--data", data))]
    written += [xpnet("predict", f"{RED}run", data, "--format", kind) for kind in ("csv", "json")]
    assert [result.code for result in written] == [0] * 6
    shown = "\\x1b[31mbad"
    assert written[3].out.count(shown) >= 2
    assert written[4].out.startswith(f"label,{shown},good\n")
    Path(f"{RED}other.csv").write_text(f"a,{RED}c,kind\n1,2,x")
    Path(f"{RED}config.toml").write_text('"\\u001b[31mhidden" = 3')
    Path(f"{RED}model").write_text(RED)
    for command in (
        ["train", "--data", f"{RED}nowhere"],
        ["train", "--data", "arrays.npz"],
        ["train", "--data", data, "--label", f"{RED}c"],
        ["train", "--config", f"{RED}config.toml"],
        ["train", "--config", data],
        ["train", f"--{RED}"],
        ["train", "--out", f"{RED}run"],
        ["evaluate", f"{RED}model"],
        ["evaluate", f"{RED}run", "--data", f"{RED}other.csv"],
        ["predict", f"{RED}run", f"{RED}other.csv"],
        ["predict", f"{RED}run", f"{RED}nowhere"],
        ["data", "path", "mnist", "--data-dir", RED],
        [RED],
    ):
        written.append(xpnet(*command))
        assert (written[-1].code, written[-1].out) == (2, "")
        assert "internal error" not in written[-1].err
    assert "\x1b" not in "".join(result.out + result.err for result in written)


@pytest.mark.parametrize(
    "environment",
    [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}],
    ids=["ascii", "C"],
)
def test_outputs_that_know_ascii_only(folder, environment):
    Path("größe.csv").write_text(
        "\n".join(["a,b,kind", *(f"{i},{i % 3},{'groß' if i % 2 else '小'}" for i in range(60))])
    )
    for command in (
        ["train", "--data", "größe.csv", "--epochs", 2, "--out", "run"],
        ["evaluate", "run"],
        ["predict", "run", "größe.csv"],
        ["evaluate", "run", "--json"],
    ):
        code, out, err = finished(*command, env=environment)
        assert (code, err) == (0, "")
        assert out.isascii()
    prices = [f"{x},{x + 1},{3.5 * x}" for x in range(60)]
    Path("prices.csv").write_text("\n".join(prices))
    code, out, err = finished(
        "train", "--data", "prices.csv", "--loss", "mean_squared_error", "--epochs", 2, env=environment
    )
    assert (code, err) == (0, "")
    assert "R2 train" in out


@posix
def test_a_home_that_cannot_be_written_is_not_told_of(folder):
    write_tiny(folder / "tiny.npz")
    nowhere = dict.fromkeys(("HOME", "MPLCONFIGDIR", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"), "/proc/none")
    code, _, err = finished("train", "--data", "tiny.npz", "--epochs", 2, "--plot", "--out", "run", env=nowhere)
    assert (code, err) == (0, "")
    assert Path("run/curves.png").exists()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
@pytest.mark.parametrize("arguments", [["train", "--hidden", 0, "--debug"], ["nope"]])
def test_wrong_input_is_2_even_where_it_cannot_be_told(folder, arguments):
    with Path("/dev/full").open("w") as full:
        assert finished(*arguments, stderr=full)[:2] == (2, "")
    assert finished(*arguments, shell_setting="exec 2>&-") == (2, "", "")


def test_labels_that_are_rather_numbers_are_told_with_the_option(folder):
    Path("ages.csv").write_text("\n".join(f"{i % 7},{i % 3},{i % 40 + 20}" for i in range(400)))
    out = xpnet("train", "--data", "ages.csv", "--epochs", 1, "--out", "run").out
    assert "note      the labels are 40 whole numbers: if they are amounts, take --loss mean_squared_error\n" in out
    Path("few.csv").write_text("\n".join(f"{i % 7},{i % 3},{i % 30}" for i in range(400)))
    assert "note" not in xpnet("train", "--data", "few.csv", "--epochs", 1, "--out", "few").out
    Path("amounts.csv").write_text("\n".join(f"{i % 7},{i % 3},{i / 8}" for i in range(400)))
    told = xpnet("train", "--data", "amounts.csv").err
    assert re.search(
        r"label 0\.125 .*: number the classes, or take --loss mean_squared_error if they are numbers", told
    )
    told = xpnet("evaluate", "run", "--data", "amounts.csv").err  # It has no such option.
    assert re.fullmatch(r"xpnet: amounts.csv: .* of sample 1 is not an integer: number the classes\n", told)


def test_a_label_of_0_is_an_index_and_kept(folder):
    rows = [f"{i % 2},{i},{i % 3}" for i in range(60)]
    Path("bare.csv").write_text("\n".join(rows))
    out = xpnet("train", "--data", "bare.csv", "--label", 0, "--epochs", 1, "--out", "run").out
    assert "bare: 48 training and 12 test samples, 2 features, 2 classes\n" in out
    assert '"label": "0"' in Path("run/config.json").read_text()
    assert xpnet("evaluate", "run").code == 0


def test_the_terminal_is_defended_where_paths_are_printed(monkeypatch, capsys):
    from xpnet.cli.printing import say_path

    say_path(Path(f"{RED}folder"))
    assert capsys.readouterr().out == f"{RED}folder\n"
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    say_path(Path(f"{RED}folder"))
    assert capsys.readouterr().out == "\\x1b[31mfolder\n"
