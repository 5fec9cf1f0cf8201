"""The picture of the chapter on targets: from the year before to now, factor by factor."""

import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, SERIES, Chart, chart, new_axes
from analysis.core.scope import Scope


def tree_chart(tree: pd.DataFrame, quarters: pd.Series, scope: Scope) -> Chart:
    """Draw the bridge between two years: parts of the change by factor; they sum."""
    amount = scope.display.amount
    before, now = float(quarters.iloc[-8:-4].sum()), float(quarters.iloc[-4:].sum())
    parts = tree[tree["factor"] != "margin"]
    labels = ["Four quarters before", *parts["name"].str.capitalize(), "Last four quarters"]
    changes = parts["revenue_part_amount"].astype(float).tolist()
    figure, axes = new_axes(height=2.9)
    axes.bar([0, len(labels) - 1], [before, now], color=[FAN, ACCENT], width=0.6)
    level = before
    for place, change in enumerate(changes, 1):
        axes.bar(place, change, bottom=level, width=0.6, color=SERIES[1 if change >= 0 else 4])
        level += change
    tops = [before, *_tops(before, changes), now]
    texts = [amount(before), *(amount(change) for change in changes), amount(now)]
    for place, (top, text) in enumerate(zip(tops, texts, strict=True)):
        axes.annotate(
            text, (place, top), (0, 3), textcoords="offset points", ha="center", color=INK
        )
    floor = min([before, now, *tops]) * 0.9
    axes.set_ylim(max(0.0, floor - abs(now - before)), max(tops) * 1.06)
    axes.set_xticks(range(len(labels)), [_two_lines(label) for label in labels])
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    named = "; ".join(f"{n} {amount(c)}" for n, c in zip(parts["name"], changes, strict=True))
    return chart(
        figure,
        "target-tree",
        title=f"What the change of a year's revenue is made of ({scope.display.currency})",
        alternative_text=f"{amount(before)} before, {amount(now)} now: {named}.",
    )


def _two_lines(label: str) -> str:
    """Break a label near its middle, at a space."""
    spaces = [place for place, letter in enumerate(label) if letter == " "]
    if not spaces:
        return label
    middle = min(spaces, key=lambda place: abs(place - len(label) / 2))
    return f"{label[:middle]}\n{label[middle + 1 :]}"


def _tops(start: float, changes: list[float]) -> list[float]:
    tops, level = [], start
    for change in changes:
        tops.append(max(level, level + change))
        level += change
    return tops
