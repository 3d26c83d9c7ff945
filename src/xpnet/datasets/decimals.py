"""Tables of plain decimal numbers: all cells of a block of text at once."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

_MOST_DIGITS = 19
"""10**19 < 2**64."""
_LONGEST = 24
"""Characters, leading zeros too: 0.00012345678901234567 is no more than its digits."""
_LINE, _COMMA, _MINUS, _DOT, _ZERO, _NINE = b"\n,-.09"
_INT_TO = np.asarray([10**k if k <= _MOST_DIGITS else 0 for k in range(_LONGEST + 1)], np.uint64)
_TEN_TO = np.concatenate([10.0 ** np.arange(_LONGEST + 1), -(10.0 ** np.arange(_LONGEST + 1))])
"""The second half for negative numbers."""
_WORD = 8
"""Digits that are read at once."""
_LAST = np.asarray([0x0F0F0F0F0F0F0F0F << 8 * (8 - k) & (2**64 - 1) for k in range(9)], np.uint64)
"""What takes the numbers of the last k characters of a word, and 0 for those before."""


def parse_decimals(block: bytes, width: int, blank: Collection[int] = ()) -> NDArray[np.float64] | None:
    """Return the numbers in lines of `width` cells with commas between them, shape (lines, width).

    The digits of a cell are an integer, its decimals a power of ten: their quotient is the number, correctly rounded
    where both are below 2**53 (W. D. Clinger, 1990), else to two ulp. An empty cell is NaN, as are all of the columns
    in `blank`, whatever they hold.

    Returns None where something is no plain decimal number of at most 19 digits beside leading zeros, or a
    line has another number of cells.
    """
    text = np.frombuffer(block, np.uint8)
    if blank:
        ends = cell_ends(text, width)
        if ends is None:
            return None
        text = _without(text, ends, blank)
    if text.max() > _NINE:
        return None
    marks = np.flatnonzero(text < _ZERO)
    kinds = text[marks]
    at = np.flatnonzero(kinds <= _COMMA)
    if not is_rectangle(kinds[at], width):
        return None
    # Before the end of a cell there may be its point, and before that, or before the end, its minus.
    ends, before = marks[at], at - 1
    has_point = kinds[before] == _DOT
    points = np.where(has_point, marks[before], ends)
    before -= has_point
    negative = kinds[before] == _MINUS
    signs = np.flatnonzero(negative)
    if len(at) + np.count_nonzero(has_point) + len(signs) != len(marks):
        return None
    starts = np.concatenate(([0], ends[:-1] + 1))
    if (marks[before[signs]] != starts[signs]).any():
        return None
    whole, decimals = points - starts - negative, ends - points - has_point
    digits = whole + decimals
    if digits.max() > _LONGEST or ((digits == 0) & (ends > starts)).any():
        return None
    padded = np.concatenate([np.zeros(_LONGEST, np.uint8), text])
    total, fractions = _integers(padded, points, whole), _integers(padded, ends, decimals)
    if total is None or fractions is None or ((digits > _MOST_DIGITS) & (total > 0)).any():
        return None
    numbers = (total * _INT_TO[decimals] + fractions) / _TEN_TO[decimals + len(_INT_TO) * negative]
    numbers[ends == starts] = np.nan
    table: NDArray[np.float64] = numbers.reshape(-1, width)
    if blank:
        table[:, list(blank)] = np.nan
    return table


def is_rectangle(ends: NDArray[np.uint8], width: int) -> bool:
    """Return whether of the characters that end cells, each `width`-th and no other ends a line."""
    if len(ends) % width:
        return False
    lines = ends.reshape(-1, width)
    return bool((lines[:, -1] == _LINE).all() and (lines[:, :-1] == _COMMA).all())


def cell_ends(text: NDArray[np.uint8], width: int) -> NDArray[np.int64] | None:
    """Return where cells end, shape (lines, width), or None if lines do not have as many."""
    ends = np.flatnonzero((text == _COMMA) | (text == _LINE))
    return ends.reshape(-1, width) if is_rectangle(text[ends], width) else None


def cell_starts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the cells begin that end there."""
    return np.concatenate(([0], ends.ravel()[:-1] + 1)).reshape(ends.shape)


def _without(text: NDArray[np.uint8], ends: NDArray[np.int64], blank: Collection[int]) -> NDArray[np.uint8]:
    """Return a copy without the characters of the cells of some columns."""
    starts = cell_starts(ends)
    change = np.zeros(len(text) + 1, np.int8)
    for column in blank:
        change[starts[:, column]] += 1
        change[ends[:, column]] -= 1
    kept: NDArray[np.uint8] = text[np.cumsum(change[:-1], dtype=np.int8) == 0]
    return kept


def _integers(
    padded: NDArray[np.uint8], ends: NDArray[np.int64], digits: NDArray[np.int64]
) -> NDArray[np.uint64] | None:
    """Return the integers of so many digits that end there, counted from the padding on; None if one is too large."""
    # The eight characters from every one on, as one number.
    words = np.ndarray(len(padded) - _WORD + 1, "<u8", padded, strides=(1,))
    total = _eight_digits(words[ends + _LONGEST - _WORD] & _LAST[np.minimum(digits, _WORD)])
    for higher in range(_WORD, int(digits.max()), _WORD):
        word = words[ends + _LONGEST - _WORD - higher] & _LAST[np.clip(digits - higher, 0, _WORD)]
        more = _eight_digits(word)
        if (more >= _INT_TO[_MOST_DIGITS - higher]).any():
            return None
        total += more * _INT_TO[higher]
    return total


def _eight_digits(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the integer of eight digits, one a byte, the first in the lowest: pairs, then fours, then all."""
    word = (word * np.uint64(10 * 2**8 + 1)) >> np.uint64(8)
    word = ((word & np.uint64(0x00FF00FF00FF00FF)) * np.uint64(100 * 2**16 + 1)) >> np.uint64(16)
    return ((word & np.uint64(0x0000FFFF0000FFFF)) * np.uint64(10_000 * 2**32 + 1)) >> np.uint64(32)
