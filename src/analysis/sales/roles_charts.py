"""The pictures of the chapter on roles: time beside revenue, and how long new customers wait."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.roles_handover import Handover
from analysis.sales.roles_money import ALL
from analysis.sales.roles_options import RolesOptions

_ROW_HEIGHT = 0.52  # inches per role
_BAR = 0.34


def time_words(roles: pd.DataFrame) -> tuple[str, str]:
    """Return the column that tells how time is shared, and what it is called."""
    if roles["hours_share"].notna().sum() > 1:
        return "hours_share", "working time"
    return "days_share", "full-time days present"


def share_chart(roles: pd.DataFrame, measure: str, scope: Scope) -> Chart:
    """Draw each role's share of time beside its share of revenue."""
    column, words = time_words(roles)
    rows = roles[~roles["role"].isin((ALL,))]
    rows = rows[(rows[column].fillna(0) > 0) | (rows["share"].fillna(0) != 0)]
    rows = rows.iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=1.0 + _ROW_HEIGHT * max(len(rows), 1))
    for place, row in rows.iterrows():
        _bar(axes, place + _BAR / 2, row[column], SERIES[6], scope)
        _bar(axes, place - _BAR / 2, row["share"], ACCENT, scope)
    axes.set_yticks(range(len(rows)), rows["role"])
    axes.set_ylim(-0.6, len(rows) - 0.4)
    top = float(rows[[column, "share"]].max().max()) if len(rows) else 1.0
    axes.set_xlim(min(0.0, float(rows["share"].min())) if len(rows) else 0.0, top * 1.12)
    axes.xaxis.set_major_formatter(lambda value, _: scope.display.share(value, 0))
    axes.set_xlabel(f"Share of all: upper bar {words}, lower bar {measure}")
    axes.tick_params(axis="y", length=0)
    share = scope.display.share
    texts = [
        f"{row['role']}: {share(row[column], 0)} of {words}, {share(row['share'], 0)} of {measure}"
        for _, row in rows.iloc[::-1].iterrows()
    ]
    return chart(
        figure,
        "roles-shares",
        title=f"{words.capitalize()} (upper bar) and {measure} (lower bar) by role",
        alternative_text="; ".join(texts) + ".",
    )


def _bar(axes: Axes, place: float, value: float, colour: str, scope: Scope) -> None:
    if not np.isfinite(value):
        _label(axes, (0, place), "not recorded", SOFT)
        return
    axes.barh(place, value, height=_BAR, color=colour)
    _label(axes, (max(value, 0.0), place), scope.display.share(value, 0), INK)


def _label(axes: Axes, spot: tuple[float, float], text: str, colour: str) -> None:
    places = {"xytext": (4, 0), "textcoords": "offset points"}
    axes.annotate(text, spot, va="center", color=colour, fontsize=8.5, **places)


def wait_chart(found: Handover, options: RolesOptions, scope: Scope) -> Chart:
    """Draw the share of new customers whom support has not spoken with yet, by days."""
    curve = found.curve
    figure, axes = new_axes(height=2.9)
    first = pd.DataFrame({"time": [0.0]})
    columns = ["waiting_share", "waiting_low_share", "waiting_high_share"]
    whole = pd.concat([first.assign(**dict.fromkeys(columns, 1.0)), curve[["time", *columns]]])
    due = found.customers.loc[found.customers["state"].isin(("handed over", "waiting"))]
    last = whole.tail(1).assign(time=max(float(due["since_won_days"].max()), whole["time"].max()))
    whole = pd.concat([whole, last])
    low, high = whole["waiting_low_share"], whole["waiting_high_share"]
    axes.fill_between(whole["time"], low, high, step="post", color=FAN, alpha=0.6, linewidth=0)
    axes.step(whole["time"], whole["waiting_share"], where="post", color=ACCENT, linewidth=1.8)
    axes.axvline(options.handover_days, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    _label(axes, (options.handover_days, 1.05), f"{options.handover_days} days", SOFT)
    axes.axhline(0.5, color=RULE, linewidth=0.8)
    axes.set_ylim(0, 1.1)
    axes.set_xlim(left=0)
    axes.yaxis.set_major_formatter(lambda value, _: scope.display.share(value, 0))
    axes.set_xlabel("Days since the deal was won")
    axes.set_ylabel("Not spoken with yet")
    shares = [
        f"after {day} days {scope.display.share(_waiting_at(curve, day), 0)}"
        for day in (options.handover_days, 30, 90, 180, 365)
        if day <= float(due["since_won_days"].max())
    ]
    return chart(
        figure,
        "roles-waiting",
        title="New customers whom support has not spoken with; band: 80 % range",
        alternative_text="Still waiting: " + ", ".join(dict.fromkeys(shares)) + ".",
    )


def _waiting_at(curve: pd.DataFrame, day: float) -> float:
    past = curve[curve["time"] <= day]
    return float(past["waiting_share"].iloc[-1]) if len(past) else 1.0
