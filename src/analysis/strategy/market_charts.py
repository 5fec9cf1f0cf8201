"""The pictures of the market chapter: potential against our part of it, by region."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import ACCENT, FAN, INK, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_MOST_ROWS = 20
_MOST_POINTS = 12  # of the slide; more cannot be told apart
_ROW_HEIGHT = 0.42
_LARGEST_AREA = 900.0  # of a point, in square points
# A point (1/72 inch) as a part of the picture's width and height; letters and lines in points.
_WIDE, _HIGH = 1 / 450, 1 / 255
_LETTER, _LINE = 5.4, 11.0
_SIDES = ((1, 0), (-1, 0), (0, 1), (0, -1))


def penetration_chart(table: pd.DataFrame, scope: Scope) -> Chart:
    """Draw each region's market against our share of it, both with ranges; area: not ours yet."""
    shown = table.head(_MOST_POINTS).reset_index(drop=True)
    amount, share = scope.display.amount, scope.display.share
    figure, axes = new_axes(height=4.2)
    ends = {n: (f"{n}_low_", f"{n}_mid_", f"{n}_high_") for n in ("potential", "penetration")}
    x = [shown[f"{name}amount"].to_numpy(float) for name in ends["potential"]]
    y = [shown[f"{name}share"].to_numpy(float) for name in ends["penetration"]]
    axes.hlines(y[1], x[0], x[2], color=FAN, linewidth=1.2, zorder=1)
    axes.vlines(x[1], y[0], y[2], color=FAN, linewidth=1.2, zorder=1)
    untapped = shown["untapped_mid_amount"].to_numpy(float)
    area = _LARGEST_AREA * untapped / max(untapped.max(), 1e-9)
    axes.scatter(x[1], y[1], s=np.maximum(area, 12), color=ACCENT, alpha=0.75, zorder=2)
    right, top = float(x[2].max()) * 1.1, min(1.0, float(y[2].max()) * 1.15 + 0.005)
    axes.set_xlim(0, right)
    axes.set_ylim(0, top)
    _names(axes, shown["region_name"].tolist(), x[1] / right, y[1] / top, np.sqrt(area / np.pi))
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))
    axes.yaxis.set_major_formatter(lambda value, _: share(value, 0))
    axes.set_xlabel("Spend of regular buyers in a year; lines: 80 % ranges; area: not ours yet")
    axes.set_ylabel("Our part of it")
    axes.grid(visible=True, color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    texts = [_words(row, scope) for row in shown.to_dict("records")]
    return chart(
        figure,
        "market-penetration",
        title="Market of each region against our part of it",
        alternative_text="; ".join(texts) + ".",
    )


def _names(axes: Axes, names: list[str], x: np.ndarray, y: np.ndarray, radius: np.ndarray) -> None:
    """Write each name on the side of its point where it hides no other point or name."""
    taken = [
        (px - r * _WIDE, py - r * _HIGH, px + r * _WIDE, py + r * _HIGH)
        for px, py, r in zip(x, y, radius, strict=True)
    ]
    for place in np.argsort(-y, kind="stable"):
        centre, away = (float(x[place]), float(y[place])), float(radius[place]) + 3
        boxes = [_box(centre, away, side, len(names[place])) for side in _SIDES]
        best = int(np.argmin([_hidden(box, taken) for box in boxes]))
        taken.append(boxes[best])
        (right, up), aligned = _SIDES[best], ("left", "right", "center", "center")[best]
        axes.annotate(
            names[place],
            centre,
            xycoords="axes fraction",
            xytext=(right * away, up * away),
            textcoords="offset points",
            ha=aligned,
            va=("center", "center", "bottom", "top")[best],
            color=INK,
            fontsize=9.5,
        )


def _box(
    centre: tuple[float, float], away: float, side: tuple[int, int], letters: int
) -> tuple[float, float, float, float]:
    """Return left, bottom, right, top of a name beside a point, in parts of the picture."""
    width, height = letters * _LETTER * _WIDE, _LINE * _HIGH
    middle_x = centre[0] + side[0] * (away * _WIDE + width / 2)
    middle_y = centre[1] + side[1] * (away * _HIGH + height / 2)
    return (
        middle_x - width / 2,
        middle_y - height / 2,
        middle_x + width / 2,
        middle_y + height / 2,
    )


def _hidden(box: tuple[float, ...], taken: list[tuple[float, ...]]) -> float:
    """Return the area that a name would hide, or that lies outside the picture."""
    width, height = box[2] - box[0], box[3] - box[1]
    inside = (min(box[2], 1) - max(box[0], 0)) * (min(box[3], 1) - max(box[1], 0))
    hidden = width * height - inside
    for other in taken:
        across = min(box[2], other[2]) - max(box[0], other[0])
        along = min(box[3], other[3]) - max(box[1], other[1])
        hidden += max(across, 0) * max(along, 0)
    return hidden


def region_chart(table: pd.DataFrame, scope: Scope) -> Chart:
    """Draw each region's market with its range, our revenue in it, and the share."""
    shown = table.head(_MOST_ROWS).iloc[::-1].reset_index(drop=True)
    amount, share = scope.display.amount, scope.display.share
    figure, axes = new_axes(height=0.9 + _ROW_HEIGHT * len(shown))
    places = range(len(shown))
    axes.barh(places, shown["potential_mid_amount"], height=0.6, color=FAN)
    axes.barh(places, shown["revenue_year_amount"], height=0.6, color=ACCENT)
    for place, row in shown.iterrows():
        ends = [row["potential_low_amount"], row["potential_high_amount"]]
        axes.plot(ends, [place, place], color=SOFT, linewidth=1)
        axes.annotate(
            f"{share(row['penetration_mid_share'], 0)} ours",
            (row["potential_high_amount"], place),
            xytext=(4, 0),
            textcoords="offset points",
            va="center",
            color=SOFT,
            fontsize=8.5,
        )
    axes.set_yticks(places, shown["region_name"])
    axes.set_xlim(0, float(shown["potential_high_amount"].max()) * 1.18)
    axes.xaxis.set_major_formatter(lambda value, _: amount(value))
    axes.set_xlabel("Spend of regular buyers in a year; line: 80 % range; dark: our revenue")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.tick_params(axis="y", length=0)
    texts = [_words(row, scope) for row in shown.iloc[::-1].to_dict("records")]
    return chart(
        figure,
        "market-regions",
        title="Market and our part of it, most untapped region first",
        alternative_text="; ".join(texts) + ".",
    )


def _words(row: dict, scope: Scope) -> str:
    amount, share = scope.display.amount, scope.display.share
    return (
        f"{row['region_name']}: market {amount(row['potential_mid_amount'])} "
        f"({amount(row['potential_low_amount'])} to {amount(row['potential_high_amount'])}), ours "
        f"{share(row['penetration_mid_share'], 0)}"
    )
