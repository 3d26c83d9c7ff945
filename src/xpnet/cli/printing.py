"""Facts and tables, as wide as the terminal; in a pipe, as wide as they are."""

import codecs
import logging
import sys
import textwrap
from contextlib import suppress
from io import TextIOWrapper
from pathlib import Path

from rich.console import Console
from rich.table import Column, Table

from xpnet._text import printable

_UNLIMITED = 10_000
_PLAIN = str.maketrans({"²": "2", "…": "..."})


def say(label: str, text: str, *, indent: int = 10) -> None:
    """Print a fact after its label; on a terminal, what does not fit goes on below it, between words."""
    line = f"{label:{indent}}{printable(text)}"
    if sys.stdout.isatty():
        margin = " " * indent
        line = textwrap.fill(
            line, stdout_console().width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
        )
    print(line, flush=True)


def warn(text: str) -> None:
    """Tell on stderr what the user has to know, whatever is printed: nothing is lost if nobody can read it."""
    with suppress(OSError):
        print(f"xpnet: {printable(text)}", file=sys.stderr, flush=True)


def say_path(path: Path) -> None:
    """Print a path as it is, for other programs; on a terminal, as that may have it."""
    print(printable(str(path)) if sys.stdout.isatty() else path)


def print_anything_but_chatter() -> None:
    """Write what an output cannot encode in other characters, and nothing that matplotlib says of itself."""
    codecs.register_error("legible", _in_ascii)
    logging.getLogger("matplotlib").setLevel(logging.ERROR)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="legible")


def tell(text: str) -> None:
    """Print a sentence; on a terminal between words on as many lines as it takes."""
    say("", text, indent=0)


def _in_ascii(error: UnicodeError) -> tuple[str, int]:
    """Return what stands for characters that a code page lacks: R2 for R², and else the escape."""
    assert isinstance(error, UnicodeEncodeError)
    text = error.object[error.start : error.end].translate(_PLAIN)
    return text.encode("ascii", "backslashreplace").decode(), error.end


def plain_table(*headers: str) -> Table:
    """Return an empty table without lines, which breaks long words and does not cut them."""
    return Table(
        *(Column(header, overflow="fold") for header in headers), header_style="bold", box=None, pad_edge=False
    )


def print_table(table: Table) -> None:
    """Print a table, or, where even its longest words have no room side by side, one cell below the other."""
    console = stdout_console()
    # A measure is never more than the width that it is given.
    room = console.options.update(width=console.width + 1)
    if console.measure(table, options=room).minimum <= console.width:
        console.print(table)
        return
    for first, *others in zip(*(column.cells for column in table.columns), strict=True):
        console.print(first, style="bold")
        for column, cell in zip(table.columns[1:], others, strict=True):
            if cell:
                console.print("  ", column.header, " ", cell, sep="", soft_wrap=True)


def stdout_console() -> Console:
    """Return what prints tables."""
    return Console(width=None if sys.stdout.isatty() else _UNLIMITED)
