"""A published page as PDF, by WeasyPrint (the extra `pdf`); it may load nothing either."""

import logging
import os
import tempfile
from pathlib import Path
from typing import Any

from analysis.core.files import UNFINISHED
from analysis.core.problems import InputError, Problem, SettingsError

PDF_FILE = "report.pdf"
# WeasyPrint 70 fails on a page where everything that should not be broken claims a page of its own.
_STYLE = (
    "figure, .number, .decide, .limits, .chapter .table, li, tr, .terms div "
    "{ break-inside: auto !important; }"
)


def write_pdf(page: Path, target: Path) -> Path:
    """Write a page as PDF for A4, whole or not at all.

    SettingsError without WeasyPrint, InputError where it cannot lay out the page.
    """
    content = _rendered(page.read_text(encoding="utf-8"))
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(prefix=UNFINISHED, dir=target.parent)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    Path(name).chmod(0o644)
    Path(name).replace(target)
    return target


def _rendered(html: str) -> bytes:
    weasyprint = _weasyprint()
    logging.getLogger("weasyprint").setLevel(logging.ERROR)  # it warns of links to other files
    try:
        document = weasyprint.HTML(string=html, url_fetcher=_only_embedded, media_type="print")
        style = weasyprint.CSS(string=_STYLE)
        return document.write_pdf(stylesheets=[style], pdf_identifier=False)
    except Exception as error:  # whatever it is: the page itself is fine, a browser prints it
        found = f"WeasyPrint cannot lay out the page: {type(error).__name__} {error}".strip()
        mend = "print the page from a browser"
        raise InputError(Problem("PDF", found, "a PDF of the report", mend)) from error


def _weasyprint() -> Any:
    try:
        import weasyprint
    except (ImportError, OSError) as error:  # OSError: the package is there, Pango is not
        found = "WeasyPrint is missing" if isinstance(error, ImportError) else str(error)
        expected = "WeasyPrint and the library Pango"
        mend = "install the extra: analysis[pdf]; on Debian also libpango-1.0-0 libpangoft2-1.0-0"
        raise SettingsError(Problem("PDF", found.split("\n")[0], expected, mend)) from None
    return weasyprint


def _only_embedded(url: str, *args: Any, **kwargs: Any) -> Any:
    """Give WeasyPrint what stands in the page itself; whatever else it asks for is refused."""
    if not url.startswith("data:"):
        raise ValueError("a page of a report loads nothing")
    return _weasyprint().default_url_fetcher(url, *args, **kwargs)
