"""Tables in text files, with or without a line of column names: .csv, .tsv, also .gz; labels and features may be texts.

Cells are separated by tabs, semicolons or commas, whichever the first line holds most of.
"""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from xpnet._text import printable
from xpnet.datasets.columns import Columns
from xpnet.datasets.decimals import cell_ends, cell_starts, parse_decimals
from xpnet.datasets.decoding import DataError, decoding
from xpnet.datasets.samples import OR_MISSING, RawSamples, is_usable
from xpnet.datasets.tables import MISSING, Table, is_number
from xpnet.datasets.text_blocks import text_blocks

TEXT_HOLDS = "one sample a line, plain or .gz; labels and features may be texts"

_SEPARATORS = "\t;,"
_LARGEST = 2**18
"""Bytes of a block that is read at once, which takes 200 times as many."""
_GAP = re.compile(rb" +(?=[\t;,\n])|(?<=[\t;,\n]) +|^ +")


class _Layout(NamedTuple):
    """How a table is laid out: its separator, its column names if it has any, its columns, the lines before a row."""

    separator: str
    names: list[str]
    width: int
    skip: int


def read_csv(path: Path, columns: Columns) -> tuple[RawSamples]:
    """Return the samples in a file of text."""
    with decoding(path, "a table of text"):
        blocks = text_blocks(path)
        line, first, layout = 0, b"", None
        while layout is None:
            line += first.count(b"\n")
            first = next(blocks, b"")
            if not first:
                raise DataError(f"{path}: holds no rows of data: use a table with samples")
            layout = _read_layout(_text(first), columns)
        table = Table(path, layout.width, layout.names, columns)
        line += layout.skip
        first = first.split(b"\n", layout.skip)[-1]
        line += _add_any(table, layout, first, line)
        for block in blocks:
            plain = _parse(block, layout, table.unwanted, table.texts)
            if plain is not None and not _lacks_values(table, plain):
                table.add(plain.numbers, plain.texts)
                line += len(plain.numbers)
            else:  # It takes anything, and says where a cell is wrong.
                line += _add_any(table, layout, block, line)
        if not table.rows:
            raise DataError(f"{path}: holds no rows of data: use a table with samples")
        return (table.samples(),)


def _read_layout(text: str, columns: Columns) -> _Layout | None:
    first_line = next((line for line in text.splitlines() if line.strip()), "")
    outside = "".join(first_line.split('"')[::2])
    separator = max(_SEPARATORS, key=outside.count) if any(mark in outside for mark in _SEPARATORS) else ","
    reader = csv.reader(StringIO(text, newline=""), delimiter=separator)
    names = [printable(cell) for cell in next(filter(None, reader), [])]
    if not names:
        return None
    is_header = not any(map(is_number, names)) or columns.is_header(names)
    return _Layout(separator, _told_apart(names) if is_header else [], len(names), reader.line_num if is_header else 0)


def _told_apart(names: list[str]) -> list[str]:
    """Return the names with a number after each that was there before: a, a.1, a.2."""
    apart: dict[str, None] = {}
    times: Counter[str] = Counter()
    for name in names:
        unique = name
        while unique in apart:
            times[name] += 1
            unique = f"{name}.{times[name]}"
        apart[unique] = None
    return list(apart)


class _Plain(NamedTuple):
    """The rows of a block of decimals: its numbers, and the texts in columns of texts."""

    numbers: NDArray[np.float64]
    texts: dict[int, list[str]]


def _parse(block: bytes, layout: _Layout, unwanted: set[int], texts: dict[int, bool]) -> _Plain | None:
    """Return the rows of a block without quotes whose numbers are plain decimals, if it is one."""
    if len(block) > _LARGEST or b'"' in block or len(unwanted) + len(texts) < layout.width:
        return None
    if b" " in block:
        block = _GAP.sub(b"", block)
    comma = layout.separator.encode()
    text = block if comma == b"," else block.translate(bytes.maketrans(b"," + comma, comma + b","))
    with_texts = [column for column, is_text in texts.items() if is_text]
    numbers = parse_decimals(text, layout.width, {*with_texts, *unwanted})
    if numbers is None:
        return None
    cells = {}
    if with_texts:
        ends = cell_ends(np.frombuffer(text, np.uint8), layout.width)
        assert ends is not None
        starts = cell_starts(ends)
        for column in with_texts:
            spans = zip(starts[:, column].tolist(), ends[:, column].tolist(), strict=True)
            cells[column] = [_text(block[start:end]) for start, end in spans]
    return _Plain(numbers, cells)


def _lacks_values(table: Table, plain: _Plain) -> bool:
    """Return whether a target is missing, or anything else, where that was not asked for."""
    numbers, texts, target = plain.numbers, plain.texts, table.target
    if target is not None and ("" in texts[target] if target in texts else np.isnan(numbers[:, target]).any()):
        return True
    if table.missing:
        return False
    blank = len(table.unwanted) + len(texts)
    if np.isnan(numbers.max()) and np.count_nonzero(np.isnan(numbers)) > len(numbers) * blank:
        return True
    return any(not MISSING.isdisjoint(cells) for cells in texts.values())


def _add_any(table: Table, layout: _Layout, block: bytes, line: int) -> int:
    """Add the rows of a block of text after so many lines, or say which cell is wrong; return how many lines it has."""
    reader = csv.reader(StringIO(_text(block), newline=""), delimiter=layout.separator)
    rows, lines = [], []
    for row in reader:
        if not row:
            continue
        if len(row) != layout.width:
            raise DataError(
                f"{table.path}: line {line + reader.line_num} has {len(row)} cells where {layout.width} were "
                "expected: correct or remove it"
            )
        rows.append(row)
        lines.append(line + reader.line_num)
    if not rows:
        return reader.line_num
    numbers, texts = np.full((len(rows), layout.width), np.nan), {}
    for column, cells in enumerate(zip(*rows, strict=True)):
        if column in table.unwanted:
            continue
        try:
            is_text = _is_text(table, column, cells)
            if is_text:
                texts[column] = cells
            else:
                numbers[:, column] = _numbers(cells, usable=column != table.target or not table.classification)
            _check_missing(table, column, cells)
        except _Fault as fault:
            raise DataError(f"{table.path}: line {lines[fault.row]}, {table.called(column)} {fault}") from None
        if is_text is not None:
            table.texts[column] = is_text
    table.add(numbers, texts)
    return reader.line_num


class _Fault(ValueError):
    """What is wrong with the cell of a row."""

    def __init__(self, row: int, text: str) -> None:
        super().__init__(text)
        self.row = row


def _is_text(table: Table, column: int, cells: Sequence[str]) -> bool | None:
    """Return whether a column is of texts, None if that is not to be known yet: all its cells are missing."""
    if column == table.target and table.classification:
        return table.texts.get(column, False) or not all(map(is_number, cells))
    if column in table.texts:
        is_text = table.texts[column]
    else:
        first = next((cell for cell in cells if cell.strip() not in MISSING), None)
        if first is None:
            return None
        is_text = not is_number(first)
    if is_text and table.known is None:
        for row, cell in enumerate(cells):
            if is_number(cell) and cell.strip() not in MISSING:
                raise _Fault(row, f"holds the number {cell[:40]!r} among texts: correct or remove it")
    return is_text


def _numbers(cells: Sequence[str], *, usable: bool) -> NDArray[np.float64]:
    """Return cells as numbers, NaN where they are missing."""
    try:
        numbers = np.asarray(list(map(float, cells)))
    except ValueError:
        numbers = np.empty(len(cells))
        for row, cell in enumerate(cells):
            if cell.strip() in MISSING:
                numbers[row] = np.nan
            elif is_number(cell):
                numbers[row] = float(cell)
            else:
                raise _Fault(row, f"holds {cell[:40]!r}, not a number: correct or remove it") from None
    bad = np.flatnonzero(~(is_usable(numbers) | np.isnan(numbers)))
    if usable and bad.size:
        raise _Fault(bad[0], f"holds {cells[bad[0]][:40]!r}, not a finite float32 number: correct it")
    return numbers


def _check_missing(table: Table, column: int, cells: Sequence[str]) -> None:
    """Refuse cells without a value, where that was not asked for."""
    is_label = column == table.target and table.classification
    if table.missing and column != table.target:
        return
    row = next((row for row, cell in enumerate(cells) if cell.strip() in ({""} if is_label else MISSING)), None)
    if row is None:
        return
    if is_label:
        raise _Fault(row, "has no label: fill it in or remove the line")
    raise _Fault(row, f"has a missing value: fill it in or remove the line{OR_MISSING * (column != table.target)}")


def _text(block: bytes) -> str:
    return str(block, "utf-8")
