"""Figures as part of a page: text stays text, and colours are those of the page, in its light and its dark theme."""

import re
from html import escape
from io import StringIO
from typing import Any

from xpnet.pictures import BLUE, INK, ORANGE

_COLOURS = {INK: "currentColor", "#000000": "currentColor", BLUE: "var(--blue)", ORANGE: "var(--orange)"}
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "xpnet",
    "path.simplify_threshold": 0.5,
    "text.color": INK,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
}
_NOTHING = dict.fromkeys(("Creator", "Date", "Format", "Type"))


def inline_svg(figure: Any, key: str, title: str, description: str) -> str:
    """Return a figure as an ``<svg>`` element for HTML.

    Parameters
    ----------
    figure : matplotlib Figure
        Drawn within `page_style`, in the colours of `xpnet.pictures`.
    key : str
        What its ids begin with, so that they are the page's only ones.
    title, description : str
        What it is, and what it shows, for those who cannot see it.

    Examples
    --------
    >>> from xpnet.pictures import BLUE, new_figure
    >>> from xpnet.report.svg import inline_svg, page_style
    >>> with page_style():
    ...     figure, (axes,) = new_figure(4, 3)
    ...     line = axes.plot([1, 2], color=BLUE)
    ...     svg = inline_svg(figure, "loss", "Loss", "It rises from 1 to 2.")
    >>> svg.startswith('<svg'), "var(--blue)" in svg, "currentColor" in svg, BLUE in svg
    (True, True, True, False)
    """
    file = StringIO()
    figure.savefig(file, format="svg", transparent=True, metadata=_NOTHING)
    svg = file.getvalue()
    view = re.search(r'viewBox="[^"]*"', svg)
    assert view is not None
    body = svg[svg.index(">", view.end()) + 1 :]
    body = re.sub(r"<!--.*?-->|<style.*?</style>|font-family: [^;]*; ", "", body, flags=re.DOTALL)
    body = re.sub(r'\bid="', f'id="{key}-', body)
    body = re.sub(r'(href="|url\()#', rf"\1#{key}-", body).replace("xlink:href", "href")
    body = re.sub(r"(?<=[\w;>\"]) *\n *", "\n", body)
    for drawn, shown in _COLOURS.items():
        body = body.replace(drawn, shown)
    label = f'<title id="{key}-title">{escape(title)}</title><desc id="{key}-text">{escape(description)}</desc>'
    return f'<svg role="img" aria-labelledby="{key}-title {key}-text" {view[0]}>{label}{body.strip()}'


def page_style() -> Any:
    """Return a context in which figures are drawn in the ink of the page."""
    from matplotlib import rc_context

    return rc_context(_STYLE)
