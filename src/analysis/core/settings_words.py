"""What is wrong with a value of project.toml, in words for people who do not know pydantic."""

from typing import Any

_VALUE_ERROR = "Value error, "
# Kind of error -> what was expected, and an example of it as project.toml writes it.
_KINDS = {
    "bool": ("yes or no, written true or false", "true"),
    "int": ("a whole number", "2"),
    "float": ("a number", "0.05"),
    "decimal": ("an amount", "250000.00"),
    "string": ("text in quotation marks", '"text"'),
    "date": ("a day", "2026-10-01"),
    "list": ("a list in square brackets", '["one", "two"]'),
    "tuple": ("a list in square brackets", '["one", "two"]'),
    "dict": ("a section with names and values", ""),
    "model": ("a section with names and values", ""),
    "dataclass": ("a section with names and values", ""),
}
_LIMITS = {
    "ge": "{} or more",
    "gt": "more than {}",
    "le": "{} or less",
    "lt": "less than {}",
    "min_length": "at least {} of them",
    "max_length": "at most {} of them",
}


def found_words(error: dict[str, Any]) -> str:
    """Return what stands there, as it is written in project.toml."""
    return "nothing" if error["type"] == "missing" else _as_written(error["input"])


def expected_words(error: dict[str, Any]) -> str:
    """Return what should stand there, with an example where one helps."""
    context = error.get("ctx", {})
    if error["type"] == "literal_error":
        return f"one of {', '.join(_choices(error))}"
    limits = [words.format(context[name]) for name, words in _LIMITS.items() if name in context]
    if limits:
        return " and ".join(limits)
    if error["type"] == "string_pattern_mismatch":
        return "a name of letters, digits and underscores that begins with no digit"
    if error["type"] == "missing":
        return "a value of its own: it has no default"
    words, example = _KINDS.get(_kind(error), ("", ""))
    if words:
        return f"{words}, such as {example}" if example else words
    return str(error["msg"]).removeprefix(_VALUE_ERROR)


def mend_words(error: dict[str, Any]) -> str:
    """Return the line to write, where it can be told."""
    keys = [str(part) for part in error["loc"]]
    if error["type"] == "missing":
        return f"write {_line(keys)} = and its value"
    if error["type"] == "literal_error":
        first = next((word for word in _choices(error) if word != "''"), "''")
        chosen = f"[{first}]" if keys[-1].isdigit() else first
        return f"write for example {_line(keys)} = {chosen}"
    if _LIMITS.keys() & error.get("ctx", {}).keys():
        return "write a value within it"
    example = _KINDS.get(_kind(error), ("", ""))[1]
    if _kind(error) in ("dict", "model"):
        return f"begin a section of its own: [{'.'.join(keys)}]"
    return f"write for example {_line(keys)} = {example}" if example else "mend the value"


def _choices(error: dict[str, Any]) -> list[str]:
    return str(error["ctx"]["expected"]).replace(" or ", ", ").split(", ")


def _line(keys: list[str]) -> str:
    named = [key for key in keys if not key.isdigit()]
    return named[-1] if named else keys[-1]


def _kind(error: dict[str, Any]) -> str:
    return str(error["type"]).split("_")[0]


def _as_written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f"'{value}'"
    if isinstance(value, dict):
        return "a section" if value else "an empty section"
    if isinstance(value, list | tuple):
        return f"[{', '.join(_as_written(one) for one in value)}]"
    return str(value)
