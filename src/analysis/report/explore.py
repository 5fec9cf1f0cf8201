"""The explore page: every customer in one table that sorts and searches, offline, in one file.

The table is DataTables as itables ships it for offline use. itables' own output is not used: it
starts the library from a blob by a script that holds the customers' names, which needs a policy
that lets any inline script run. Here names are data, in a block that never runs; the policy of the
page names the one script that may run by its hash, and forbids every request.
"""

import base64
import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pandas as pd
from markupsafe import Markup

from analysis.core.display import Display
from analysis.core.result import Result
from analysis.report.pieces import environment, style, template_text
from analysis.report.tables import is_missing

EXPLORE_FILE = "explore.html"
DOWNLOAD = "customers.csv"
CUSTOMER = "customer_id"
# Heading by column; the order is that of the page. What a run does not have is left out.
HEADINGS = {
    "customer_id": "Customer",
    "customer_name": "Name",
    "segment_name": "Segment",
    "prospect_class": "Class",
    "revenue_quarter_amount": "Revenue, this quarter",
    "revenue_year_amount": "Revenue, last four quarters",
    "forecast_quarter_amount": "Forecast, next quarter",
    "forecast_quarter_low_amount": "Forecast, low",
    "forecast_quarter_high_amount": "Forecast, high",
    "target_quarter_amount": "Target, next quarter",
    "forecast_year_amount": "Forecast, next year",
    "potential_year_amount": "Potential, a year",
    "gap_year_amount": "Gap, a year",
    "active_share": "Still buys",
    "next_products": "Offer next",
    "growth_reason": "Why this forecast and target",
    "segment_reason": "Why this segment",
    "region_id": "Region",
    "industry": "Industry",
    "rep_id": "Seller",
}
_LONG = ("next_products", "growth_reason", "segment_reason")
_ORDER = ("gap_year_amount", "forecast_year_amount", "revenue_year_amount")
_ESTIMATES = ("forecast", "potential", "gap")
_NUMBERS = ("amount", "share", "number")
# The library's last statement hands itself over under a name that differs from build to build.
_EXPORT = re.compile(r"export\{[^}]*?\b(\w+) as default\b[^}]*\}")


@dataclass(frozen=True)
class ExploreFrame:
    """What stands around the table."""

    title: str
    eyebrow: str = ""
    links: Sequence[tuple[str, str]] = ()
    provenance: Sequence[str] = ()
    download: str = f"downloads/{DOWNLOAD}"


def customer_list(
    results: Mapping[str, Result], features: pd.DataFrame | None = None
) -> pd.DataFrame | None:
    """Return one row per customer with what the Results say of him; None when they say nothing.

    Largest gap first, then by id, so that the same data always give the same page.
    """
    growth = _table(results, "customer_growth", {"reason": "growth_reason"})
    segments = _table(results, "segments", {"reason": "segment_reason"})
    parts = [part for part in (growth, segments) if part is not None]
    if not parts:
        return None
    joined = parts[0]
    for part in parts[1:]:
        joined = joined.merge(part[_new_names(part, joined)], on=CUSTOMER, how="outer")
    if features is not None:
        known = features.drop_duplicates(CUSTOMER)
        joined = joined.merge(known[_new_names(known, joined)], on=CUSTOMER, how="left")
    return _ordered(joined[[name for name in HEADINGS if name in joined.columns]])


def explore_page(customers: pd.DataFrame, frame: ExploreFrame, display: Display) -> str:
    """Return the whole page; every row of `customers` is in it, every text escaped."""
    return (
        environment()
        .get_template("explore.html.j2")
        .render(
            page=frame,
            style=Markup(f"{style()}\n{template_text('explore.css')}"),
            policy=policy(),
            script=Markup(_script()),
            data=Markup(_data(customers, display)),
            headings=[
                (HEADINGS[name], _kind(name, customers[name]) in _NUMBERS)
                for name in customers.columns
            ],
            count=f"{len(customers):,}",
        )
    )


def policy() -> str:
    """Return the content security policy of the page: one script by its hash, and no request."""
    digest = base64.b64encode(hashlib.sha256(_script().encode("utf-8")).digest()).decode("ascii")
    return (
        f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )


@cache
def _script() -> str:
    """Return the library and what starts it, as one module; nothing in it depends on the data.

    The HTML parser would take `<!--` and `<script` in it for markup; in the strings and patterns
    of the library, where they stand, \\x3c means the same.
    """
    bundle = (resources.files("itables") / "html" / "dt_bundle.js").read_text(encoding="utf-8")
    library, count = _EXPORT.subn(r"const AnalysisTable=\1", bundle)
    if count != 1:
        raise RuntimeError("itables' bundle of DataTables is built in another way than known")
    text = f"{library}\n{template_text('explore.js')}".replace("\r\n", "\n")
    return text.replace("<!--", r"\x3c!--").replace("<script", r"\x3cscript")


def _table(
    results: Mapping[str, Result], name: str, renamed: Mapping[str, str]
) -> pd.DataFrame | None:
    for result in results.values():
        table = result.tables.get(name)
        if table is not None and len(table) and CUSTOMER in table.columns:
            return table.rename(columns=dict(renamed)).drop_duplicates(CUSTOMER)
    return None


def _new_names(part: pd.DataFrame, joined: pd.DataFrame) -> list[str]:
    return [name for name in part.columns if name == CUSTOMER or name not in joined.columns]


def _ordered(customers: pd.DataFrame) -> pd.DataFrame:
    money = next((name for name in _ORDER if name in customers.columns), None)
    by_id = customers.sort_values(CUSTOMER, kind="stable")
    if money is None:
        return by_id.reset_index(drop=True)
    keys = pd.to_numeric(by_id[money], errors="coerce")
    order = keys.sort_values(ascending=False, kind="stable", na_position="last").index
    return by_id.loc[order].reset_index(drop=True)


def _kind(name: str, values: pd.Series) -> str:
    if name.endswith("_amount"):
        return "amount"
    if name.endswith("_share"):
        return "share"
    kinds = pd.api.types
    if kinds.is_numeric_dtype(values) and not kinds.is_bool_dtype(values):
        return "number"
    return "text"


def _data(customers: pd.DataFrame, display: Display) -> str:
    """Return the rows as JSON that no text in it can end: a page reads no tag in it."""
    kinds = {name: _kind(name, customers[name]) for name in customers.columns}
    record = {
        "locale": display.locale.replace("_", "-"),
        "currency": display.currency,
        "columns": [
            {"title": HEADINGS[name], "kind": kinds[name], "isLong": name in _LONG}
            | _values(_cells(customers[name], name, kinds[name]))
            for name in customers.columns
        ],
    }
    text = json.dumps(record, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    for sign in "<>&\u2028\u2029":
        text = text.replace(sign, f"\\u{ord(sign):04x}")
    return text


def _values(cells: list[Any]) -> dict[str, list[Any]]:
    """Return a column's cells; where they repeat, each value once and its place in every row."""
    places = {value: place for place, value in enumerate(dict.fromkeys(cells))}
    if len(places) * 2 > len(cells):
        return {"cells": cells}
    return {"values": list(places), "places": [places[cell] for cell in cells]}


def _cells(values: pd.Series, name: str, kind: str) -> list[Any]:
    if kind == "text":
        return [_text(value) for value in values]
    numbers = pd.to_numeric(values, errors="coerce").astype("float64").to_numpy()
    numbers = _as_shown(numbers, name, kind)
    return [
        (int(number) if float(number).is_integer() else float(number))
        if np.isfinite(number)
        else None
        for number in numbers
    ]


def _as_shown(numbers: np.ndarray, name: str, kind: str) -> np.ndarray:
    """Round as the report does: money to its whole unit, estimates to three digits."""
    if kind == "share":
        return np.round(numbers, 3)
    if kind != "amount":
        return np.round(numbers, 4)
    if name.startswith(_ESTIMATES):
        with np.errstate(divide="ignore", invalid="ignore"):
            size = 10.0 ** (np.floor(np.log10(np.abs(numbers))) - 2)
        large = np.isfinite(size) & (size > 1)
        numbers = np.where(large, np.round(numbers / np.where(large, size, 1)) * size, numbers)
    return np.round(numbers, 0)


def _text(value: Any) -> str | None:
    if isinstance(value, (list, tuple, np.ndarray)):
        return ", ".join(map(str, value))
    if is_missing(value):
        return None
    if isinstance(value, (bool, np.bool_)):
        return "yes" if value else "no"
    return str(value)
