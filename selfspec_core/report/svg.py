"""From matplotlib to inline SVG: text stays text, colours are the page's, ids are its own."""

from __future__ import annotations

import re
import warnings
from collections.abc import Callable
from io import StringIO
from typing import Any

from markupsafe import Markup, escape

from selfspec_core.errors import UsageError
from selfspec_core.stopwatch import importing

WIDTHS = {"wide": 720, "narrow": 340}
"""Widths in CSS pixels that each figure is drawn in: text has the page's size on any screen."""

COLOURS = {
    name: f"#0{number:x}0{number:x}0{number:x}"
    for number, name in enumerate(
        ("ink", "muted", "rule", "paper", "ours", "control", "base", "other", "bad", "faint"), 1
    )
}
"""Stand-ins that `_themed` turns into CSS variables, so that a figure follows light and dark."""

NARROW = 500
"""Below this width labels stand above what they label."""

SIZE = 12
"""Font size in pixels."""

_RC: dict[Any, Any] = {
    "svg.fonttype": "none",
    "text.parse_math": False,  # names may hold dollars
    "text.usetex": False,
    "font.family": ["DejaVu Sans"],  # comes with matplotlib: the same places everywhere
    "font.size": SIZE,
    "axes.unicode_minus": True,
    "text.color": COLOURS["ink"],
    "axes.labelcolor": COLOURS["muted"],
    "xtick.color": COLOURS["muted"],
    "ytick.color": COLOURS["ink"],
    "figure.dpi": 72,
    "savefig.dpi": 72,
    "path.simplify": False,
}


def check_library() -> None:
    """Refuses to go on without the plotting library.

    Raises:
        UsageError: saying what to install.
    """
    from importlib.util import find_spec

    if find_spec("matplotlib") is None:
        raise UsageError("the report needs matplotlib: pip install 'selfspec[local]' has it")


def figure(
    name: str, title: str, height: Callable[[int], float], draw: Callable[[Any, int], None]
) -> Markup:
    """Returns a figure for wide and for narrow screens; the page's style shows one of them.

    Args:
        name: unique on the page; the same name and data give the same bytes.
        title: what a screen reader says instead.
        height: pixels at a width in pixels.
        draw: draws into an empty figure of that width.
    """
    drawn = [
        _one(f"{name}-{kind}", kind, title, width, height(width), draw)
        for kind, width in WIDTHS.items()
    ]
    return Markup("").join(drawn)


def _one(
    name: str, kind: str, title: str, width: int, height: float, draw: Callable[[Any, int], None]
) -> Markup:
    with importing():
        import matplotlib
        from matplotlib.backends.backend_svg import FigureCanvasSVG
        from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a character that DejaVu lacks is the browser's to show
        matplotlib.rcdefaults()
        matplotlib.rcParams.update(_RC | {"svg.hashsalt": name})
        made = Figure(figsize=(width / 72, height / 72))
        FigureCanvasSVG(made)
        draw(made, width)
        out = StringIO()
        nothing = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        made.savefig(out, format="svg", transparent=True, metadata=nothing)
    return Markup(_inline(out.getvalue(), name, kind, title, width))  # noqa: S704


def _inline(text: str, name: str, kind: str, title: str, width: int) -> str:
    """Returns the svg element alone, without what only a file of its own needs."""
    body = text[text.index("<svg") :]
    body = re.sub(r"<(metadata|style)\b.*?</\1>", "", body, flags=re.DOTALL)
    used = set(re.findall(r'(?:href="#|url\(#)([\w-]+)', body))
    parts = re.split(r"(<[^>]*>)", body)  # what is written between tags stays as it is
    body = "".join(_tag(part, name, used) if part.startswith("<") else part for part in parts)
    view = re.search(r'viewBox="[^"]*"', body)
    head = (
        f'<svg class="figure {kind}" {view[0] if view else ""} role="img" '
        f'aria-label="{escape(shown_title(title))}" style="max-width:{width * 1.25:.0f}px">'
    )
    body = re.sub(r"^<svg[^>]*>", lambda _: head, body, count=1)
    return re.sub(r"\n\s*", "\n", body).strip()


def shown_title(title: str) -> str:
    """Returns a title on one line."""
    return " ".join(title.split())


def _tag(tag: str, name: str, used: set[str]) -> str:
    """Gives a tag the page's colours and font, and ids that are unique on the page."""
    for colour, stand_in in COLOURS.items():
        tag = tag.replace(stand_in, f"var(--{colour})")
    tag = re.sub(r'\sxmlns(:\w+)?="[^"]*"', "", tag.replace("xlink:href=", "href="))
    tag = re.sub(r"font: [^;\"]*?([\d.]+)px[^;\"]*", r"font-size: \1px", tag)
    tag = re.sub(
        r'\sid="([^"]+)"', lambda id_: f' id="{name}-{id_[1]}"' if id_[1] in used else "", tag
    )
    return re.sub(r'(href="#|url\(#)', rf"\1{name}-", tag)
