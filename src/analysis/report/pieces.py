"""Pieces of HTML that a notebook can show; everything put into one is escaped."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

_FOLDER = Path(__file__).parent
# Behind a sign and before a symbol such as £; digits and letters hold on by themselves.
_SIGN = re.compile(r"(?<=[+\u2212])(?=[^\w\s\u2060])")
_PER_CENT = re.compile(r"(?<=\d) (?=%)")


@dataclass(frozen=True, repr=False)
class Piece:
    """A finished piece of a page; in JupyterLab a little style of its own makes it readable.

    `beside` is what a notebook keeps beside the HTML, by MIME type.
    """

    html: Markup
    beside: Mapping[str, Any] = field(default_factory=dict)

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return dict(self.beside)

    def _repr_html_(self) -> str:
        return f"{lab_style()}{self.html}" if self.html else ""

    def __repr__(self) -> str:
        # Notebooks store this text beside the HTML; the whole HTML twice would double their size.
        return f"Piece of {len(self.html):,} characters"


NOTHING = Piece(Markup(""))


@cache
def environment() -> Environment:
    """Return the templates of this package; every value they print is escaped."""
    return Environment(
        loader=FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=unbroken,
    )


def unbroken(value: object) -> object:
    """Return a text whose signs hold on to the symbol after them, and numbers to their %."""
    if isinstance(value, str) and not isinstance(value, Markup):
        return _PER_CENT.sub("\u00a0", _SIGN.sub("\u2060", value))
    return value


def piece(macro: str, *values: object) -> Piece:
    """Return what a macro of pieces.html.j2 makes of the values."""
    return Piece(
        Markup(getattr(environment().get_template("pieces.html.j2").module, macro)(*values))
    )


def joined(*pieces: Piece) -> Piece:
    """Return the pieces one after another as one."""
    return Piece(Markup("\n").join(p.html for p in pieces if p.html))


def style() -> Markup:
    """Return the style sheet of every page."""
    return Markup((_FOLDER / "style.css").read_text(encoding="utf-8"))


@cache
def lab_style() -> str:
    """Return the style that goes with every piece into a notebook; a page has its own."""
    text = re.sub(r"/\*.*?\*/|\n", "", template_text("lab.css"))
    return f'<style class="lab">{text}</style>'


def without_lab_style(html: str) -> str:
    """Return HTML from a notebook without the style that is for JupyterLab."""
    return re.sub(r'<style class="lab">.*?</style>', "", html)


def template_text(name: str) -> str:
    """Return the source of a template."""
    return (_FOLDER / name).read_text(encoding="utf-8")
