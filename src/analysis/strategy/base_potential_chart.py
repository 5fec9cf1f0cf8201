"""The picture of the base's potential: what each segment and category is below its peers."""

import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import ACCENT, FAN, INK, RULE, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_MOST_ROWS = 8  # of each way to divide the sum
_ROW_HEIGHT = 0.34
_HEADS = {
    "segments": ("segment_name", "By segment"),
    "categories": ("product_category", "By product category"),
    "regions": ("region_name", "By region"),
}


def gap_chart(tables: dict[str, pd.DataFrame], scope: Scope) -> Chart:
    """Draw the sum divided in three ways, each bar with its 80 % range."""
    shown = {
        name: tables[name].head(_MOST_ROWS)
        for name, (column, _) in _HEADS.items()
        if tables[name][column].nunique() > 1
    } or {"segments": tables["segments"]}
    count = sum(len(table) + 1.6 for table in shown.values())
    figure, axes = new_axes(height=0.7 + _ROW_HEIGHT * count)
    labels: list[tuple[float, str]] = []
    place = 0.0
    for name, table in shown.items():
        labels.append((place, _HEADS[name][1]))
        for row in table.to_dict("records"):
            place -= 1
            _bar(axes, place, row, scope)
            labels.append((place, str(row[_HEADS[name][0]])))
        place -= 1.6
    _finish(
        axes, labels, max(float(t["gap_year_high_amount"].max()) for t in shown.values()), scope
    )
    return chart(
        figure,
        "base-potential-gaps",
        title="What customers are below their peers, divided in three ways",
        alternative_text=_words(shown, scope),
    )


def _bar(axes: Axes, place: float, row: dict, scope: Scope) -> None:
    axes.barh(place, row["gap_year_amount"], height=0.62, color=FAN)
    ends = [row["gap_year_low_amount"], row["gap_year_high_amount"]]
    axes.plot(ends, [place, place], color=ACCENT, linewidth=1.4)
    axes.annotate(
        scope.display.amount(row["gap_year_amount"]),
        (ends[1], place),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        color=SOFT,
        fontsize=8.5,
    )


def _finish(axes: Axes, labels: list[tuple[float, str]], most: float, scope: Scope) -> None:
    heads = {head for _, head in _HEADS.values()}
    axes.set_yticks([place for place, _ in labels], [text for _, text in labels])
    for tick, (_, text) in zip(axes.get_yticklabels(), labels, strict=True):
        tick.set_color(INK if text in heads else SOFT)
        tick.set_fontweight("bold" if text in heads else "normal")
    axes.set_ylim(min(place for place, _ in labels) - 0.7, 0.6)
    axes.set_xlim(0, max(most, 1.0) * 1.16)
    axes.xaxis.set_major_formatter(lambda value, _: scope.display.amount(value))
    axes.set_xlabel("Below peers in a year; line: 80 % range")
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.tick_params(axis="y", length=0)


def _words(shown: dict[str, pd.DataFrame], scope: Scope) -> str:
    amount = scope.display.amount
    texts = []
    for name, table in shown.items():
        column, head = _HEADS[name]
        parts = [
            f"{row[column]} {amount(row['gap_year_amount'])} ({amount(row['gap_year_low_amount'])} "
            f"to {amount(row['gap_year_high_amount'])})"
            for row in table.to_dict("records")
        ]
        texts.append(f"{head}: {', '.join(parts)}")
    return "; ".join(texts) + "."
