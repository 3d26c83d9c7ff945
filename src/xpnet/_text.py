"""Text of foreign origin as a terminal may have it."""

from collections.abc import Sequence


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
