"""A comparison of two runs in words, for a terminal."""

from typing import Any

from analysis.run.compare import Change, Comparison

_TITLES = {
    "period": "Period",
    "code": "Code",
    "settings": "Settings",
    "options": "Options of notebooks",
    "data": "Raw files (content hashes)",
    "rows": "Rows",
    "money": "Money of all lines",
    "notebooks": "Notebooks",
    "numbers": "Headline numbers",
    "findings": "Findings",
    "counts": "Customers by segment and class",
    "forecasts": "Forecasts",
    "tables": "Tables",
}
_HASH_LETTERS = 12
_NONE = "–"


def comparison_text(found: Comparison) -> str:
    """Return what differs, part by part; parts that are the same are named in one line."""
    lines = [_run_line("first", found.first), _run_line("second", found.second)]
    same = []
    for name, changes in found.parts.items():
        if not changes:
            same.append(_TITLES[name].lower())
            continue
        lines += ["", f"{_TITLES[name]}: {len(changes)} differ"]
        for change in changes:
            lines += _change_lines(name, change)
    if found.is_same:
        return "\n".join([*lines, "", "Nothing differs."])
    return "\n".join([*lines, "", f"The same: {', '.join(same) or 'nothing'}."])


def _run_line(word: str, header: Any) -> str:
    made = header["started_at"]
    return f"{word}: {header['run']} ({header['cadence']}), {header['state']}, started {made}"


def _change_lines(part: str, change: Change) -> list[str]:
    first, second = _text(part, change.first), _text(part, change.second)
    if part == "findings":
        return [f"  {change.name}", f"    first:  {first}", f"    second: {second}"]
    return [f"  {change.name}: {first} -> {second}{_difference(change)}"]


def _text(part: str, value: Any) -> str:
    if value is None:
        return _NONE
    if isinstance(value, float):
        return f"{value:,.2f}" if abs(value) >= 1 else f"{value:.4g}"
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    text = str(value)
    return text[:_HASH_LETTERS] if part in ("data", "code") and len(text) > 40 else text


def _difference(change: Change) -> str:
    """Return the change in per cent where both are numbers of one sign."""
    values = (change.first, change.second)
    if not all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values):
        return ""
    first, second = map(float, values)
    if first <= 0 or second < 0:
        return ""
    return f" ({100 * (second / first - 1):+.1f} %)"
