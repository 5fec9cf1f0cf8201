"""An executed notebook becomes one HTML page that needs nothing else: no script, no other file."""

import base64
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from html import unescape
from pathlib import Path
from typing import Any

import bleach
import nbformat
from jinja2 import pass_context
from markupsafe import Markup, escape
from nbconvert.exporters import HTMLExporter, TemplateExporter
from nbformat import NotebookNode

from analysis.core.display import Display
from analysis.core.problems import InputError, Problem
from analysis.report.page_checks import link_problems, page_problems
from analysis.report.pieces import environment, style, template_text, without_lab_style
from analysis.report.story import slug

__all__ = ["PageFrame", "Provenance", "link_problems", "notebook_page", "page", "page_problems"]

# A cell that bears this tag is for the analyst who opens the notebook, not for the page.
HIDDEN_TAG = "analyst"
NBSP = "\u00a0"
_LONGEST_LEDE = 600
# Markdown may hold these; anything else in it is shown as the text that it is.
_TAG_NAMES = (
    "a abbr b blockquote br code dd del details div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 "
    "hr i img ins kbd li mark ol p pre q s small span strong sub summary sup table tbody td tfoot "
    "th thead tr u ul var"
)
_ATTRIBUTES = {
    "a": ["href", "title"],
    "abbr": ["title"],
    "img": ["src", "alt", "width", "height"],
    "ol": ["start"],
    "td": ["colspan", "rowspan", "align"],
    "th": ["colspan", "rowspan", "align", "scope"],
}
# What a page shows of an output, best first; bare text stays with the analyst.
_FORMS = ("text/html", "image/svg+xml", "image/png", "image/jpeg", "text/markdown")
_WRAPPED_TABLE = '<div class="wrap frame" tabindex="0" role="group" aria-label="Table"><table>'
_SCHEMES = frozenset({"https", "http", "mailto", "data"})


@dataclass(frozen=True)
class Provenance:
    """Where a page's numbers come from, so that each can be traced."""

    as_of: date
    snapshot: str
    code: str  # version of the product, and of its code
    made_at: datetime | None = None
    notebook: str = ""

    def lines(self, display: Display) -> list[str]:
        """Return what stands at the foot of the page."""
        first = f"Data known at {display.day(self.as_of)}, snapshot {self.snapshot}."
        made = f" on {self.made_at:%Y-%m-%d %H:%M} UTC" if self.made_at else ""
        source = f" from the notebook {self.notebook}" if self.notebook else ""
        return [first, f"Made by {self.code}{source}{made}."]


@dataclass(frozen=True)
class PageFrame:
    """What a page needs around its body."""

    title: str
    body: Markup
    eyebrow: str = ""
    lede: str = ""
    cut_short: str = ""
    contents: Sequence[tuple[str, str]] = ()
    links: Sequence[tuple[str, str]] = ()
    provenance: Sequence[str] = field(default_factory=list)


def notebook_page(
    executed: Path,
    *,
    title: str = "",
    eyebrow: str = "",
    provenance: Sequence[str] = (),
    links: Sequence[tuple[str, str]] = (),
    root: str = "",
    cut_short: str = "",
) -> str:
    """Return an executed notebook as one self-contained HTML page.

    Shown are prose and what cells display as HTML, picture or Markdown; not shown are input,
    printed text, bare values and cells tagged `analyst`. A cell that failed is an InputError: a
    page is made of a whole run only.

    title
        Of the page; when empty, the first heading of level 1 in the notebook, be it written or
        made by `report.first_screen`. A first paragraph right below stands under the title.
    eyebrow
        The small line above the title, for example "Quarterly report · 2026Q3".
    provenance
        Lines of the footer, from `Provenance.lines`.
    links
        (text, relative address) of pages above this one.
    root
        Way from the page to its report's folder: "" for index.html, "../" for details/x.html.
    cut_short
        The warning that the data end too early, from `story.cut_short_words`; it stands under the
        title, in the place of one that the notebook shows.
    """
    notebook = nbformat.read(executed, as_version=4)
    _refuse_errors(notebook, executed)
    body = _body(notebook)
    found, lede, body = _take_title(body)
    warned, body = _take_warning(body)
    body = re.sub(r'href="(downloads|details)/', rf'href="{escape(root)}\1/', body)
    body, contents = _with_contents(body)
    return page(
        PageFrame(
            title=title or found or executed.stem,
            body=Markup(body),
            eyebrow=eyebrow,
            lede=lede,
            cut_short=cut_short or warned,
            contents=contents,
            links=links,
            provenance=provenance,
        )
    )


def page(frame: PageFrame) -> str:
    """Return a whole page in the house style."""
    return environment().get_template("page.html.j2").render(page=frame, style=style())


def _refuse_errors(notebook: NotebookNode, path: Path) -> None:
    problems = [
        Problem(
            f"{path.name}, cell {number}",
            f"{output.ename}: {output.evalue}",
            "a notebook that ran to its end",
            "mend the notebook or its data and run again",
        )
        for number, cell in enumerate(notebook.cells, 1)
        for output in cell.get("outputs", ())
        if output.output_type == "error"
    ]
    if problems:
        raise InputError(problems)


class _Exporter(HTMLExporter):
    """nbconvert's basic page with our choice of what is shown, and Markdown made safe."""

    def default_filters(self) -> Iterator[tuple[str, Any]]:
        yield from super().default_filters()
        yield "form", form
        yield "shown", shown
        yield "highlight_code", escape  # basic's template names it; input is never shown

    def from_notebook_node(self, nb: NotebookNode, resources: Any = None, **kw: Any) -> Any:
        """Return the body as the template makes it.

        HTMLExporter would parse and write it anew: SVG loses the case of its attributes, and a
        picture without alternative text is given words that say nothing.
        """
        return TemplateExporter.from_notebook_node(self, nb, resources, **kw)

    @pass_context
    def markdown2html(self, context: Any, source: str) -> str:
        """Return Markdown as HTML without anything that runs or loads."""
        return safe_html(super().markdown2html(context, re.sub(r"(?<=\d) (?=%)", NBSP, source)))


def safe_html(html: str) -> str:
    """Return HTML in which tags and attributes that Markdown does not need are plain text."""
    return bleach.clean(html, tags=_TAG_NAMES.split(), attributes=_is_harmless, protocols=_SCHEMES)


def form(output: NotebookNode) -> str:
    """Return the best form of a cell's output that a page shows; empty for printed text."""
    if output.output_type not in ("display_data", "execute_result"):
        return ""
    return next((kind for kind in _FORMS if kind in output.data), "")


def shown(output: NotebookNode, cell: NotebookNode) -> Markup:
    """Return an output as HTML; pictures of the notebook's own become figures."""
    kind = form(output)
    content = output.data[kind]
    if kind == "text/html":
        content = without_lab_style(content)
        return Markup(_without_frame_style(content) if "dataframe" in content else content)
    words = output.metadata.get(kind, {}).get("alt") or cell.metadata.get("alt") or ""
    if kind == "image/svg+xml":
        source = base64.b64encode(content.encode("utf-8")).decode("ascii")
    else:
        source = "".join(content.split())
    return Markup('<figure><img src="data:{};base64,{}" alt="{}"></figure>').format(
        kind, source, words
    )


def _is_harmless(tag: str, name: str, value: str) -> bool:
    # A picture by address stays, so that `page_problems` tells the analyst instead of losing it.
    if tag == "a" and name == "href":
        return not value.startswith("data:")
    return name in _ATTRIBUTES.get(tag, ())


def _without_frame_style(html: str) -> str:
    """Return a pandas table without its own style; wide ones scroll, an empty head is a cell."""
    html = re.sub(r"<style\b.*?</style>", "", html, flags=re.DOTALL)
    html = re.sub(r'<table border="1" class="dataframe">', _WRAPPED_TABLE, html)
    return re.sub(r"<th></th>", "<td></td>", html.replace("</table>", "</table></div>"))


def _visible_cells(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the cells that show something; a heading goes when nothing stands below it."""
    cells = [
        cell
        for cell in notebook.cells
        if HIDDEN_TAG not in cell.metadata.get("tags", ())
        and (cell.cell_type == "markdown" or any(form(o) for o in cell.get("outputs", ())))
    ]
    kept: list[NotebookNode] = []
    for cell in reversed(cells):
        level = _only_heading(cell)
        below = _first_heading(kept[-1]) if kept else 1
        if level is None or level == 1 or below is None or below > level:
            kept.append(cell)
    return kept[::-1]


def _only_heading(cell: NotebookNode) -> int | None:
    """Level of the heading when a Markdown cell holds nothing else."""
    is_one_line = len(cell.source.strip().splitlines()) == 1
    return _first_heading(cell) if is_one_line else None


def _first_heading(cell: NotebookNode) -> int | None:
    """Level of the heading that a Markdown cell begins with."""
    match = re.match(r"\s*(#{1,6})\s", cell.source) if cell.cell_type == "markdown" else None
    return len(match[1]) if match else None


def _body(notebook: NotebookNode) -> str:
    exporter = _Exporter(
        template_name="basic",
        raw_template=template_text("notebook.html.j2"),
        exclude_anchor_links=True,
        # Embedding would take <b>two</b> tags apart; pictures are attached to their cell instead.
        embed_images=False,
    )
    kept = nbformat.from_dict(notebook | {"cells": _visible_cells(notebook)})
    body, _ = exporter.from_notebook_node(kept)
    return body


_FIRST_TITLE = re.compile(
    r"<h1\b[^>]*>(.*?)</h1>\s*(?:<p(?: class=\"lede\")?>(.*?)</p>)?", re.DOTALL
)
_WARNING = re.compile(r'<p class="cut" role="note">(.*?)</p>', re.DOTALL)
_HEADING = re.compile(r"<h([1-6])\b([^>]*)>(.*?)</h\1>", re.DOTALL)


def _take_title(body: str) -> tuple[str, str, str]:
    """Take the first heading of level 1 and the paragraph below it out of the body."""
    match = _FIRST_TITLE.search(body)
    if match is None:
        return "", "", body
    title, lede = _plain(match[1]), _plain(match[2] or "").removeprefix("Question. ")
    end = match.end()
    if len(lede) > _LONGEST_LEDE or "<img" in (match[2] or ""):
        lede, end = "", match.end(1) + len("</h1>")
    return title, lede, body[: match.start()] + body[end:]


def _take_warning(body: str) -> tuple[str, str]:
    """Take the warning of `report.first_screen` out of the body."""
    match = _WARNING.search(body)
    return (_plain(match[1]), body.replace(match[0], "", 1)) if match else ("", body)


def _with_contents(body: str) -> tuple[str, list[tuple[str, str]]]:
    """Give every heading an id of its own and return the contents, headings of level 2.

    A page has one heading of level 1, its title; further ones in the body become level 2.
    """
    contents: list[tuple[str, str]] = []
    taken: set[str] = set()

    def rewritten(match: re.Match[str]) -> str:
        level = max(2, int(match[1]))
        given = re.search(r'\bid="([^"]+)"', match[2])
        text = _plain(match[3])
        name = _unique(given[1] if given else slug(text), taken)
        if level == 2:
            contents.append((name, text))
        return f'<h{level} id="{escape(name)}">{match[3]}</h{level}>'

    return _HEADING.sub(rewritten, body), contents


def _unique(name: str, taken: set[str]) -> str:
    candidate, number = name, 1
    while candidate in taken:
        number += 1
        candidate = f"{name}-{number}"
    taken.add(candidate)
    return candidate


def _plain(html: str) -> str:
    """Text of a heading; no-break spaces stay, which Markup.striptags would replace."""
    return re.sub(r"[ \t\r\n]+", " ", unescape(re.sub(r"<[^>]*>", "", html))).strip()
