"""What leaders open: components that notebooks show, the page around them, index and downloads.

A notebook says `from analysis import report` and shows these; each has `_repr_html_`:

    report.headline(result, display)      report.findings(result)     report.decisions(result)
    report.chart(result, "name")          report.caveats(result)      report.definitions(result)
    report.table(result, "name", display, rows=20, columns=None)
    report.first_screen(results, scope)   report.chapter(result, display)
    report.chapters(results, display)     report.track_record(results, display)
    report.actions(results, display)      report.glossary(results)
    report.last_decisions(scope, past)    report.moved(results, scope, past)
    report.register(results, scope, past)

`run.publish` makes the files of a report folder with

    page.notebook_page(executed, eyebrow=..., title="", provenance=None, ...) -> str
    page.page_problems(html) -> list[Problem]            page.link_problems(folder) -> list[Problem]
    downloads.write_downloads(result, folder) -> list[Path]
    index.summarise(results, scope, ...) -> Summary      index.write_summary(summary, folder)
    index.read_summaries(reports) -> list[Summary]       index.index_page(summaries, ...) -> str
"""

from analysis.report.components import caveats, chart, decisions, definitions, findings, headline
from analysis.report.register_page import last_decisions, register
from analysis.report.story import (
    actions,
    chapter,
    chapters,
    first_screen,
    glossary,
    moved,
    track_record,
)
from analysis.report.tables import table

__all__ = [
    "actions",
    "caveats",
    "chapter",
    "chapters",
    "chart",
    "decisions",
    "definitions",
    "findings",
    "first_screen",
    "glossary",
    "headline",
    "last_decisions",
    "moved",
    "register",
    "table",
    "track_record",
]
