"""Text of foreign origin as a terminal may have it."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet._text import printable


@given(st.text(st.characters(exclude_categories=())))
def test_whatever_the_text_it_is_one_printed_line(text):
    shown = printable(text)
    assert shown.isprintable()
    shown.encode()  # has no surrogates, by which Python holds undecodable bytes of file names
    assert printable(shown) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Größe 花 😀 a\\b", "Größe 花 😀 a\\b"),
        ("  two\n lines\t\u2028", "two lines"),
        ("\x1b[31mred\x07", r"\x1b[31mred\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("gpj\u202exe", r"gpj\u202exe"),
        (os.fsdecode(b"\xff"), r"\udcff"),
    ],
)
def test_examples(text, shown):
    assert printable(text) == shown
