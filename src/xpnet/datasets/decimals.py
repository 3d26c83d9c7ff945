"""Tables of decimal numbers: all cells of a block of text at once."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

from xpnet.datasets.samples import is_usable

_LONGEST = 24
"""Characters without the sign, leading zeros too: 0.00012345678901234567 is no more than its digits."""
_LINE, _COMMA, _MINUS, _DOT, _ZERO, _NINE = b"\n,-.09"
_WORD = 8
"""Characters that are read at once as an integer, the first in its lowest bits."""
_BITS = 8 * _WORD
_POINTS = np.uint64(0x1010101010101010)
"""The bit of each character that tells a point, which is made 16, from a digit."""
_POINT_BIT = 4
_MOST = np.uint64(10**11)
"""Eight more digits behind fewer than these are fewer than 10**19 < 2**64."""
_DECIMALS = [max(0, (bits - _POINT_BIT) // 8) for bits in range(8 * _LONGEST + 1)]
"""How many characters are behind a point, from whose bit on there are so many bits."""
_TEN_TO = np.asarray([float(f"{sign}1e{decimals}") for sign in ("", "-") for decimals in _DECIMALS])
"""The second half for negative numbers."""


def parse_decimals(block: bytes, width: int, blank: Collection[int] = ()) -> NDArray[np.float64] | None:
    """Return the numbers in lines of `width` cells with commas between them, shape (lines, width).

    The digits of a cell are an integer, its decimals a power of ten: their quotient is the number, correctly rounded
    where the integer is below 2**53 and the power at most 10**22 (W. D. Clinger, 1990), else to two ulp. What has an
    exponent is left to `float`. An empty cell is NaN, as are all of the columns in `blank`, whatever they hold.

    Returns None where something is no number that float32 can hold, or has more than 19 digits beside leading zeros,
    or a line has another number of cells.
    """
    text = np.frombuffer(block, np.uint8)
    table_ends = cell_ends(text, width)
    if table_ends is None:
        return None
    ends, starts = table_ends.ravel(), cell_starts(table_ends).ravel()
    aside = np.add.outer(np.arange(len(table_ends)) * width, np.asarray([*blank], np.int64)).ravel()
    text = _zeroed(text, starts, ends, aside)
    others = np.full(len(aside), np.nan)
    if text.max() > _NINE:
        with_letters = np.unique(np.searchsorted(ends, np.flatnonzero(text > _NINE)))
        numbers = _floats(block, starts[with_letters], ends[with_letters])
        if numbers is None:
            return None
        text = _zeroed(text, starts, ends, with_letters)
        aside, others = np.concatenate([aside, with_letters]), np.concatenate([others, numbers])
    starts[aside] = ends[aside]
    numbers = _plain_decimals(text, starts, ends)
    if numbers is None:
        return None
    numbers[aside] = others
    return numbers.reshape(-1, width)


def cell_ends(text: NDArray[np.uint8], width: int) -> NDArray[np.int64] | None:
    """Return where cells end, shape (lines, width), or None if lines do not have as many."""
    ends = np.flatnonzero((text == _COMMA) | (text == _LINE))
    lines = len(ends) // width
    line = bytes([_COMMA] * (width - 1) + [_LINE])
    return ends.reshape(-1, width) if text[ends].tobytes() == line * lines else None


def cell_starts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the cells begin that end there."""
    return np.concatenate(([0], ends.ravel()[:-1] + 1)).reshape(ends.shape)


def _zeroed(
    text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], cells: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return a text with zeros for all characters of some cells."""
    if not cells.size:
        return text
    lengths = ends[cells] - starts[cells]
    before = np.cumsum(lengths) - lengths
    text = text.copy()
    text[np.repeat(starts[cells] - before, lengths) + np.arange(lengths.sum())] = _ZERO
    return text


def _floats(block: bytes, starts: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Return what `float` reads in some cells, None if that is no number, or one beyond float32."""
    try:
        numbers = np.asarray([float(block[a:b]) for a, b in zip(starts.tolist(), ends.tolist(), strict=True)])
    except ValueError:
        return None
    return numbers if is_usable(numbers).all() else None


def _plain_decimals(
    text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    """Return the numbers in cells of a minus, digits and a point, NaN where there is nothing; None if one has more."""
    negative = text[starts] == _MINUS
    lengths = ends - starts
    lengths -= negative
    longest = int(lengths.max())
    if longest > _LONGEST:
        return None
    words = _words(text, ends, lengths, max(1, -(-longest // _WORD)))
    behind, bits = _behind_points(words)
    has_point = behind[-1] >> np.uint64(_BITS - 1)
    # Each cell has one mark at most where all marks are as many as the cells with any.
    points = np.count_nonzero(has_point)
    marks = len(ends) + np.count_nonzero(negative) + points
    if np.count_nonzero(text < _ZERO) != marks or np.count_nonzero(text == _DOT) != points:
        return None
    empty = starts == ends
    empties = np.count_nonzero(empty)
    if np.count_nonzero(lengths == has_point.view(np.int64)) != empties:
        return None
    total = _integers(words, behind, has_point)
    if total is None:
        return None
    numbers: NDArray[np.float64] = total / _TEN_TO[negative * len(_DECIMALS) + bits]
    if empties:
        numbers[empty] = np.nan
    return numbers


def _words(
    text: NDArray[np.uint8], ends: NDArray[np.int64], lengths: NDArray[np.int64], count: int
) -> list[NDArray[np.uint64]]:
    """Return the last characters of cells as so many words: digits as numbers, a point as 16, 0 before the cell."""
    padded = np.zeros(_LONGEST + -(-len(text) // _WORD) * _WORD, np.uint8)
    padded[_LONGEST : _LONGEST + len(text)] = text ^ np.uint8(_ZERO)
    padded ^= (padded >> np.uint8(4)) * np.uint8(_DOT ^ _ZERO ^ 16)
    # A word of a cell lies across two of the text.
    aligned = padded.view("<u8")
    first = ends + (_LONGEST - count * _WORD)
    at = first >> 3
    low = ((first & 7) << 3).view(np.uint64)
    high = np.uint64(_BITS) - low
    unused = (count * _WORD - lengths) << 3
    words = []
    word = aligned[at]
    for place in range(count):
        at += 1
        following = aligned[at]
        word >>= low
        word |= following << high  # A shift by all bits, or more, leaves none.
        void = np.maximum(unused - place * _BITS, 0).view(np.uint64)
        word >>= void
        word <<= void
        words.append(word)
        word = following
    return words


def _behind_points(words: list[NDArray[np.uint64]]) -> tuple[list[NDArray[np.uint64]], NDArray[np.uint8]]:
    """Take the points out of words, and return masks of all that is behind them, and how many bits these have."""
    behind = []
    bits = np.zeros(len(words[0]), np.uint8)
    seen = np.zeros_like(words[0])
    for word in words:
        points = word & _POINTS
        word ^= points
        # -2**k has all the bits from k on, and -1 all.
        mask = np.negative(points | seen)
        seen = mask >> np.uint64(_BITS - 1)
        bits += np.bitwise_count(mask)
        behind.append(mask)
    return behind, bits


def _integers(
    words: list[NDArray[np.uint64]], behind: list[NDArray[np.uint64]], has_point: NDArray[np.uint64]
) -> NDArray[np.uint64] | None:
    """Return the integers of all digits, those before a point moved into its place; None if one is too large."""
    up = has_point << np.uint64(3)
    down = np.uint64(_BITS) - up
    total: NDArray[np.uint64] | None = None
    carry = np.zeros_like(up)
    for word, mask in zip(words, behind, strict=True):
        digits = word & mask
        word ^= digits
        digits |= carry
        digits |= word << up
        carry = word >> down
        value = _eight_digits(digits)
        if total is not None:
            if (total >= _MOST).any():
                return None
            total *= np.uint64(10**_WORD)
            value += total
        total = value
    return total


def _eight_digits(word: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return the integer of eight digits, one a byte, the first in the lowest: pairs, then fours, then all."""
    word *= np.uint64(10 * 2**8 + 1)
    word >>= np.uint64(8)
    word &= np.uint64(0x00FF00FF00FF00FF)
    word *= np.uint64(100 * 2**16 + 1)
    word >>= np.uint64(16)
    word &= np.uint64(0x0000FFFF0000FFFF)
    word *= np.uint64(10_000 * 2**32 + 1)
    word >>= np.uint64(32)
    return word
