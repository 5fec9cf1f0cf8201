"""Tell people how a run ended, by email, Slack, Teams or a webhook, through apprise.

The addresses hold passwords, so they stand in environment variables that project.toml names; no
notebook sees these. A message holds no name, number or text of the data: what happened, where to
look. That a message could not be sent is told and recorded; it never fails a run.
"""

import logging
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote

from analysis.core.problems import AnalysisError
from analysis.core.settings import Notice, Outcome, Settings
from analysis.run.record import RunRecord

_SHORTEST_SECRET = 3
_LIBRARY = "apprise"
_HIDDEN = "***"
_KINDS = {"success": "success", "failure": "failure", "breach": "warning"}  # apprise's words


@dataclass(frozen=True)
class Message:
    """What is told; nothing in it comes from the data."""

    outcome: Outcome
    title: str
    lines: tuple[str, ...]

    @property
    def body(self) -> str:
        return "\n".join(self.lines)


def tell(settings: Settings, message: Message) -> list[dict[str, str]]:
    """Send a message to everyone who wants to know; return what became of each, for run.json."""
    notices = []
    for name, notice in settings.notify.items():
        if message.outcome in notice.on:
            error = _send(notice, message)
            state = "not sent" if error else "sent"
            notices.append({"to": name, "about": message.outcome, "state": state, "error": error})
    return notices


def run_message(company: str, record: RunRecord, error: BaseException | None = None) -> Message:
    """Return what is told of a run, and of the error that broke it off."""
    name = f"{record.cadence} report {record.period}".rstrip()
    if record.outcome == "success":
        return Message("success", f"{company}: {name} published", tuple(_success(record)))
    where = f"{record.cadence}/{record.period}" if record.period else "NAME"
    look = ("The last good report stays as it was.", f"Details: analysis runs show {where}")
    if record.outcome == "breach":
        measures = [f"- {breach['measure']}" for breach in record.quality]
        lines = ("Not published: the data differ too much from the last run in", *measures, *look)
        return Message("breach", f"{company}: {name} stopped by a quality check", lines)
    causes = [cause_in_words(error)] if error else []
    lines = ("Nothing was published.", *_failed(record), *causes, *look)
    return Message("failure", f"{company}: {name} failed", lines)


def failure_message(company: str, what: str, error: BaseException) -> Message:
    """Return what is told of something that failed before any period's run."""
    lines = (cause_in_words(error), "Details: the log of the command, or run it by hand.")
    return Message("failure", f"{company}: {what} failed", lines)


def waiting_message(company: str, names: Iterable[str]) -> Message:
    """Return what is told of reports whose period is over and whose data have not come."""
    lines = (
        "No data have come to the end of the period, so no report can be made:",
        *(f"- {name}" for name in names),
        "It is looked for again at every call of analysis due.",
    )
    return Message("failure", f"{company}: a report waits for its data", lines)


def cause_in_words(error: BaseException) -> str:
    """Say what kind of error it was, and nothing of its text: that may quote the data."""
    if isinstance(error, AnalysisError):
        count = len(error.problems)
        kind = type(error).__name__.removesuffix("Error").lower()
        return f"{count} problem{'s' if count > 1 else ''} ({kind}), not quoted here."
    return f"It ended with {type(error).__name__}."


def _success(record: RunRecord) -> Iterable[str]:
    books = record.notebooks.values()
    reused = sum(book.is_reused for book in books)
    yield f"{len(books)} notebooks, {reused} of them unchanged, in {_seconds(record)} s."
    if record.accepted:
        measures = ", ".join(breach["measure"] for breach in record.quality)
        yield f"A quality check was overruled, with a reason: {measures}."
    yield f"Open reports/{record.cadence}/{record.period}/index.html of the project."


def _failed(record: RunRecord) -> Iterable[str]:
    if record.failed:
        yield f"Failed: {', '.join(record.failed)}."
    waiting = [name for name, book in record.notebooks.items() if book.state == "not_run"]
    if waiting:
        yield f"Not run: {', '.join(waiting)}."


def _seconds(record: RunRecord) -> int:
    began, ended = (datetime.fromisoformat(t) for t in (record.started_at, record.finished_at))
    return max(round((ended - began).total_seconds()), 0)


def _send(notice: Notice, message: Message) -> str:
    """Send one message; return why it could not be sent, without the address, or empty text."""
    url = os.environ.get(notice.url_variable, "").strip()
    if not url:
        return f"the environment variable {notice.url_variable} is not set"
    try:
        return _through_library(url, notice.url_variable, message)
    except Exception as error:  # a message must never fail a run, whatever a service does
        return _without_secrets(f"{type(error).__name__}: {error}", url)


def _through_library(url: str, variable: str, message: Message) -> str:
    import apprise  # here, because most runs tell nobody and it takes half a second

    logger = logging.getLogger(_LIBRARY)
    logger.propagate = False  # its words may hold parts of the address
    asset = apprise.AppriseAsset(
        app_id="analysis", app_desc="analysis", app_url="", async_mode=False,
        image_url_mask="", image_url_logo="", secure_logging=True,
    )  # fmt: skip
    with apprise.LogCapture(level=logging.WARNING, fmt="%(message)s") as log:
        targets = apprise.Apprise(asset=asset)
        if not targets.add(url):
            return f"{variable} holds no address that apprise knows"
        is_sent = targets.notify(
            title=message.title,
            body=message.body,
            notify_type=_KINDS[message.outcome],
            body_format=apprise.NotifyFormat.TEXT,
        )
        words = " ".join(log.getvalue().split())
    return "" if is_sent else _without_secrets(words or "the service refused it", url)


def _without_secrets(text: str, url: str) -> str:
    """Take every part of an address out of a text."""
    parts = {part for u in (url, unquote(url)) for part in re.split(r"[^\w.~%+-]+", u)}
    for part in sorted(parts, key=len, reverse=True):
        if len(part) >= _SHORTEST_SECRET:
            text = text.replace(part, _HIDDEN)
    return text
