"""What will the sales department win next quarter, and how good were such forecasts before?"""

import numpy as np
import pandas as pd

from analysis.core.result import Number, Result
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import NO_DEALS, Tables
from analysis.sales.pipeline_backtest import (
    brier_table,
    coverage_table,
    deal_results,
    past_table,
    reliability_table,
    score_table,
)
from analysis.sales.pipeline_charts import fan_chart, waterfall_chart
from analysis.sales.pipeline_findings import Pages, caveats, decisions, definitions, findings
from analysis.sales.pipeline_grades import frozen_table, grade_table, own_rows
from analysis.sales.pipeline_layers import deal_table, layer_table
from analysis.sales.pipeline_leads import lead_table
from analysis.sales.pipeline_money import (
    OtherForecast,
    money_table,
    overlap,
    plans_with_orders,
)
from analysis.sales.pipeline_options import PipelineOptions
from analysis.sales.pipeline_origins import Forecast, History, forecasts, history_of
from analysis.sales.pipeline_snapshots import DAY
from analysis.sales.pipeline_waterfall import waterfall
from analysis.sales.selling_models import forecast_by_model

__all__ = ["OtherForecast", "PipelineOptions", "pipeline_forecast"]

NAME = "pipeline_forecast"
TITLE = "What the pipeline will bring"


def pipeline_forecast(
    tables: Tables,
    leads: pd.DataFrame | None = None,
    activities: pd.DataFrame | None = None,
    frozen: pd.DataFrame | None = None,
    other: OtherForecast | None = None,
    *,
    scope: Scope,
    options: PipelineOptions | None = None,
) -> Result:
    """Forecast won deals of the next quarter and the next four, and grade what was said before.

    `frozen` are rows of the ledger, as published by earlier runs; they are graded as they stand.
    `other` are the invoices and their forecast: where they are the won deals, `money` says which
    forecast is to be planned with.
    Tables of the Result: `layers`, `selling_models` (as of `forecast_by_model`), `deals`,
    `backtest`, `year_backtest`, `scores`, `coverage`, `reliability`, `brier`, `waterfall` (of all
    deals due by the end of the next quarter), `waterfall_due` (of those due by now), `leads`,
    `grades`, `money`, and `frozen` (what the run keeps). Where the period ends no
    quarter, the 13 weeks after it are forecast.
    """
    options = options or PipelineOptions()
    if tables.opportunities is None:
        return Result.nothing(NAME, TITLE, scope.period, NO_DEALS)
    created = tables.opportunities["created_at"]
    if not (created < pd.Timestamp(scope.as_of) + DAY).any():
        return Result.nothing(NAME, TITLE, scope.period, "No deal has been opened yet.")
    past_rows = own_rows(frozen)
    ends = [pd.Timestamp(day).date() for day in past_rows["ends_on"].unique()]
    days = [scope.previous_period.last_day, *ends]
    history = history_of(tables, activities, days, scope, options)
    quarters = forecasts(history, tables, 1, scope, options)
    if not quarters:
        return Result.nothing(NAME, TITLE, scope.period, _too_little(history, scope))
    years = forecasts(history, tables, 4, scope, options)
    now = [quarters[-1], *years[-1:]]
    other = other or OtherForecast()
    pages = _pages(history, quarters, (leads, past_rows, other), scope, options)
    since = scope.display.day(scope.previous_period.last_day)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(now[0], pages),
        findings=findings(now, pages, scope),
        decisions=decisions(now[0], scope),
        tables=_tables(now, pages, quarters[:-1], tables.reps)
        | {
            "selling_models": forecast_by_model(now[0], options),
            "year_backtest": past_table(years[:-1]),
        },
        charts={
            "forecast": fan_chart(pages.past, now[0], scope),
            "waterfall": waterfall_chart(pages.steps, since, scope),
        },
        caveats=caveats(now[0], tables, activities is not None, options, scope),
        definitions=definitions(options),
    )


def _pages(
    history: History,
    quarters: list[Forecast],
    beside: tuple[pd.DataFrame | None, pd.DataFrame, OtherForecast],
    scope: Scope,
    options: PipelineOptions,
) -> Pages:
    leads, past_rows, other = beside
    past, ahead = past_table(quarters[:-1]), quarters[-1].ahead
    before, last = history.states[scope.previous_period.last_day], history.states[scope.as_of]
    found = overlap(last, other.lines, scope)
    return Pages(
        overlap=found,
        money=money_table(found, quarters[-1].draws.total, past, other),
        past=past,
        scores=score_table(past),
        coverage=coverage_table(past),
        steps=waterfall(before, last, ahead.ends),
        due_steps=waterfall(before, last, ahead.starts),
        leads=lead_table(leads, last, ahead.starts, 3 * options.history_quarters),
        grades=grade_table(past_rows, history.states),
    )


def _tables(
    now: list[Forecast], pages: Pages, past: list[Forecast], reps: pd.DataFrame | None
) -> dict[str, pd.DataFrame]:
    results = deal_results(past)
    return {
        "layers": layer_table(now),
        "deals": deal_table(now[0], reps),
        "backtest": pages.past,
        "scores": pages.scores,
        "coverage": pages.coverage,
        "reliability": reliability_table(results),
        "brier": brier_table(results),
        "waterfall": pages.steps,
        "waterfall_due": pages.due_steps,
        "leads": pages.leads,
        "grades": pages.grades,
        "money": pages.money,
        "frozen": frozen_table(now),
    }


def _too_little(history: History, scope: Scope) -> str:
    closed = int((history.states[scope.as_of]["outcome"] != "open").sum())
    count = scope.display.count(closed)
    return f"{count} deals were won or lost, in too short a time to forecast the next ones."


def _headline(now: Forecast, pages: Pages) -> dict[str, Number]:
    draws = now.draws.total
    low, middle, high = (float(end) for end in np.quantile(draws, [0.1, 0.5, 0.9]))
    past = pages.past
    history = tuple(past["actual_amount"]) if len(past) else ()
    is_other = plans_with_orders(pages.money)
    weighted = now.simple["stage_due"]
    numbers = {
        "won_amount": Number(
            f"Won value expected, {now.ahead.words} (mean)",
            float(draws.mean()),
            "amount",
            low,
            high,
            before=now.simple["last"],
            year_before=now.simple["year_before"],
            history=history,
            note="the same money as the forecast from orders: plan with that" if is_other else "",
        ),
        "median_amount": Number("As likely more as less (median)", middle, "amount"),
        "open_amount": Number("From open deals (mean)", float(now.draws.opened.mean()), "amount"),
        "new_amount": Number(
            "From deals not opened yet (mean)", float(now.draws.new.mean()), "amount"
        ),
        "stage_weighted": Number("Stage-weighted, due in the period", weighted, "amount"),
    }
    return {name: number for name, number in numbers.items() if number.value == number.value}
