"""The pictures of the chapter on improvements: promised beside realised, and the courses."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import ACCENT, FAN, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.strategy.effect import EFFECT

_MOST_COURSES = 6


def promise_chart(ledger: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the promised range of each improvement and what was measured, where it was."""
    share = scope.display.change
    shown = ledger.iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=0.9 + 0.5 * max(len(shown), 1))
    for place, row in shown.iterrows():
        axes.plot(
            [row["promised_low_share"], row["promised_high_share"]],
            [place + 0.14] * 2,
            color=FAN,
            linewidth=6,
        )
        if np.isfinite(row["realised_share"]):
            colour = SERIES[1] if row["verdict"] == EFFECT else SOFT
            axes.plot(
                [row["realised_low_share"], row["realised_high_share"]],
                [place - 0.14] * 2,
                color=colour,
            )
            axes.plot(row["realised_share"], place - 0.14, "o", color=colour, markersize=5)
    axes.axvline(0, color=ACCENT, linewidth=0.8)
    axes.set_yticks(range(len(shown)), shown["name"])
    axes.set_ylim(-0.6, max(len(shown), 1) - 0.4)
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel("Change of the driver; wide: promised, line: measured with 80 % range")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [
        f"{row.name}: promised {share(row.promised_mid_share, 0)}, measured "
        f"{share(row.realised_share, 0)}, {row.verdict}"
        for row in ledger.itertuples()
    ]
    return chart(
        figure,
        "improvements-promises",
        title="Promised and measured",
        alternative_text="; ".join(texts) or "No improvement has taken effect yet.",
    )


def course_chart(courses: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the treated against the others quarter by quarter, one panel per improvement.

    Grey are placebos: every other unit held against the rest in the same way.
    """
    names = list(dict.fromkeys(courses["improvement_id"]))[:_MOST_COURSES]
    figure, axes = new_axes(height=0.8 + 1.5 * max(len(names), 1))
    axes.remove()
    panels = figure.subplots(max(len(names), 1), 1, squeeze=False)[:, 0]
    texts = []
    for axes, name in zip(panels, names, strict=False):
        texts.append(_one_course(axes, courses[courses["improvement_id"] == name], scope))
    if not names:
        panels[0].set_axis_off()
    return chart(
        figure,
        "improvements-courses",
        title="Those treated against the others by quarter; grey: each other unit; lines: its "
        "start, dotted the date before",
        alternative_text="; ".join(texts) or "Nobody could be compared with others.",
    )


def _one_course(axes: Axes, course: pd.DataFrame, scope: Scope) -> str:
    share = scope.display.change
    for unit, line in course[~course["is_treated"]].groupby("unit_id"):
        axes.plot(line["period"], line["gap_share"], color=RULE, linewidth=1.2, label=str(unit))
    mine = course[course["is_treated"]]
    first = mine.iloc[0]
    axes.axhline(0, color=SOFT, linewidth=0.6)
    axes.axvline(first["starts_at"] - 0.5, color=ACCENT, linewidth=1)
    axes.axvline(first["placebo_at"] - 0.5, color=ACCENT, linewidth=0.8, linestyle=":")
    axes.plot(mine["period"], mine["gap_share"], color=SERIES[4], linewidth=1.8)
    axes.set_title(str(first["name"]), fontsize=8.5, loc="left")
    axes.yaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.tick_params(length=0, labelsize=7.5, labelcolor=SOFT)
    axes.spines[["top", "right", "left", "bottom"]].set_visible(False)
    after = mine["gap_share"].iloc[int(first["starts_at"]) :].mean()
    return f"{first['name']}: {share(after, 0)} on average after its start"
