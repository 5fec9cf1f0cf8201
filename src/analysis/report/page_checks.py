"""What must not be in a page that leaders open: anything that runs, loads, or cannot be read."""

import re
from collections import Counter
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

from analysis.core.problems import Problem

MOST_BYTES = 2_000_000
_BANNED = "applet base button embed form frame frameset iframe input link object script"
# Attributes whose address a browser loads by itself.
_LOADING = "action background data formaction ping poster src srcset"
_RUNNING_SCHEME = re.compile(r"[\s\x00-\x20]*(javascript|vbscript)\s*:", re.IGNORECASE)
_STYLE_LOAD = re.compile(r"@import|url\(\s*['\"]?(?!#|data:image/)[^)]*", re.IGNORECASE)
_VOID = "area br col hr img input link meta source track wbr"


def page_problems(html: str, where: str = "page") -> list[Problem]:
    """Return what keeps a page from being published; none for a page that may be.

    Looked for are scripts, event handlers, running or embedded addresses, anything that a browser
    would load from elsewhere, pictures without alternative text, ids that occur twice, a heading of
    level 1 missing or repeated, and more than 2 MB. Links that a reader follows are fine.
    """
    reader = _Reader(where)
    reader.feed(html)
    reader.close()
    return reader.finish(len(html.encode("utf-8")))


def link_problems(folder: Path) -> list[Problem]:
    """Return the relative links in a report's pages that lead to no file."""
    problems = []
    for path in sorted(folder.rglob("*.html")):
        html = path.read_text(encoding="utf-8")
        for address in sorted(set(re.findall(r'<a\b[^>]*?\bhref="([^"#:]+)(?:#[^"]*)?"', html))):
            target = (path.parent / unquote(unescape(address))).resolve()
            # What lies above the folder is put there by others, later.
            if target.is_relative_to(folder.resolve()) and not target.is_file():
                where = path.relative_to(folder).as_posix()
                problems.append(
                    Problem(
                        where,
                        f"a link to {address}",
                        "a file at that place",
                        "write the file, or take the link out",
                    )
                )
    return problems


class _Reader(HTMLParser):
    """Walks through a page and notes what is wrong."""

    def __init__(self, where: str) -> None:
        super().__init__(convert_charrefs=True)
        self._where = where
        self._problems: list[Problem] = []
        self._ids: Counter[str] = Counter()
        self._titles = 0
        self._has_language = False
        self._figures: list[bool] = []  # open figures: has a picture with words been seen?
        self._in_style = False

    def finish(self, size: int) -> list[Problem]:
        """Return everything found, with what only the whole page tells."""
        for name, count in self._ids.items():
            if count > 1:
                self._note(f"id {name} {count} times", "every id once", "give charts other names")
        if self._titles != 1:
            mend = "give the notebook one heading of level 1, or the page a title"
            self._note(f"{self._titles} headings of level 1", "one", mend)
        if not self._has_language:
            self._note("no lang attribute", "the language of the page", "make it by report.page")
        if size > MOST_BYTES:
            mend = "show fewer rows, rasterise charts with many marks (figures.rasterise_when_many)"
            self._note(f"{size:,} bytes", f"at most {MOST_BYTES:,}", mend)
        return list(dict.fromkeys(self._problems))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self._in_style = tag == "style"
        self._ids.update([given["id"]] if "id" in given else [])
        self._titles += tag == "h1"
        self._has_language |= tag == "html" and bool(given.get("lang"))
        if tag in _BANNED.split():
            self._note(f"a <{tag}> element", "none: a page runs and loads nothing", _mend_output())
        if tag == "meta" and given.get("http-equiv", "").lower() == "refresh":
            self._note("a page that moves on by itself", "a page that stays", _mend_output())
        for name, value in given.items():
            self._check_attribute(tag, name, value)
        self._check_picture(tag, given)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID.split():
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        self._in_style = False
        if tag == "figure" and self._figures and not self._figures.pop():
            mend = "use report.chart, or put the metadata `alt` on the cell"
            self._note("a figure without alternative text", "words for it", mend)

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._check_style(data)

    def _check_attribute(self, tag: str, name: str, value: str) -> None:
        if name.startswith("on"):
            self._note(f"the event handler {name}", "no script of any kind", _mend_output())
        if _RUNNING_SCHEME.match(value):
            self._note(f"{name}={value[:40]!r}", "an address that runs nothing", _mend_output())
        if name == "style" or "url(" in value.lower():
            self._check_style(value)
        local = name.rpartition(":")[2]
        if local == "href" and tag == "a":
            is_loaded = value.lower().lstrip().startswith("data:")
        else:
            is_loaded = local in {*_LOADING.split(), "href"} and not value.startswith(
                ("#", "data:image/")
            )
        if is_loaded:
            found = f"{tag} {name}={value[:60]!r}"
            self._note(
                found,
                "everything inside the page itself",
                "attach the picture to its cell, or use report.chart",
            )

    def _check_style(self, text: str) -> None:
        match = _STYLE_LOAD.search(text)
        if match:
            self._note(f"style that loads {match[0][:60]!r}", "no reference", _mend_output())

    def _check_picture(self, tag: str, given: dict[str, str]) -> None:
        if tag == "figure":
            self._figures.append(False)
        has_words = False
        if tag == "img":
            has_words = bool(given.get("alt", "").strip())
        elif tag == "svg" and given.get("aria-hidden") != "true":
            has_words = given.get("role") == "img" and bool(given.get("aria-label", "").strip())
        else:
            # A table within a figure is words enough.
            has_words = tag == "table"
            self._mark(has_words)
            return
        self._mark(has_words)
        if not has_words and not self._figures:
            mend = "use report.chart, or write the alternative text"
            self._note(f"a picture (<{tag}>) without alternative text", "words for it", mend)

    def _mark(self, has_words: bool) -> None:
        if has_words and self._figures:
            self._figures[-1] = True

    def _note(self, found: str, expected: str, mend: str) -> None:
        self._problems.append(Problem(self._where, found, expected, mend))


def _is_loaded(tag: str, name: str, value: str) -> bool:
    """Whether a browser would fetch the value; a link waits until a reader follows it."""
    if tag == "a" and name == "href":
        return value.lower().lstrip().startswith("data:")
    return name in {*_LOADING.split(), "href"} and not value.startswith(("#", "data:image/"))


def _mend_output() -> str:
    return "show tables and pictures through `report`; it escapes what data hold"
