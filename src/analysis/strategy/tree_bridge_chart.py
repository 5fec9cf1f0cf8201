"""The picture worth a slide: from the present rate to the target, lever by lever."""

import pandas as pd
from matplotlib.axes import Axes

from analysis.core.figures import ACCENT, FAN, INK, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope

_ROW_HEIGHT = 0.4
_ENDS = ("rate", "together", "target")


def lever_bridge_chart(bridge: pd.DataFrame, scope: Scope) -> Chart:
    """Draw the bridge as a waterfall of rows, top to bottom; thin lines are 80 % ranges."""
    shown = bridge[(bridge["part_amount"].abs() >= 0.5) | bridge["step"].isin(_ENDS)]
    shown = shown.reset_index(drop=True)
    amount = scope.display.amount
    figure, axes = new_axes(height=0.7 + _ROW_HEIGHT * len(shown))
    places, reach = _bars(axes, shown)
    for place, (row, (_, right)) in enumerate(zip(shown.itertuples(), places, strict=True)):
        is_more = row.step == "open" and row.part_amount < 0
        text = amount(-row.part_amount if is_more else row.part_amount)
        is_plus = is_more or (row.step not in (*_ENDS, "open") and row.part_amount > 0)
        ends = [right, reach[place]]
        axes.annotate(
            f"+{text}" if is_plus else text,
            (max(ends), place),
            (5, 0),
            textcoords="offset points",
            va="center",
            color=INK,
        )
    target = bridge.loc[bridge["step"] == "target", "part_amount"]
    if len(target):
        axes.axvline(float(target.iloc[0]), color=SOFT, linewidth=0.9, linestyle=(0, (3, 3)))
    _finish(axes, shown, places, reach, scope)
    return chart(
        figure,
        "target-bridge",
        title=f"{scope.next_period}: from the present rate to the target, lever by lever "
        f"({scope.display.currency}; thin lines: 80 % ranges)",
        alternative_text=_words(bridge, scope),
    )


def _bars(axes: Axes, shown: pd.DataFrame) -> tuple[list[tuple[float, float]], list[float]]:
    """Draw the bars; return their ends and how far each range reaches."""
    level, places, reach = 0.0, [], []
    for place, row in enumerate(shown.itertuples()):
        value = float(row.part_amount)
        is_end = row.step in _ENDS
        start = 0.0 if is_end else (level if row.step != "open" else level - value)
        left, right = sorted((start, start + value))
        axes.barh(place, right - left, left=left, height=0.58, color=_colour(row.step, value))
        far = right
        # The range of what stays open is that of all levers together, drawn there.
        if row.part_low_amount == row.part_low_amount and row.step != "open":
            ends = [start + row.part_low_amount, start + row.part_high_amount]
            axes.plot(ends, [place, place], color=INK, linewidth=1.1)
            far = max(far, *ends)
        level = value if is_end else start + value
        places.append((left, right))
        reach.append(far)
    return places, reach


def _colour(step: str, value: float) -> str:
    fixed = {"rate": FAN, "together": ACCENT, "target": SERIES[3], "open": SERIES[2]}
    if step == "open" and value < 0:
        return SERIES[1]
    return fixed.get(step, SERIES[1] if value >= 0 else SERIES[4])


def _finish(
    axes: Axes,
    shown: pd.DataFrame,
    places: list[tuple[float, float]],
    reach: list[float],
    scope: Scope,
) -> None:
    names = [
        "More than the target" if row.step == "open" and row.part_amount < 0 else row.name_
        for row in shown.rename(columns={"name": "name_"}).itertuples()
    ]
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    # Bars that float need no zero; the ends would dwarf the levers on an axis from nothing.
    inner = [
        left for (left, _), step in zip(places, shown["step"], strict=True) if step not in _ENDS
    ]
    lows = shown.loc[shown["step"].isin(_ENDS), ["part_amount", "part_low_amount"]].min().min()
    floor = min([*inner, float(lows)])
    top = max(max(reach), floor + 1.0)
    axes.set_xlim(max(0.0, floor - 0.25 * (top - floor)), top + 0.16 * (top - floor))
    axes.xaxis.set_major_formatter(lambda value, _: scope.display.amount(value))
    axes.set_xlabel(f"The axis begins at {scope.display.amount(axes.get_xlim()[0])}")
    axes.locator_params(axis="x", nbins=5)
    axes.grid(visible=True, axis="x", color=RULE, linewidth=0.6)
    axes.set_axisbelow(True)
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.tick_params(length=0)
    axes.tick_params(axis="y", labelcolor=INK)


def _words(bridge: pd.DataFrame, scope: Scope) -> str:
    amount = scope.display.amount
    texts = [
        f"{row.name_} {amount(row.part_amount)}"
        for row in bridge.rename(columns={"name": "name_"}).itertuples()
    ]
    return "; ".join(texts) + "."
