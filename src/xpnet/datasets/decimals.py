"""Tables of plain decimal numbers: all cells of a block of text at once."""

from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

_LONGEST = 24
"""Characters without the sign, leading zeros too: 0.00012345678901234567 is no more than its digits."""
_LINE, _COMMA, _MINUS, _DOT, _ZERO, _NINE = b"\n,-.09"
_WORD = 8
"""Characters that are read at once, in the bits of an integer, the first in the lowest."""
_BITS = 8 * _WORD
_NO_DIGITS = np.uint64(0x1010101010101010)
_DECIMALS = np.maximum((np.arange(8 * _LONGEST + 1) - 4) // 8, 0)
_TEN_TO = np.asarray([float(f"{sign}1e{decimals}") for sign in ("", "-") for decimals in _DECIMALS])
"""Ten to the decimals of so many bits from the fifth of the point on; the second half for negative numbers."""


def parse_decimals(block: bytes, width: int, blank: Collection[int] = ()) -> NDArray[np.float64] | None:
    """Return the numbers in lines of `width` cells with commas between them, shape (lines, width).

    The digits of a cell are an integer, its decimals a power of ten: their quotient is the number, correctly rounded
    where both are below 2**53 (W. D. Clinger, 1990), else to two ulp. What has an exponent is read by `float`. An empty
    cell is NaN, as are all of the columns in `blank`, whatever they hold.

    Returns None where something is no finite decimal number of at most 19 digits beside leading zeros, or a line has
    another number of cells.
    """
    text = np.frombuffer(block, np.uint8)
    table_ends = cell_ends(text, width)
    if table_ends is None:
        return None
    ends, starts = table_ends.ravel(), cell_starts(table_ends).ravel()
    aside: NDArray[np.int64] = np.arange(len(ends)).reshape(-1, width)[:, list(blank)].ravel()
    if aside.size:
        text = _blanked(text, starts, ends, aside)
    others = np.empty(len(aside))
    others[:] = np.nan
    if text.max() > _NINE:
        odd = np.unique(np.searchsorted(ends, np.flatnonzero(text > _NINE)))
        try:
            read = [float(block[start:end]) for start, end in zip(starts[odd].tolist(), ends[odd].tolist(), strict=True)]
        except ValueError:
            return None
        if not np.isfinite(read).all():
            return None
        text = _blanked(text, starts, ends, odd)
        aside, others = np.concatenate([aside, odd]), np.concatenate([others, read])
    if aside.size:
        starts[aside] = ends[aside]
    numbers = _decimals(text, starts, ends)
    if numbers is None:
        return None
    numbers[aside] = others
    return numbers.reshape(-1, width)


def _decimals(
    text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.float64] | None:
    negative = text[starts] == _MINUS
    empty = starts == ends
    lengths = ends - starts
    lengths -= negative
    longest = int(lengths.max())
    if longest > _LONGEST:
        return None
    words = _words(text, ends, lengths, max(1, -(-longest // _WORD)))
    # Of each word the bits from the point on, in which a digit has none; in words behind it, all.
    seen = np.zeros_like(words[0])
    from_point = []
    bits = np.zeros(len(ends), np.uint8)
    for word in words:
        marks = word & _NO_DIGITS
        word ^= marks
        marks |= seen
        behind = np.negative(marks, out=marks)
        seen = behind >> np.uint64(_BITS - 1)
        bits += np.bitwise_count(behind)
        from_point.append(behind)
    points = np.count_nonzero(seen)
    marks = len(ends) + np.count_nonzero(negative) + points
    if np.count_nonzero(text < _ZERO) != marks or np.count_nonzero(text == _DOT) != points:
        return None
    empties = np.count_nonzero(empty)
    if np.count_nonzero(lengths == seen.view(np.int64)) != empties:
        return None
    # Digits before the point take its place.
    seen <<= np.uint64(3)
    carry = np.uint64(0)
    total = None
    rest = np.uint64(_BITS) - seen
    for word, behind in zip(words, from_point, strict=True):
        after = word & behind
        word ^= after
        after |= carry
        carry = word >> rest
        word <<= seen
        after |= word
        value = _eight_digits(after)
        if total is None:
            total = value
        else:
            if (total >= np.uint64(10**11)).any():
                return None
            total *= np.uint64(10**8)
            total += value
    numbers = total / _TEN_TO[negative * len(_DECIMALS) + bits]
    if empties:
        numbers[empty] = np.nan
    return numbers


def _words(text, ends, lengths, count):
    padded = np.zeros(_LONGEST + -(-len(text) // _WORD) * _WORD, np.uint8)
    padded[_LONGEST : _LONGEST + len(text)] = text ^ np.uint8(_ZERO)
    padded ^= (padded >> np.uint8(4)) * np.uint8(14)
    aligned = padded.view("<u8")
    first = ends + (_LONGEST - count * _WORD)
    at = first >> 3
    first &= 7
    first <<= 3
    low = first.view(np.uint64)
    high = np.uint64(_BITS) - low
    void = (lengths - count * _WORD) * -8
    words = []
    this = aligned[at]
    for place in range(count):
        at += 1
        following = aligned[at]
        this >>= low
        this |= following << high
        unused = (np.maximum(void, 0) if place else void).view(np.uint64)
        this >>= unused
        this <<= unused
        words.append(this)
        this = following
        void -= _BITS
    return words


def cell_ends(text: NDArray[np.uint8], width: int) -> NDArray[np.int64] | None:
    """Return where cells end, shape (lines, width), or None if lines do not have as many."""
    ends = np.flatnonzero((text == _COMMA) | (text == _LINE))
    lines = len(ends) // width
    line = bytes([_COMMA] * (width - 1) + [_LINE])
    return ends.reshape(-1, width) if text[ends].tobytes() == line * lines else None


def cell_starts(ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return where the cells begin that end there."""
    return np.concatenate(([0], ends.ravel()[:-1] + 1)).reshape(ends.shape)


def _blanked(
    text: NDArray[np.uint8], starts: NDArray[np.int64], ends: NDArray[np.int64], cells: NDArray[np.int64]
) -> NDArray[np.uint8]:
    """Return a copy with zeros for the characters of some cells."""
    lengths = ends[cells] - starts[cells]
    first = np.cumsum(lengths) - lengths
    text = text.copy()
    text[np.repeat(starts[cells] - first, lengths) + np.arange(lengths.sum())] = _ZERO
    return text


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
