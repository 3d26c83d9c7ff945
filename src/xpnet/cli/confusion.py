"""Tables of what was taken for what."""

import numpy as np
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from xpnet.cli.printing import plain_table

_LARGEST_TABLE = 26
_LONGEST_COLUMN_NAME = 4
_PAIRS = 10


def confusion_table(counts: np.ndarray, names: tuple[str, ...], console: Console) -> tuple[str, Table]:
    """Return a title and the counts, shape (classes, classes), or so much of them as the console has room for."""
    if len(names) <= _LARGEST_TABLE:
        table = _whole(counts, names)
        # A measure is never more than the width that it is given.
        if console.measure(table, options=console.options.update(width=console.width + 1)).maximum <= console.width:
            return "Confusion matrix (rows: true, columns: said)", table
    title = "Most often confused (the whole matrix is too large to show; --json prints it)"
    return title, _largest(counts - np.diag(counts.diagonal()), names)


def _whole(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    table = plain_table("")
    table.collapse_padding = True
    numbered = max(map(len, names)) > _LONGEST_COLUMN_NAME
    for column, name in enumerate(names):
        table.add_column(str(column) if numbered else escape(name), justify="right", no_wrap=True)
    for row, name in enumerate(names):
        cells = [_cell(count, diagonal=row == column) for column, count in enumerate(counts[row])]
        table.add_row(f"[bold]{f'{row} ' if numbered else ''}{escape(name)}[/]", *cells)
    return table


def _cell(count: int, *, diagonal: bool) -> str:
    if diagonal:
        return f"[green]{count}[/]"
    return f"[red]{count}[/]" if count else "[dim].[/]"


def _largest(wrong: np.ndarray, names: tuple[str, ...]) -> Table:
    table = plain_table("true", "said", "times")
    table.columns[2].justify = "right"
    for index in np.argsort(-wrong, axis=None, kind="stable")[:_PAIRS]:
        row, column = divmod(int(index), len(names))
        if wrong[row, column]:
            table.add_row(escape(names[row]), escape(names[column]), str(wrong[row, column]))
    return table


def worst_classes(counts: np.ndarray, names: tuple[str, ...]) -> Table:
    """Return the three classes of which the least part was found."""
    table = plain_table("class", "found", "most often taken for")
    totals, right = counts.sum(axis=1), counts.diagonal()
    recall = right / np.maximum(totals, 1)
    present = np.flatnonzero(totals)
    for index in present[np.argsort(recall[present], kind="stable")][:3]:
        mistakes = counts[index] - np.diag(right)[index]
        most = mistakes.argmax()
        taken = f"{escape(names[most])} ({mistakes[most]} times)" if mistakes.any() else "nothing else"
        table.add_row(escape(names[index]), f"{right[index]} of {totals[index]} ({recall[index]:.1%})", taken)
    return table
