"""The picture of the list: what earlier lists brought, or where the expected gain lies."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.contact_list_frozen import ANYWAY, HELD_OUT, TO_CONTACT
from analysis.customers.contact_list_grades import LESS, MORE, REHEARSAL

_MOST_SHOWN_LIFT = 2.0  # an end beyond it leaves the picture
_MOST_POINTS = 400


def lift_chart(grades: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the lift of every graded list with its 80 % (wide) and 95 % range."""
    shown = grades[grades["lift_share"].notna()].iloc[::-1].reset_index(drop=True)
    figure, axes = new_axes(height=1.0 + 0.42 * len(shown))
    limit = _limit(shown)
    for place, row in shown.iterrows():
        is_told = row["verdict"] in (MORE, LESS)
        colour = FAN if row["verdict"] == REHEARSAL else SERIES[1] if is_told else SOFT
        low, high = _ends(row, "_95", limit)
        axes.plot([low, high], [place] * 2, color=colour, linewidth=1.4)
        low, high = _ends(row, "", limit)
        axes.plot([low, high], [place] * 2, color=colour, linewidth=5, solid_capstyle="butt")
        axes.plot(min(row["lift_share"], limit), place, "o", color=INK, markersize=5)
    axes.axvline(0, color=ACCENT, linewidth=0.8)
    axes.set_yticks(range(len(shown)), [_label(row) for _, row in shown.iterrows()])
    axes.set_ylim(-0.6, len(shown) - 0.4)
    share = scope.display.change
    axes.xaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel("Revenue of those contacted beyond their like; wide: 80 % range, thin: 95 %")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    texts = [
        f"{_label(row)}: {share(row['lift_share'], 0)}, 80 % range "
        f"{share(row['lift_low_share'], 0)} to {share(row['lift_high_share'], 0)}, "
        f"{row['verdict']}"
        for _, row in shown.iloc[::-1].iterrows()
    ]
    return chart(
        figure,
        "contact-list-lift",
        title="What contacting brought, list by list",
        alternative_text=f"{'; '.join(texts)}.",
    )


def _label(row: pd.Series) -> str:
    return f"{row['list']} ({row['verdict']})"


def _limit(shown: pd.DataFrame) -> float:
    ends = shown[["lift_share", "lift_high_95_share"]].to_numpy(float).ravel()
    ends = ends[np.isfinite(ends)]
    return min(_MOST_SHOWN_LIFT, 1.1 * float(ends.max())) if len(ends) else _MOST_SHOWN_LIFT


def _ends(row: pd.Series, which: str, limit: float) -> tuple[float, float]:
    low, high = row[f"lift_low{which}_share"], row[f"lift_high{which}_share"]
    return (-1.0 if np.isnan(low) else low, limit if np.isnan(high) else min(high, limit))


def _marked(now: pd.DataFrame, reached: str, scope: Scope) -> str:
    """Say how many are on the list and, where not all are to contact by the draw, who they are."""
    count, groups = scope.display.count, now["group"].value_counts()
    words = {TO_CONTACT: "to contact", HELD_OUT: "held out", ANYWAY: "contacted anyway"}
    parts = [f"{count(groups[one])} {text}" for one, text in words.items() if one in groups]
    whole = f"the list: {count(len(now))} customers, {reached}"
    return f"{whole}\n{', '.join(parts)}" if parts else whole


def gain_chart(people: pd.DataFrame, now: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the expected gain added up, from the customer with most to gain to the least."""
    gains = people["expected_gain_amount"].to_numpy(float)
    gains = np.sort(gains[gains > 0])[::-1]
    added = np.concatenate([[0.0], np.cumsum(gains)])
    on_list = len(now)
    places = np.unique(np.linspace(0, len(gains), _MOST_POINTS).round().astype(int))
    reached = added[min(on_list, len(gains))]
    figure, axes = new_axes(height=2.7)
    axes.plot(places, added[places], color=ACCENT, linewidth=1.8)
    axes.plot(min(on_list, len(gains)), reached, "o", color=INK, markersize=6)
    axes.axvline(on_list, color=SOFT, linewidth=0.8, linestyle=":")
    count, amount = scope.display.count, scope.display.amount
    is_left = on_list < 0.6 * max(len(gains), 1)
    axes.annotate(
        _marked(now, amount(reached), scope),
        (on_list, reached),
        xytext=(8 if is_left else -8, -10),
        va="top",
        textcoords="offset points",
        ha="left" if is_left else "right",
        color=INK,
    )
    axes.set_xlim(0, max(len(gains), 1) * 1.02)
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Customers, most to gain first")
    axes.set_ylabel(f"Expected gain ({scope.display.currency})")
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    axes.xaxis.set_major_formatter(lambda value, _: count(value))
    axes.grid(visible=True, axis="y", color=RULE, linewidth=0.6)
    held = int((~now["group"].isin([TO_CONTACT, ANYWAY])).sum())
    return chart(
        figure,
        "contact-list-gain",
        title="Where the expected gain lies",
        alternative_text=(
            f"Of {count(len(gains))} customers with an expected gain, {amount(added[-1])} "
            f"together, the list holds {count(on_list)} with up to {amount(reached)}; "
            f"{count(held)} of them are held out."
        ),
    )
