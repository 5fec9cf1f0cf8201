"""The pictures of the chapter on people: who comes how far, keeps deadlines, and how they begin."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.people_options import PeopleOptions
from analysis.sales.people_ramp import Ramp
from analysis.sales.people_targets import MISSED, REACHED, TARGET
from analysis.sales.people_tasks import BEHIND, BETTER

_ROW_HEIGHT = 0.34  # inches per person
_MOST_ROWS = 24  # of more people the lowest and the highest are shown
_CURVE_MONTHS = 24


def attainment_chart(attainment: pd.DataFrame, scope: Scope) -> Chart:
    """Draw how much of the yardstick each seller reached, and the range that chance leaves."""
    latest = attainment[attainment["ends_on"] == attainment["ends_on"].max()]
    latest = latest[latest["metric"] == latest["metric"].min()] if len(latest) else latest
    shown = latest.dropna(subset=["attained_share"])
    shown = _both_ends(shown.sort_values(["attained_share", "seller"]))
    is_target = bool((shown["yardstick"] == TARGET).any())
    of = "target" if is_target else "what all together win in the same time"
    colours = {MISSED: SERIES[4], REACHED: SERIES[1]}
    names = ["attained_share", "attained_low_share", "attained_high_share"]
    rows = shown.assign(
        label=[f"{row.seller} ({scope.display.amount(row.actual)})" for row in shown.itertuples()]
        if len(shown) and shown["metric"].iloc[0].endswith("amount")
        else [f"{row.seller} ({row.actual:.0f})" for row in shown.itertuples()],
        colour=[colours.get(verdict, ACCENT) for verdict in shown["verdict"]],
    )
    what = "Target attained" if is_target else "Deals won against the average"
    return _ranges(
        rows.rename(columns=dict(zip(names, ["value", "low", "high"], strict=True))),
        line=1.0,
        name="people-attainment",
        title=f"{what}, by seller (number won){_cut(latest)}",
        axis=f"Share of {of}; bar: 80 % range",
        scope=scope,
    )


def compliance_chart(compliance: pd.DataFrame, team_share: float, scope: Scope) -> Chart:
    """Draw each person's share of tasks on time and its range, beside that of all."""
    shown = compliance.dropna(subset=["on_time_share"])
    shown = _both_ends(shown.sort_values(["on_time_share", "seller"]))
    colours = {BEHIND: SERIES[4], BETTER: SERIES[1]}
    names = ["on_time_share", "on_time_low_share", "on_time_high_share"]
    rows = shown.assign(
        label=[f"{row.seller} ({row.task_count})" for row in shown.itertuples()],
        colour=[colours.get(verdict, ACCENT) for verdict in shown["verdict"]],
    )
    return _ranges(
        rows.rename(columns=dict(zip(names, ["value", "low", "high"], strict=True))),
        line=team_share,
        name="people-compliance",
        title=f"Tasks done by their deadline, by person (number of tasks){_cut(compliance)}",
        axis="Share on time; bar: 80 % range; line: all together",
        scope=scope,
    )


def ramp_chart(
    months: pd.DataFrame, ramp: Ramp | None, options: PeopleOptions, scope: Scope
) -> Chart:
    """Draw what new sellers took on by month since hiring, and the curve where there is one."""
    figure, axes = new_axes(height=2.9)
    shown = months[(months["month"] <= _CURVE_MONTHS) & months["given_share"].notna()]
    sizes = 12 + 6 * np.sqrt(shown["person_count"].to_numpy(float))
    axes.scatter(shown["month"] - 0.5, shown["given_share"], s=sizes, color=FAN, zorder=2)
    axes.axhline(1, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    texts = [
        f"month {row.month}: {scope.display.share(row.given_share, 0)}"
        for row in shown.head(12).itertuples()
    ]
    if ramp is not None:
        x = np.linspace(0, _CURVE_MONTHS, 97)
        axes.plot(x, ramp.level * -np.expm1(-x / ramp.tau), color=ACCENT, linewidth=2)
        if ramp.months <= _CURVE_MONTHS:
            axes.axvspan(ramp.low, min(ramp.high, _CURVE_MONTHS), color=RULE, alpha=0.6, zorder=0)
            axes.axvline(ramp.months, color=ACCENT, linewidth=1)
            share = scope.display.share(options.ramped_share, 0)
            texts.append(f"{share} of what they reach after {ramp.months:.1f} months")
    axes.set_xlim(0, _CURVE_MONTHS)
    axes.set_ylim(0, max(1.6, min(3.0, float(shown["given_share"].max() or 0) * 1.05)))
    axes.yaxis.set_major_formatter(lambda value, _: scope.display.share(value, 0))
    shaded = "" if ramp is None else "; line and shade: until settled, 80 % range"
    axes.set_xlabel(f"Months since hiring; larger dot: more people{shaded}")
    axes.set_ylabel("Of settled sellers' pace")
    return chart(
        figure,
        "people-ramp",
        title="New business taken on by new sellers, against settled ones at the time",
        alternative_text="; ".join(texts) + ".",
    )


def _cut(rows: pd.DataFrame) -> str:
    half = _MOST_ROWS // 2
    return f"; the {half} lowest and highest" if len(rows) > _MOST_ROWS else ""


def _both_ends(rows: pd.DataFrame) -> pd.DataFrame:
    """Of many people the lowest and the highest."""
    half = _MOST_ROWS // 2
    return rows if len(rows) <= _MOST_ROWS else pd.concat([rows.head(half), rows.tail(half)])


def _ranges(
    rows: pd.DataFrame, *, line: float, name: str, title: str, axis: str, scope: Scope
) -> Chart:
    figure, axes = new_axes(height=1.0 + _ROW_HEIGHT * max(len(rows), 1))
    axes.axvline(line, color=SOFT, linewidth=1, linestyle=(0, (4, 3)))
    for place, row in enumerate(rows.itertuples()):
        axes.plot([row.low, row.high], [place, place], color=row.colour, linewidth=3, alpha=0.35)
        axes.plot(row.value, place, "o", color=row.colour, markersize=6)
    axes.set_yticks(range(len(rows)), rows["label"])
    axes.set_ylim(-0.7, len(rows) - 0.3)
    share = scope.display.share
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel(axis)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.seller}: {share(row.value, 0)} ({share(row.low, 0)} to {share(row.high, 0)}), "
        f"{row.verdict}"
        for row in rows.itertuples()
    ]
    return chart(figure, name, title=title, alternative_text="; ".join(texts) or "Nobody to show.")
