"""Text of foreign origin as a terminal or a notebook may have it."""

from collections.abc import Iterable, Sequence
from html import escape


def printable(text: str) -> str:
    r"""Return `text` on one line, every character that is not printed (control, direction, surrogate) as its escape.

    White space, line breaks too, becomes one space, and none around the text.

    Examples
    --------
    >>> from xpnet._text import printable
    >>> print(printable("a\n \x1b[31mred\u202e name "))
    a \x1b[31mred\u202e name
    """
    line = " ".join(text.split())
    if line.isprintable():
        return line
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in line)


def listed(names: Sequence[str], most: int = 20) -> str:
    """Return the first names with commas between them."""
    return ", ".join(names[:most]) + ", ..." * (len(names) > most)


def html_table(headers: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table for a notebook.

    Examples
    --------
    >>> from xpnet._text import html_table
    >>> html_table(["a", "b"], [[1, "<"]])
    '<table><thead><tr><th>a</th><th>b</th></tr></thead><tbody><tr><td>1</td><td>&lt;</td></tr></tbody></table>'
    """
    head = "".join(f"<th>{escape(header)}</th>" for header in headers)
    cells = ("".join(f"<td>{escape(str(cell))}</td>" for cell in row) for row in rows)
    body = "".join(f"<tr>{row}</tr>" for row in cells)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
