"""Tell people of reports that wait for data which do not come, once a day, not at every call."""

from collections.abc import Mapping
from contextlib import suppress
from datetime import date

from analysis.core.files import read_json, write_json
from analysis.core.project import Project
from analysis.run.due import Outlook
from analysis.run.notify import tell, waiting_message

_FILE = "waiting.json"  # in data/processed: report -> day on which people were last told


def tell_waiting(project: Project, found: Outlook, on: date) -> list[dict[str, str]]:
    """Send one message about the periods that wait for data and were not told of on this day.

    Return what became of it, for each who wants to know of failures; nothing where nobody does.
    """
    settings = project.settings
    names = [f"{period.cadence} {period}" for period in found.waiting]
    if not settings.notify:
        return []
    known = _told(project)
    new = [name for name in names if known.get(name, "") < on.isoformat()]
    if known and not names:
        _keep(project, {})  # the data have come
    if not new:
        return []
    notices = tell(settings, waiting_message(settings.company.name, new))
    if any(notice["state"] == "sent" for notice in notices) or not notices:
        _keep(project, {name: known.get(name, "") for name in names} | dict.fromkeys(new, f"{on}"))
    return notices


def _told(project: Project) -> dict[str, str]:
    with suppress(OSError, ValueError):
        return {str(name): str(day) for name, day in read_json(project.processed / _FILE).items()}
    return {}


def _keep(project: Project, told: Mapping[str, str]) -> None:
    with suppress(OSError):  # of a full disk; then it is told again
        write_json(project.processed / _FILE, dict(told))
