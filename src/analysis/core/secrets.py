"""Secrets that nothing this process writes or prints may hold.

project.toml names environment variables (runs.secret_variables); no notebook sees them. Should the
value of one still turn up, in a traceback, in an address, in a cell that read it from elsewhere, it
is replaced wherever text leaves the process: in every file that `core.files` writes and in every
line that the command prints. The register is of the whole process, because so is the environment.
"""

import base64
import html
import json
import os
import re
from collections.abc import Iterable, Iterator
from urllib.parse import quote, quote_plus

from markupsafe import escape

# Shorter ones would blot out ordinary words and numbers.
FEWEST_LETTERS = 6
_hidden: dict[str, str] = {}
_pattern: re.Pattern[str] | None = None


def hide(variables: Iterable[str]) -> None:
    """Register the values that these environment variables have now."""
    global _pattern
    names = {name.casefold() for name in variables}
    for name, value in os.environ.items():
        if name.casefold() in names and len(value) >= FEWEST_LETTERS:
            _hidden.update(dict.fromkeys(_spellings(value), name))
    if _hidden:
        longest_first = sorted(_hidden, key=lambda text: (-len(text), text))
        _pattern = re.compile("|".join(map(re.escape, longest_first)))


def redacted(text: str) -> str:
    """Return text in which every secret is replaced by the name of its variable."""
    return _pattern.sub(lambda match: f"[{_hidden[match[0]]}]", text) if _pattern else text


def secret_in(text: str) -> str:
    """Return the name of the variable whose value is in the text; empty when none is."""
    match = _pattern.search(text) if _pattern else None
    return _hidden[match[0]] if match else ""


def has_any() -> bool:
    """Whether there is anything to hide."""
    return _pattern is not None


def _spellings(value: str) -> Iterator[str]:
    """Yield how a value is written in addresses, pages, JSON, tracebacks and HTTP headers."""
    plain = {value, value.strip(), quote(value), quote(value, safe=""), quote_plus(value)}
    plain |= {repr(value)[1:-1], base64.b64encode(value.encode()).decode().rstrip("=")}
    source = value.encode("unicode_escape").decode("ascii")  # as papermill writes a parameter
    plain |= {source, source.replace('"', '\\"')}
    marked = {form(text) for text in plain for form in (str, html.escape, lambda t: str(escape(t)))}
    for text in marked:
        yield text
        for once in _as_json(text):
            yield once
            yield from _as_json(once)  # JSON, or code, within a notebook


def _as_json(text: str) -> tuple[str, str]:
    return json.dumps(text)[1:-1], json.dumps(text, ensure_ascii=False)[1:-1]
