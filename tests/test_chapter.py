"""The chapter, run as its reader runs it: its numbers, its pictures, its README, and other array libraries."""

import os
import re
import runpy
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import xpnet
from xpnet.training import fitting

FOLDER = Path(__file__).parents[1] / "scripts" / "chapter"
CHAPTER = FOLDER / "chapter.py"
if not FOLDER.exists():
    pytest.skip("the chapter is part of the repository, not of the source distribution", allow_module_level=True)
README = runpy.run_path(str(FOLDER / "readme.py"))

HEADINGS = """Loss function
Mean squared error, MSE
Cross entropy error, CEE
Mini batch training
Implement cross entropy error
Numerical derivative
Derivative
CAUTION: too small a step
Example for numerical derivative
Partial derivative
Gradient
Gradient descent method
Gradient at neural network
Implement Learning Algorithms
Implement two layer neural network class
Implement mini batch training
Evaluation on test dataset""".splitlines()

HUNDRED_SLOPES = """
array([0.08      , 0.08040404, 0.08080808, 0.08121212, 0.08161616,
       0.0820202 , 0.08242424, 0.08282828, 0.08323232, 0.08363636,
       0.0840404 , 0.08444444, 0.08484848, 0.08525253, 0.08565657,
       0.08606061, 0.08646465, 0.08686869, 0.08727273, 0.08767677,
       0.08808081, 0.08848485, 0.08888889, 0.08929293, 0.08969697,
       0.09010101, 0.09050505, 0.09090909, 0.09131313, 0.09171717,
       0.09212121, 0.09252525, 0.09292929, 0.09333333, 0.09373737,
       0.09414141, 0.09454545, 0.09494949, 0.09535354, 0.09575758,
       0.09616162, 0.09656566, 0.0969697 , 0.09737374, 0.09777778,
       0.09818182, 0.09858586, 0.0989899 , 0.09939394, 0.09979798,
       0.10020202, 0.10060606, 0.1010101 , 0.10141414, 0.10181818,
       0.10222222, 0.10262626, 0.1030303 , 0.10343434, 0.10383838,
       0.10424242, 0.10464646, 0.10505051, 0.10545455, 0.10585859,
       0.10626263, 0.10666667, 0.10707071, 0.10747475, 0.10787879,
       0.10828283, 0.10868687, 0.10909091, 0.10949495, 0.10989899,
       0.11030303, 0.11070707, 0.11111111, 0.11151515, 0.11191919,
       0.11232323, 0.11272727, 0.11313131, 0.11353535, 0.11393939,
       0.11434343, 0.11474747, 0.11515152, 0.11555556, 0.1159596 ,
       0.11636364, 0.11676768, 0.11717172, 0.11757576, 0.1179798 ,
       0.11838384, 0.11878788, 0.11919192, 0.11959596, 0.12      ])
"""


@pytest.fixture(scope="session")
def out(tmp_path_factory):
    return tmp_path_factory.mktemp("chapter") / "pictures"


@pytest.fixture(scope="session")
def printed(out):
    """What the script prints on the CPU; a warning would end it."""
    command = [sys.executable, "-W", "error", CHAPTER, "--device", "cpu", "--data", "digits", "--out", out]
    environment = {**os.environ, "PYTHONIOENCODING": "utf-8"}
    run = subprocess.run(command, capture_output=True, encoding="utf-8", env=environment)
    assert run.stderr == ""
    assert run.returncode == 0
    return run.stdout


def test_every_section_is_there_in_the_order_of_the_chapter(printed):
    assert re.findall(r"^##+ (.*)$", printed, flags=re.MULTILINE)[1:] == HEADINGS


@pytest.mark.parametrize(
    "line",
    [
        "the chapter's code:    12.0",
        "the chapter's formula: 8.0",
        "the chapter's arrays:   1.4808580471604245",
        "float32(1e-50) = 0.0",
        "f'(5) = 0.1999999999990898",
        "f'(10) = 0.2999999999986347",
        "by x0: 6.00000000000378",
        "by x1: 7.999999999999119",
        "at [3, 4]: [6. 8.]",
        "rate 0.1: [-6.11110793e-10  8.14814391e-10]",
        "rate 1e-10: [-2.99999994  3.99999992]",
    ],
)
def test_the_numbers_of_the_chapter_are_printed_digit_for_digit(printed, line):
    assert f"\n{line}\n" in printed


def test_the_hundred_slopes_are_printed_as_in_the_chapter(printed):
    assert HUNDRED_SLOPES in printed


def test_steps_that_vanish_are_told_in_the_words_of_the_library(printed):
    assert re.search(r"^ValueError: h = 1e-50 vanishes beside some x: x \+ h == x in float32; ", printed, re.MULTILINE)
    assert re.search(r"^rate 10.0: ValueError: h = 0.0001 vanishes .* in float64; ", printed, re.MULTILINE)


def test_too_large_a_rate_multiplies_by_minus_19_a_step(printed):
    [pair] = re.findall(r"^rate 10.0, with steps that grow with x: \[(.*)\]$", printed, flags=re.MULTILINE)
    np.testing.assert_allclose(np.fromstring(pair, sep=" "), [-3 * 19.0**100, 4 * 19.0**100], rtol=1e-6)


def test_cross_entropy_is_the_same_for_one_hot_and_labels_for_batches_and_samples(printed):
    section = printed.split("### Implement cross entropy error")[1].split("## Numerical")[0]
    values = re.findall(r": (\d\.\d{12})$", section, flags=re.MULTILINE)
    assert len(values) == 4
    assert len(set(values)) == 1


def test_numerical_and_backpropagated_gradients_agree_everywhere(printed):
    assert re.findall("equal to 9 digits: (.*)", printed) == ["True"] * 6
    losses = re.findall(r"^(?:backpropagation|numerical) +(loss .*)$", printed, flags=re.MULTILINE)
    assert len(losses) == 2
    assert losses[0] == losses[1]


def test_the_network_learns_what_it_has_not_seen(printed):
    last_row = printed.split("![Training loss")[0].splitlines()[-1].split()
    assert last_row[:2] == ["257", "10023"]
    assert float(last_row[-1].rstrip("%")) > 94


def test_its_readme_shows_the_code_and_what_it_prints(printed):
    written = README["split_readme"]()[1]
    assert written == README["render"](printed), "run python scripts/chapter/readme.py"


def test_pictures_are_drawn_and_the_committed_ones_are_as_large(printed, out):
    from matplotlib.image import imread

    names = re.findall(r"^!\[.+\]\((\w+\.png)\)$", printed, flags=re.MULTILINE)
    assert len(names) == 5
    for folder in (out, FOLDER):
        assert {path.name for path in folder.glob("*.png")} == set(names)
    for name in names:
        drawn, committed = imread(out / name), imread(FOLDER / name)
        assert drawn.shape == committed.shape
        assert 800 <= drawn.shape[1] <= 1200
        assert len(np.unique(drawn)) > 50
    assert sum((FOLDER / name).stat().st_size for name in names) < 10**6


@pytest.mark.without("jax")  # whose compilation of every operation takes ten seconds
def test_every_array_library_prints_the_same_numbers(backend, printed, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(xpnet, "select_device", lambda request: backend.select())
    monkeypatch.setattr(fitting, "ITERATIONS", 195)  # The last training ends after epoch 5.
    monkeypatch.setattr(sys, "argv", [str(CHAPTER), "--out", str(tmp_path)])
    monkeypatch.syspath_prepend(FOLDER)
    chapter = CHAPTER.read_text(encoding="utf-8")
    exec(compile(chapter, CHAPTER, "exec"), {"__name__": "__main__"})

    actual = re.sub(r"\w+\.(?=float\d\d;)", "", capsys.readouterr().out.split("![Training loss")[0])
    expected = "".join(printed.splitlines(keepends=True)[: len(actual.splitlines())])
    number = re.compile(r"-?\d+(?:\.\d*)?(?:e[+-]?\d+)?")
    assert number.sub("#", actual) == number.sub("#", expected)
    values, truth = (np.asarray(number.findall(text), dtype=float) for text in (actual, expected))
    np.testing.assert_allclose(values, truth, rtol=1e-13)
