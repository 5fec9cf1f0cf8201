"""Small helpers for SQL text: names and literals that no raw file can break out of."""

from collections.abc import Iterable


def name(text: str) -> str:
    """Return an identifier in quotation marks."""
    return '"' + text.replace('"', '""') + '"'


def literal(text: str) -> str:
    """Return a string literal."""
    return "'" + text.replace("'", "''") + "'"


def listed(texts: Iterable[str]) -> str:
    """Return literals for an IN list."""
    return ", ".join(literal(text) for text in texts)
