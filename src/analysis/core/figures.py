"""The surface that every figure is drawn on, and its rendering to SVG for a page.

An analysis draws with axes-level seaborn or matplotlib on `new_axes()` in the colours below and
ends with `chart(...)`. The page supplies the real colours: every house colour in the SVG is a CSS
variable with the light theme's value as fallback, so one picture serves light, dark and print.
"""

import io
import re
from dataclasses import dataclass

import matplotlib as mpl
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.text import Text

# CSS variable -> colour of the light theme. Okabe-Ito based, so safe for colour-blind readers.
COLOURS: dict[str, str] = {
    "ink": "#1b1f27",
    "soft": "#5d6470",
    "rule": "#e4e1d9",
    "accent": "#0f5c63",
    "fan": "#b7cfce",
    "a": "#0f5c64",
    "b": "#2f8f6b",
    "c": "#a97d14",
    "d": "#8a93a3",
    "e": "#b3541e",
    "f": "#7b5ea7",
    "g": "#3d7fb8",
    "h": "#a8577e",
    "i": "#6b7a2a",
}
INK, SOFT, RULE, ACCENT, FAN = (COLOURS[name] for name in ("ink", "soft", "rule", "accent", "fan"))
SERIES: tuple[str, ...] = tuple(COLOURS[name] for name in "abcdefghi")
# Marks beyond this are rasterised by `rasterise_when_many`, or the page outgrows 2 MB.
MOST_VECTOR_MARKS = 2_000

_STYLE = {
    "svg.fonttype": "none",
    "font.size": 9.5,
    "axes.edgecolor": SOFT,
    "axes.labelcolor": SOFT,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": False,
    "axes.titlelocation": "left",
    "xtick.color": SOFT,
    "ytick.color": SOFT,
    "text.color": INK,
    "grid.color": RULE,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "legend.frameon": False,
}


@dataclass(frozen=True)
class Chart:
    """A finished figure: title for people, text for those who cannot see it, SVG to inline."""

    title: str
    alternative_text: str
    svg: str


def new_axes(width: float = 7.4, height: float = 3.0) -> tuple[Figure, Axes]:
    """Return an empty figure (inches) with one set of axes in the house style."""
    with mpl.rc_context(_STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.add_subplot()


def rasterise_when_many(axes: Axes, marks: int) -> None:
    """Draw the marks as pixels when there are more than a page can carry as vectors."""
    if marks > MOST_VECTOR_MARKS:
        axes.set_rasterization_zorder(3)


def chart(figure: Figure, name: str, *, title: str, alternative_text: str) -> Chart:
    """Render a figure; `name` is unique within a report, so that ids in the page are."""
    for text in figure.findobj(Text):
        text.set_parse_math(False)  # a customer named $x$ is a name, not mathematics
    return Chart(title, alternative_text, _svg(figure, name))


def _svg(figure: Figure, name: str) -> str:
    buffer = io.StringIO()
    # The salt makes ids repeatable; metadata without date and creator makes bytes repeatable.
    with mpl.rc_context(_STYLE | {"svg.hashsalt": name}):
        figure.savefig(buffer, format="svg", metadata={"Date": None, "Creator": None}, dpi=150)
    text = buffer.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>", "", text, flags=re.DOTALL)
    prefix = re.sub(r"[^A-Za-z0-9_-]", "-", name)
    text = re.sub(r'\bid="', f'id="{prefix}-', text)
    text = re.sub(r'(xlink:href="#|url\(#)', rf"\g<1>{prefix}-", text)
    text = re.sub(r"font-family: [^;\"]*", "font-family: var(--sans, sans-serif)", text)
    for variable, colour in COLOURS.items():
        text = re.sub(rf"(?<![-\w]){colour}\b", f"var(--{variable}, {colour})", text)
    return text
