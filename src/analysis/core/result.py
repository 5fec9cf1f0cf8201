"""What every analysis returns: headline numbers, findings, tables, figures, limits, actions."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from analysis.core.figures import Chart
from analysis.core.files import new_directory, read_json, write_json, write_text
from analysis.core.periods import Period

NumberKind = Literal["amount", "share", "count", "number"]
_RESULT_FILE = "result.json"


@dataclass(frozen=True)
class Number:
    """One headline number with what it is compared to.

    `low` and `high` are the ends of its 80 % interval where it is an estimate; `before` is the
    period before, `year_before` the same period a year earlier, `target` what was demanded of it.
    None where there is none.
    """

    label: str
    value: float | None
    kind: NumberKind
    low: float | None = None
    high: float | None = None
    before: float | None = None
    year_before: float | None = None
    note: str = ""
    history: tuple[float, ...] = ()  # values to this one, oldest first, for a sparkline
    target: float | None = None


@dataclass(frozen=True)
class Finding:
    """A published sentence and the claim behind it, so that a later run can grade it.

    `rank` orders findings of all analyses on the first screen, greatest first: the money that the
    finding is about in company currency, 0 when it belongs in its chapter only. `usual_low` and
    `usual_high` are where the value would lie by chance alone had nothing changed; None where
    nobody knows.
    """

    text: str
    detail: str = ""
    metric: str = ""
    comparison: str = ""  # what the value is held against, for example "2026Q2"
    value: float | None = None
    low: float | None = None
    high: float | None = None
    rank: float = 0.0
    usual_low: float | None = None
    usual_high: float | None = None

    @property
    def is_unusual(self) -> bool | None:
        """Whether the value lies beyond its usual range; None without a range."""
        if self.value is None or self.usual_low is None or self.usual_high is None:
            return None
        return not self.usual_low <= self.value <= self.usual_high


@dataclass(frozen=True)
class Decision:
    """A question that leaders are asked, with what hangs on it.

    `chance_share` is the chance, 0 to 1, that deciding for it brings what is at stake; None where
    nobody has measured it. `metric` is the finding or headline number of the same Result that
    tells whether it helped.
    """

    text: str
    worth_amount: float | None = None
    owner: str = ""
    due_on: date | None = None
    chance_share: float | None = None
    metric: str = ""


@dataclass(frozen=True)
class Result:
    """The outcome of one analysis for one period; as-of is the period's last day.

    `unavailable` is one plain sentence when the data do not suffice; everything else is then empty
    but the limits. `definitions` explains each term that the chapter uses; `unknown` are sentences
    that say what a leader would ask next and the data cannot answer.
    """

    name: str
    title: str
    period: str
    as_of: date
    headline: Mapping[str, Number] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
    decisions: tuple[Decision, ...] = ()
    tables: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    charts: Mapping[str, Chart] = field(default_factory=dict)
    caveats: tuple[str, ...] = ()
    definitions: Mapping[str, str] = field(default_factory=dict)
    unavailable: str = ""
    unknown: tuple[str, ...] = ()

    @classmethod
    def nothing(cls, name: str, title: str, period: Period, sentence: str) -> "Result":
        """Return the Result of an analysis that cannot be done, with the reason in words."""
        return cls(name, title, period.name, period.last_day, unavailable=sentence)

    def save(self, folder: Path) -> None:
        """Write result.json, one Parquet file per table and one SVG per chart; all or nothing."""
        for name in (folder.name, self.name, *self.tables, *self.charts):
            refuse_path(name)
        with new_directory(folder) as work:
            for name, table in self.tables.items():
                table.to_parquet(work / f"{name}.parquet", index=False)
            for name, chart in self.charts.items():
                write_text(work / f"{name}.svg", chart.svg)
            write_json(work / _RESULT_FILE, self._record())

    @classmethod
    def load(cls, folder: Path, with_tables: bool = True) -> "Result":
        """Read what `save` wrote; FileNotFoundError when there is no Result in `folder`.

        Without tables and charts it is quicker: enough for numbers, findings and decisions.
        """
        record = read_json(folder / _RESULT_FILE)
        names, charts = record.pop("tables"), record.pop("charts")
        if not with_tables:
            names, charts = [], {}
        return cls(
            **record
            | {
                "as_of": date.fromisoformat(record["as_of"]),
                "headline": {k: _number(v) for k, v in record["headline"].items()},
                "findings": tuple(Finding(**v) for v in record["findings"]),
                "decisions": tuple(_decision(v) for v in record["decisions"]),
                "caveats": tuple(record["caveats"]),
                "unknown": tuple(record.get("unknown", ())),
                "tables": {n: pd.read_parquet(folder / f"{n}.parquet") for n in names},
                "charts": {n: Chart(svg=_read_svg(folder, n), **v) for n, v in charts.items()},
            }
        )

    def _record(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "title": self.title,
            "period": self.period,
            "as_of": self.as_of,
            "unavailable": self.unavailable,
            "headline": {name: asdict(number) for name, number in self.headline.items()},
            "findings": [asdict(finding) for finding in self.findings],
            "decisions": [asdict(decision) for decision in self.decisions],
            "caveats": list(self.caveats),
            "definitions": dict(self.definitions),
            "unknown": list(self.unknown),
            "tables": list(self.tables),
            "charts": {
                name: {"title": chart.title, "alternative_text": chart.alternative_text}
                for name, chart in self.charts.items()
            },
        }


def result_exists(folder: Path) -> bool:
    """Whether `folder` holds a saved Result."""
    return (folder / _RESULT_FILE).is_file()


def refuse_path(name: str) -> None:
    """A name becomes a file's; it must not lead to another folder."""
    if not name or name.startswith(".") or set(name) & set("/\\:\0"):
        raise ValueError(f"{name!r} cannot name a Result, table or chart: letters, digits and _")


def _number(record: dict[str, Any]) -> Number:
    return Number(**record | {"history": tuple(record["history"])})


def _decision(record: dict[str, Any]) -> Decision:
    due = record["due_on"]
    return Decision(**record | {"due_on": date.fromisoformat(due) if due else None})


def _read_svg(folder: Path, name: str) -> str:
    return (folder / f"{name}.svg").read_text(encoding="utf-8")
