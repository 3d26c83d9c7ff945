"""Facts and tables, as wide as the terminal; in a pipe, as wide as they are."""

import sys
import textwrap
from contextlib import suppress

from rich.console import Console
from rich.table import Table

_UNLIMITED = 10_000


def say(label: str, text: str, *, indent: int = 10) -> None:
    """Print a fact after its label; on a terminal, what does not fit goes on below it, between words."""
    line = f"{label:{indent}}{text}"
    if sys.stdout.isatty():
        margin = " " * indent
        line = textwrap.fill(
            line, stdout_console().width, subsequent_indent=margin, break_long_words=False, break_on_hyphens=False
        )
    print(line, flush=True)


def warn(text: str) -> None:
    """Tell on stderr what the user has to know, whatever is printed: nothing is lost if nobody can read it."""
    with suppress(OSError):
        print(f"xpnet: {' '.join(text.split())}", file=sys.stderr, flush=True)


def plain_table(*headers: str) -> Table:
    """Return an empty table without lines."""
    return Table(*headers, header_style="bold", box=None, pad_edge=False)


def stdout_console() -> Console:
    """Return what prints tables."""
    return Console(width=None if sys.stdout.isatty() else _UNLIMITED)
