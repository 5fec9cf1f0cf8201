"""The pictures of the pipeline forecast: the fan beside what came, and the waterfall."""

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, FAN, INK, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.scope import Scope
from analysis.sales.pipeline_backtest import MODELS
from analysis.sales.pipeline_origins import Forecast
from analysis.sales.pipeline_waterfall import END, SIGNS, START, WON

_LEVELS = ((0.025, 0.975, 0.35), (0.1, 0.9, 0.6), (0.25, 0.75, 1.0))


def fan_chart(past: pd.DataFrame, now: Forecast, scope: Scope) -> Chart:
    """Draw won value by quarter, what would have been forecast of each, and the next one's fan."""
    amount = scope.display.amount
    figure, axes = new_axes(height=3.4)
    count = len(past)
    if count:
        places = np.arange(count)
        ends = [past["forecast_low_amount"], past["forecast_high_amount"]]
        axes.vlines(places, *ends, color=FAN, linewidth=9)
        axes.plot(places, past["median_amount"], "_", color=ACCENT, markersize=11)
        axes.plot(places, past["actual_amount"], "o-", color=INK, markersize=4.5, linewidth=1)
        if past["stage_due_amount"].notna().any():
            axes.plot(places, past["stage_due_amount"], "x", color=SERIES[4], markersize=6)
    draws = now.draws.total
    for low, high, strength in _LEVELS:
        ends = np.quantile(draws, [low, high])
        axes.vlines(count, *ends, color=ACCENT, linewidth=13, alpha=0.35 * strength)
    middle = float(np.median(draws))
    axes.plot(count, middle, "_", color=INK, markersize=13)
    if np.isfinite(now.simple["stage_due"]):
        axes.plot(count, now.simple["stage_due"], "x", color=SERIES[4], markersize=6)
    axes.text(count + 0.22, middle, amount(middle), color=INK, va="center", fontsize=9)
    names = past["period"].tolist() if count else []
    axes.set_xticks(range(count + 1), [*names, now.ahead.words])
    axes.set_xlim(-0.6, count + 0.9)
    axes.set_ylim(bottom=0)
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    axes.set_xlabel(
        "Bar: 80 % range said before the quarter; line and dots: what was won; cross: "
        + MODELS["stage_due"],
        fontsize=8.5,
    )
    return chart(
        figure,
        "pipeline-forecast",
        title=f"Won value: what was said before each quarter, what came, and {now.ahead.words}",
        alternative_text=_fan_text(past, now, scope),
    )


def _fan_text(past: pd.DataFrame, now: Forecast, scope: Scope) -> str:
    amount = scope.display.amount
    low, middle, high = np.quantile(now.draws.total, [0.1, 0.5, 0.9])
    texts = [
        f"{row.period}: said {amount(row.forecast_low_amount)} to "
        f"{amount(row.forecast_high_amount)}, came {amount(row.actual_amount)}"
        for row in past.itertuples()
    ]
    ahead = f"{now.ahead.words}: {amount(low)} to {amount(high)}, middle {amount(middle)}"
    return "; ".join([*texts, ahead]) + "."


def waterfall_chart(steps: pd.DataFrame, since: str, scope: Scope) -> Chart:
    """Draw the steps of the waterfall, ends as whole bars, changes where they begin."""
    amount = scope.display.amount
    figure, axes = new_axes(height=3.0)
    level = 0.0
    for place, row in enumerate(steps.itertuples()):
        change = SIGNS[row.step] * row.step_amount
        is_end = row.step in (START, END)
        bottom = 0.0 if is_end else min(level, level + change)
        is_good = change >= 0 or row.step == WON
        colour = ACCENT if is_end else SERIES[1] if is_good else SERIES[4]
        axes.bar(place, row.step_amount, bottom=bottom, color=colour, width=0.62)
        level = row.step_amount if is_end else level + change
        axes.text(
            place,
            bottom + row.step_amount,
            amount(row.step_amount),
            ha="center",
            va="bottom",
            color=SOFT,
            fontsize=8,
        )
    axes.set_xticks(range(len(steps)), [name.replace(" ", "\n", 1) for name in steps["step_name"]])
    axes.tick_params(axis="x", length=0, labelsize=8)
    axes.yaxis.set_major_formatter(lambda value, _: amount(value))
    texts = [f"{row.step_name} {amount(row.step_amount)}" for row in steps.itertuples()]
    return chart(
        figure,
        "pipeline-waterfall",
        title=f"How the pipeline moved since {since}",
        alternative_text="; ".join(texts) + ".",
    )
