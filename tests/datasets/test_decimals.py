"""Blocks of plain decimals: the numbers that Python's float reads, cell by cell."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from xpnet.datasets.decimals import parse_decimals

DECIMALS = st.from_regex(
    r"-?([0-9]{1,8}\.?[0-9]{0,7}|\.[0-9]{1,15}|[0-9]{1,15}|0\.0{0,8}[0-9]{1,14}|[0-9]\.?[0-9]{0,17}[eE][+-]?[0-3]?[0-7])",
    fullmatch=True,
)


def table(rows):
    return "".join(",".join(row) + "\n" for row in rows).encode()


@given(
    st.integers(1, 4).flatmap(
        lambda width: st.lists(st.lists(DECIMALS | st.just(""), min_size=width, max_size=width), min_size=1, max_size=5)
    )
)
def test_what_float_reads(rows):
    """At most 15 digits, or an exponent: integer and power of ten are exact, and their quotient is rounded once."""
    expected = [[float(cell) if cell else np.nan for cell in row] for row in rows]
    np.testing.assert_array_equal(parse_decimals(table(rows), len(rows[0])), expected)


def test_numbers_of_all_digits_are_right_to_two_ulp():
    x = np.random.default_rng(0).random((100, 3)) * 10.0 ** np.arange(-3, 6, 3)
    x = np.maximum(x, 1e-4)  # Smaller ones are written with an exponent.
    found = parse_decimals(table([list(map(repr, row)) for row in x.tolist()]), 3)
    assert (np.abs(found - x) <= 2 * np.spacing(x)).all()


def test_blank_columns_may_hold_anything():
    found = parse_decimals("1,é-.9/,2\n-3,,4\n".encode(), 3, {1})
    np.testing.assert_array_equal(found, [[1, np.nan, 2], [-3, np.nan, 4]])


@pytest.mark.parametrize(
    "cell",
    [
        "-",
        ".",
        "-.",
        "1.2.3",
        "--1",
        "1-2",
        "1-",
        ".-2",
        "1/2",
        "1e39",
        "-1e400",
        "e3",
        "1e",
        "1e3.5",
        "nan",
        "inf",
        "+1",
        " 1",
        "x",
        "9" * 20,
        "0" * 25,
        "1." + "0" * 19,
    ],
)
def test_what_is_no_plain_decimal(cell):
    assert parse_decimals(f"1,2\n{cell},4\n".encode(), 2) is None


@pytest.mark.parametrize("text", [b"1,2\n3\n", b"1,2,3\n4\n", b"1\n2,3\n", b"1,2\n\n3,4\n"])
def test_lines_of_other_lengths(text):
    assert parse_decimals(text, 2) is None
    assert parse_decimals(text, 2, {0}) is None
