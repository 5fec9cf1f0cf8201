"""Signed remarks of analysts: read, checked, shown where they belong. No total sees one."""

import math
from collections.abc import Collection, Sequence
from datetime import date

import pandas as pd

from analysis.core.display import Display
from analysis.core.problems import InputError, Problem, raise_all
from analysis.report.past import Comment

_COLUMNS = ("period", "about", "text", "signed_by", "signed_on")
_PLACE = "data/raw/overrides/comments.csv"


def read_comments(
    table: pd.DataFrame | None, period: str, chapters: Collection[str]
) -> tuple[Comment, ...]:
    """Return the comments on a period, in the order of the file.

    `chapters` are the names of the report's chapters. InputError with every row that is not signed,
    is about nothing that there is, or whose amount is no number.
    """
    if table is None:
        return ()
    missing = [name for name in _COLUMNS if name not in table.columns]
    if missing:
        expected = f"the columns {', '.join(_COLUMNS)} and, for a one-off, amount"
        mend = "add them to the first line"
        raise InputError(Problem(_PLACE, f"no column {', '.join(missing)}", expected, mend))
    problems, comments = [], []
    for number, row in enumerate(table.fillna("").to_dict("records"), start=2):
        found = _problem(row, chapters, f"{_PLACE}, line {number}")
        if found:
            problems.append(found)
        elif row["period"] == period:
            amount = float(row["amount"]) if row.get("amount") else None
            texts = [row[name] for name in _COLUMNS[1:]]
            comments.append(Comment(*texts, amount=amount, is_one_off=amount is not None))
    raise_all(problems, InputError)
    return tuple(comments)


def loaded_comments(
    table: pd.DataFrame | None, period: str, chapters: Sequence[str]
) -> tuple[Comment, ...]:
    """Return the rows of the table `comments` on a period, in order of their ids.

    What is about a customer or anything else that is no chapter stands in the first one. A remark
    that nobody signed is left out.
    """
    if table is None or not chapters:
        return ()
    own = table[(table["period"] == period) & table["author"].notna() & table["text"].notna()]
    comments = []
    for row in own.sort_values("comment_id").to_dict("records"):
        about = "" if pd.isna(row["about"]) else str(row["about"])
        text = str(row["text"])
        if about and about.split(".")[0] not in chapters:
            about, text = chapters[0], f"{about}: {text}"
        day = "" if pd.isna(row["written_on"]) else pd.Timestamp(row["written_on"]).date()
        is_one_off = bool(row["is_one_off"]) if pd.notna(row["is_one_off"]) else False
        comments.append(Comment(about, text, str(row["author"]), str(day), is_one_off=is_one_off))
    return tuple(comments)


def comment_words(comment: Comment, display: Display) -> str:
    """Write a comment with its signature; a one-off says that the totals keep it."""
    signed = comment.signed_by
    if comment.signed_on:
        signed += f", {display.day(date.fromisoformat(comment.signed_on))}"
    if not comment.is_one_off:
        return f"{comment.text} ({signed})"
    known = comment.amount is not None
    amount = f" of {display.exact_amount(comment.amount)}" if known else ""
    return f"One-off{amount}, still part of every total: {comment.text} ({signed})"


def _problem(row: dict[str, str], chapters: Collection[str], where: str) -> Problem | None:
    if not row["text"] or not row["signed_by"]:
        found = "no text" if not row["text"] else "no signature"
        return Problem(where, found, "a text and who signs it", "fill text and signed_by")
    try:
        date.fromisoformat(row["signed_on"])
    except ValueError:
        found = repr(row["signed_on"])
        return Problem(where, found, "a day such as 2026-10-02", "mend signed_on")
    chapter = row["about"].split(".")[0]
    if chapter and chapter not in chapters:
        expected = f"empty or one of {', '.join(sorted(chapters))}"
        return Problem(where, repr(row["about"]), expected, "name a chapter of the report")
    return _amount_problem(row.get("amount", ""), where)


def _amount_problem(text: str, where: str) -> Problem | None:
    try:
        is_number = not text or math.isfinite(float(text))
    except ValueError:
        is_number = False
    if is_number:
        return None
    return Problem(where, repr(text), "an amount such as 54843.00, or nothing", "mend amount")
