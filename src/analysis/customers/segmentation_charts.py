"""The pictures of the segmentation chapter: all profiles at a glance, and the prospect map."""

import math

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter

from analysis.core.figures import INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.customers.behaviour_features import FEATURES
from analysis.customers.prospects import PROSPECT_CLASSES
from analysis.customers.segment_anchor import NEW_ID, SILENT_ID, Anchor
from analysis.customers.segment_words import bare_text, customers_text

# Half the width of a column, in the deviations that dots are placed by.
_HALF_WIDTH = 2.6
# Greatest circle of the map, in points of diameter; the least that is still seen.
_LARGEST, _SMALLEST = 92.0, 7.0
_MOST_GROWTH, _LEAST_GROWTH = 1.5, -1.0
# Width and height of the map's drawing, in points.
_DRAWN = (440.0, 225.0)


def profile_chart(profiles: pd.DataFrame, anchor: Anchor, scope: Scope) -> Chart:
    """Draw a row per segment and a column per feature: a dot right of the line is above typical.

    Beside each dot stands the typical customer's own value.
    """
    shown = profiles[(profiles["customer_count"] > 0) & (profiles["segment_id"] != NEW_ID)]
    names = [name for name in FEATURES if name in anchor.transform.features] or list(FEATURES)
    figure, axes = new_axes(width=7.6, height=1.0 + 0.52 * max(len(shown), 1))
    for column, name in enumerate(names):
        _column(axes, column, FEATURES[name].label, len(shown))
    for place, row in enumerate(shown.to_dict("records")):
        colour = segment_colour(row["segment_id"])
        spots = _places(row, anchor, names)
        for column, (name, spot) in enumerate(zip(names, spots, strict=True)):
            axes.plot([column, column + spot], [place, place], color=colour, linewidth=2.5)
            axes.plot([column + spot], [place], "o", color=colour, markersize=7)
            text = bare_text(name, row[f"median_{name}"], scope.display)
            axes.text(column, place + 0.27, text, ha="center", va="center", fontsize=8, color=SOFT)
    for place, row in enumerate(shown.to_dict("records")):
        count = customers_text(row["customer_count"], scope.display)
        for text, below, colour in ((row["segment_name"], 0.0, INK), (count, 0.27, SOFT)):
            axes.text(-0.6, place + below, text, ha="right", va="center", color=colour)
    axes.set_yticks([])
    axes.set_ylim(len(shown) - 0.35, -0.65)
    axes.set_xlim(-0.55, len(names) - 0.45)
    axes.set_xticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    return chart(
        figure,
        "segment-profiles",
        title="What tells the segments apart: left of the line less than typical, right more",
        alternative_text=_profile_words(shown, names, scope),
    )


def map_chart(profiles: pd.DataFrame, scope: Scope) -> Chart:
    """Draw a circle per segment: value now, growth ahead, and revenue as its area."""
    shown = profiles[(profiles["customer_count"] > 0) & (profiles["revenue_year_amount"] > 0)]
    circles = shown.assign(
        name=shown["segment_name"], colour=[segment_colour(i) for i in shown["segment_id"]]
    )
    title = "Segments: area is revenue of the last four quarters"
    return _map(circles, "segment-map", title, "Segments", scope)


def prospect_chart(classes: pd.DataFrame, scope: Scope) -> Chart:
    """Draw a circle per class: value now, growth ahead, and revenue as its area."""
    shown = classes[classes["customer_count"] > 0]
    circles = shown.assign(
        name=[_capital(name) for name in shown["prospect_class"]],
        colour=[class_colour(name) for name in shown["prospect_class"]],
    )
    title = "Prospect classes: area is revenue of the last four quarters"
    return _map(circles, "prospect-map", title, "Prospect classes", scope)


def _map(shown: pd.DataFrame, name: str, title: str, what: str, scope: Scope) -> Chart:
    value = (shown["revenue_year_amount"] / shown["customer_count"]).clip(lower=1.0)
    growth = shown["growth_ahead_ratio"].fillna(0.0).clip(_LEAST_GROWTH, _MOST_GROWTH)
    revenue = shown["revenue_year_amount"].clip(lower=0.0)
    widths = np.sqrt(revenue / max(float(revenue.max()) if len(shown) else 1.0, 1.0)) * _LARGEST
    figure, axes = new_axes(height=3.9)
    _frame(axes, value, growth, scope)
    texts = [
        f"{title} · {scope.display.amount(amount)}"
        for title, amount in zip(shown["name"], shown["revenue_year_amount"], strict=True)
    ]
    sides = _label_sides(axes, value, growth, widths.clip(lower=_SMALLEST), texts)
    for i in np.argsort(-widths.to_numpy(), kind="stable"):
        row = shown.iloc[i]
        spot, width = (value.iloc[i], growth.iloc[i]), max(float(widths.iloc[i]), _SMALLEST)
        axes.plot(
            *spot,
            "o",
            color=row["colour"],
            markersize=width,
            alpha=0.88,
            markeredgewidth=0,
            clip_on=False,
        )
        axes.annotate(
            texts[i],
            spot,
            xytext=(0, sides[i] * (width / 2 + 4)),
            textcoords="offset points",
            ha="center",
            va="bottom" if sides[i] > 0 else "top" if sides[i] < 0 else "center",
            color=INK,
            fontweight="bold",
            annotation_clip=False,
        )
    return chart(figure, name, title=title, alternative_text=_map_words(shown, what, scope))


def segment_colour(segment_id: str) -> str:
    """Return the colour of a segment, the same in every quarter; grey for those made by rule."""
    if segment_id in (NEW_ID, SILENT_ID):
        return SOFT
    number = int(segment_id[1:]) - 1 if segment_id[1:].isdigit() else int(segment_id == "smaller")
    # The fourth house colour is grey too, and would be taken for a rule.
    colours = [colour for place, colour in enumerate(SERIES) if place != 3]
    return colours[number % len(colours)]


def class_colour(name: str) -> str:
    """Return the colour of a prospect class."""
    return SERIES[PROSPECT_CLASSES.index(name)]


def _column(axes: Axes, place: int, label: str, rows: int) -> None:
    axes.plot([place, place], [-0.4, rows - 0.5], color=RULE, linewidth=1, zorder=0)
    axes.text(place, -0.62, label.replace(" ", "\n", 1), ha="center", va="bottom", fontsize=8.5)


def _places(row: dict, anchor: Anchor, names: list[str]) -> np.ndarray:
    """Return where dots stand, −0.42 to 0.42 of a column: the typical customer, transformed."""
    used = [name for name in names if name in anchor.transform.features]
    if not used:
        return np.zeros(len(names))
    medians = pd.DataFrame([{name: row[f"median_{name}"] for name in used}])
    typical = pd.DataFrame([{name: anchor.typical[name] for name in used}])
    spots = anchor.transform.apply(medians)[0] - anchor.transform.apply(typical)[0]
    return np.clip(spots / _HALF_WIDTH, -1, 1) * 0.42


def _profile_words(shown: pd.DataFrame, names: list[str], scope: Scope) -> str:
    parts = []
    for row in shown.to_dict("records"):
        said = ", ".join(
            f"{FEATURES[n].label.lower()} {bare_text(n, row[f'median_{n}'], scope.display)}"
            for n in names
        )
        parts.append(f"{row['segment_name']}: {said}")
    return f"Typical customer of each segment. {'; '.join(parts) or 'No customers to show'}."


def _frame(axes: Axes, value: pd.Series, growth: pd.Series, scope: Scope) -> None:
    axes.set_xscale("log")
    if len(value):
        axes.set_xlim(float(value.min()) / 2.2, float(value.max()) * 2.6)
        room = max(float(growth.max() - growth.min()), 0.2)
        axes.set_ylim(float(growth.min()) - 0.3 * room, float(growth.max()) + 0.45 * room)
        axes.set_xticks(_money_ticks(*axes.get_xlim()))
    axes.minorticks_off()
    axes.axhline(0, color=RULE, linewidth=1, zorder=0)
    axes.xaxis.set_major_formatter(FuncFormatter(lambda x, _: scope.display.amount(x)))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda y, _: scope.display.change(y, 0)))
    axes.set_xlabel("value now: revenue per customer in the last four quarters →")
    axes.set_ylabel("growth ahead: forecast of the next four →")
    axes.tick_params(length=0)


def _label_sides(
    axes: Axes, value: pd.Series, growth: pd.Series, widths: pd.Series, texts: list[str]
) -> list[int]:
    """Return where each circle's name stands: 1 above, -1 below, 0 on it; least in others' way.

    Sizes are those of the drawing in points, roughly.
    """
    if not len(value):
        return []
    (left, right), (bottom, top) = np.log(axes.get_xlim()), axes.get_ylim()
    x = (np.log(value.to_numpy()) - left) / (right - left) * _DRAWN[0]
    y = (growth.to_numpy() - bottom) / (top - bottom) * _DRAWN[1]
    radius, half = widths.to_numpy() / 2, np.array([len(text) for text in texts]) * 2.9
    sides, places = [0] * len(x), np.full(len(x), np.nan)
    for i in np.argsort(-y, kind="stable"):
        costs = []
        for side in (1, -1, 0):
            at = y[i] + side * (radius[i] + 10)
            beside = np.abs(x - x[i])
            hits = (np.abs(places - at) < 13) & (beside < half + half[i])
            covered = (np.abs(y - at) < radius + 6) & (beside < radius + half[i])
            covered[i] = side == 0
            outside = at < 4 or at > _DRAWN[1] + 8
            costs.append(4 * hits.sum() + covered.sum() + 3 * outside)
        sides[i] = (1, -1, 0)[int(np.argmin(costs))]
        places[i] = y[i] + sides[i] * (radius[i] + 10)
    return sides


def _money_ticks(low: float, high: float) -> list[float]:
    powers = range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 1)
    ticks = [10.0**p * m for p in powers for m in (1, 3)]
    return [tick for tick in ticks if low < tick < high]


def _map_words(shown: pd.DataFrame, what: str, scope: Scope) -> str:
    display = scope.display
    parts = [
        f"{row.name}: {customers_text(row.customer_count, display)}, "
        f"{display.amount(row.revenue_year_amount)} now, growth ahead "
        f"{display.change(row.growth_ahead_ratio)}"
        for row in shown.itertuples(index=False)
    ]
    return f"{what} by value now and growth ahead. {'; '.join(parts)}."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
