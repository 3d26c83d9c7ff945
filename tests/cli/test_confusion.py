"""Tables of what was taken for what, on a terminal of 80 columns."""

from io import StringIO

import numpy as np
import pytest
from rich.console import Console

from xpnet.cli.confusion import confusion_table

LETTERS = tuple(map(chr, range(ord("A"), ord("Z") + 1)))


def shown(counts, names, width=80):
    """Return the title and the lines of the table."""
    console = Console(width=width, file=StringIO())
    title, table = confusion_table(counts, names, console)
    console.print(table)
    return title, console.file.getvalue().splitlines()


@pytest.mark.parametrize("largest", [9, 99])
def test_26_classes_that_fit_are_shown_with_all_names(largest):
    counts = np.random.default_rng(0).integers(1, largest + 1, (26, 26))
    title, (header, *lines) = shown(counts, LETTERS)
    assert title == "Confusion matrix (rows: true, columns: said)"
    assert max(map(len, [header, *lines])) <= 80
    assert tuple(header.split()) == LETTERS
    assert [line.split() for line in lines] == [
        [name, *map(str, row)] for name, row in zip(LETTERS, counts.tolist(), strict=True)
    ]


def test_26_classes_that_do_not_fit_are_folded_to_the_most_confused_pairs():
    counts = np.diag(np.full(26, 1000)) + np.random.default_rng(0).permutation(26 * 26).reshape(26, 26)
    title, (header, *lines) = shown(counts, LETTERS)
    assert title.startswith("Most often confused (the whole matrix is too large to show; --json prints it)")
    assert header.split() == ["true", "said", "times"]
    wrong = counts - np.diag(counts.diagonal())
    expected = np.sort(wrong, axis=None)[::-1][:10].tolist()
    assert [int(line.split()[2]) for line in lines] == expected
    for line in lines:
        true, said, times = line.split()
        assert wrong[LETTERS.index(true), LETTERS.index(said)] == int(times)


def test_names_longer_than_the_terminal_are_not_cut():
    names = ("a" * 50, "b" * 60)
    title, lines = shown(np.asarray([[5, 2], [1, 5]]), names, width=40)
    assert title.startswith("Most often confused")
    text = "".join(lines[1:])
    assert [text.count(letter) for letter in "ab"] == [2 * 50, 2 * 60]
