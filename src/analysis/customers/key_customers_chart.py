"""The picture of the chapter: each key customer's money, its change, and whether we have heard."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.key_customers_voice import FRESH, OLD
from analysis.customers.key_customers_words import Told, named

_MOST_ROWS = 20
_ROW_HEIGHT = 0.3
_LONGEST_NAME = 30


def key_chart(told: Told, scope: Scope) -> Chart:
    """Draw a bar per key customer, filled by how fresh his feedback is; a mark: the year before."""
    shown = told.customers.head(_MOST_ROWS).iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=1.1 + _ROW_HEIGHT * len(shown))
    places = np.arange(len(shown))
    is_told = "feedback" not in told.without
    fills = [_fill(state) if is_told else ACCENT for state in shown["feedback"]]
    axes.barh(places, shown["year_amount"], height=0.62, color=fills, edgecolor=SOFT, linewidth=0.6)
    longest = shown["year_amount"].clip(lower=0)
    if told.covers_year_before:
        before = shown["year_before_amount"]
        axes.plot(before, places, "|", color=INK, markersize=15, markeredgewidth=1.6)
        longest = longest.combine(before, max)
    for place, row in shown.iterrows():
        axes.annotate(
            _change(row, told, scope),
            (longest[place], place),
            xytext=(6, 0),
            textcoords="offset points",
            va="center",
            color=SOFT,
            fontsize=8.5,
        )
    names = [named(shown.iloc[[place]])[:_LONGEST_NAME] for place in places]
    axes.set_yticks(places, names)
    axes.set_xlim(min(0.0, float(shown["year_amount"].min())), _right(longest))
    axes.xaxis.set_major_formatter(lambda value, _: scope.display.amount(value))
    axes.set_xlabel(_key(told))
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    noun = told.measure[:1].upper() + told.measure[1:]
    return chart(
        figure,
        "key-customers",
        title=f"{noun} of key customers in the last four quarters",
        alternative_text=_told(shown, told, scope),
    )


def _right(longest: pd.Series) -> float:
    return max(float(longest.max()), 1.0) * 1.14


def _fill(state: str) -> str:
    return {FRESH: ACCENT, OLD: FAN}.get(state, "none")


def _change(row: pd.Series, told: Told, scope: Scope) -> str:
    if not told.covers_year_before:
        return ""
    return scope.display.change(row["change_share"], 0) if row["year_before_amount"] > 0 else "new"


def _key(told: Told) -> str:
    texts = []
    if "feedback" not in told.without:
        texts.append("Dark: heard; pale: heard long ago; empty: never")
    if told.covers_year_before:
        texts.append("mark: the year before")
    return "; ".join(texts) or "Last four quarters"


def _told(shown: pd.DataFrame, told: Told, scope: Scope) -> str:
    rows = [
        f"{named(shown.iloc[[place]])}: {scope.display.amount(row['year_amount'])}"
        f"{', ' + change if (change := _change(row, told, scope)) else ''}"
        + ("" if "feedback" in told.without else f", feedback {row['feedback']}")
        for place, row in reversed(list(shown.iterrows()))
    ]
    return "; ".join(rows) + "."
