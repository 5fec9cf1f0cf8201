"""Which forecast would have been best at earlier quarter ends, and is the lead more than chance?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.figures import ACCENT, RULE, SERIES, SOFT, Chart, chart, new_axes
from analysis.core.problems import InputError, Problem
from analysis.core.scope import Scope
from analysis.customers.growth_backtest import (
    OUR_MODEL,
    REPEATS_MODEL,
    Rivals,
    backtest_table,
    candidates,
)
from analysis.customers.growth_forecast import Forecast, forecast_all
from analysis.customers.growth_grades import MEASURES, bootstrap_differences
from analysis.customers.growth_hurdle import hurdle
from analysis.customers.growth_known import Beside, Facts, known_facts
from analysis.customers.growth_level import daily_sales
from analysis.customers.growth_origins import Origin, known_origins

_FEWEST_DAYS = 270  # three quarters of history, before a forecast is scored
_KIND = "sales"
HURDLE_MODEL = "hurdle of two trees, total as ours"
MEAN_MODEL = "mean of models, trees and hurdle"

Floats = np.ndarray


@dataclass(frozen=True)
class CompareOptions:
    """Choices of the comparison."""

    history_quarters: int = 12  # earlier quarter ends to learn from
    shock_share: float = 0.25  # assumed error of a quarter's total before there is experience
    customer_count: int = 0  # random customers to score; 0 is all
    draws: int = 400  # of the bootstrap
    seed: int = 0  # of the sample and of the bootstrap


@dataclass(frozen=True)
class Comparison:
    """Sales before returns: per origin and model, their means, differences to a usual model.

    `by_origin` is `backtest_table` of scored origins; `means` has a row per model (mean over its
    origins, total errors without sign); `differences` is `bootstrap_differences` against BG/NBD
    with the amounts of repeat orders.
    """

    by_origin: pd.DataFrame
    means: pd.DataFrame
    differences: pd.DataFrame


def compare(
    backtest_origins: pd.DataFrame,
    company_days: pd.DataFrame,
    beside: Beside | None = None,
    *,
    scope: Scope,
    options: CompareOptions | None = None,
) -> Comparison:
    """Forecast at every earlier quarter end with what was over by then, by every model, and grade.

    Scored are quarter ends with three quarters of history; InputError without one. Learnt is from
    all earlier quarter and month ends, and from what `beside` knew in advance at each.
    """
    options = options or CompareOptions()
    history = backtest_origins.sort_values(["origin", "customer_id"], ignore_index=True)
    daily = daily_sales(company_days)
    if options.customer_count:
        known = np.sort(history["customer_id"].unique())
        chosen = _chosen(known, options)
        history = history[history["customer_id"].isin(chosen)]
        daily = daily * len(chosen) / len(known)
    as_of = pd.Timestamp(scope.as_of)
    learnt = known_origins(history, as_of, scope.calendar, options.history_quarters)
    origins = [origin for origin in learnt if origin.is_quarter]
    facts = known_facts(learnt, beside or Beside())
    forecasts = forecast_all(learnt, origins, daily, options.shock_share, facts)
    scored = [n for n, origin in enumerate(origins) if n and origin.history_days >= _FEWEST_DAYS]
    if not scored:
        raise _too_short(len(origins))
    rivals = _rivals(learnt, [(origins[n], forecasts[n]) for n in scored], facts)
    return _graded(origins, forecasts, rivals, scored, scope, options)


def _rivals(
    learnt: list[Origin], scored: list[tuple[Origin, Forecast]], facts: Facts
) -> dict[str, dict[str, Floats]]:
    """Return what is only graded: two trees instead of one, and the mean of all kinds of models."""
    found: dict[str, dict[str, Floats]] = {}
    for now, forecast in scored:
        before = [o for o in learnt if o.known_on <= now.ends_on and o.sales.sum() > 0]
        made = hurdle(before, now, facts, forecast.level.total)
        if made is not None:
            together = (forecast.base + forecast.trees + made) / 3
            found[now.name] = {HURDLE_MODEL: made, MEAN_MODEL: together}
    return found


def _chosen(known: np.ndarray, options: CompareOptions) -> np.ndarray:
    count = min(options.customer_count, len(known))
    return np.random.default_rng(options.seed).choice(known, count, replace=False)


def _too_short(quarters: int) -> InputError:
    found = f"{quarters} usable quarter end(s), none with three quarters of history before it"
    expected = "a year of data, in which customers bought again"
    return InputError(Problem("back-test", found, expected, "load a longer export"))


def _graded(
    origins: list[Origin],
    forecasts: list[Forecast],
    rivals: Rivals,
    scored: list[int],
    scope: Scope,
    options: CompareOptions,
) -> Comparison:
    targets = [scope.calendar.shift(scope.calendar.parse(o.name), 1).name for o in origins]
    table = backtest_table(origins, forecasts, targets, rivals)
    names = [origins[number].name for number in scored]
    rows = table[table["origin"].isin(names) & (table["amount_kind"] == _KIND)]
    rows = rows.assign(absolute_total_error_share=rows["total_error_share"].abs())
    measures = [c for c in rows.columns if c.endswith(("_share", "_gini")) or c in _AMOUNTS]
    means = rows.groupby("model", sort=False)[measures].mean()
    counts = rows.groupby("model", sort=False).size().rename("origin_count")
    by_model = [
        {name: kinds[_KIND] for name, kinds in candidates(o, f, rivals).items()}
        for o, f in ((origins[n], forecasts[n]) for n in scored)
    ]
    differences = bootstrap_differences(
        [origins[n].table["customer_id"] for n in scored],
        [origins[n].sales for n in scored],
        by_model,
        REPEATS_MODEL,
        options.draws,
        options.seed,
    )
    return Comparison(rows.reset_index(drop=True), means.join(counts).reset_index(), differences)


_AMOUNTS = ("rmse_amount", "interval_score_amount")


def comparison_chart(comparison: Comparison) -> Chart:
    """Draw how much better each model ranks customers than the usual one, with its 90 % range."""
    figure, axes = new_axes(height=3.4)
    gains = comparison.differences.query("measure == 'normalised_gini'").iloc[::-1]
    places = np.arange(len(gains))
    colours = [ACCENT if model == OUR_MODEL else SERIES[3] for model in gains["model"]]
    axes.hlines(places, gains["low"], gains["high"], color=colours, linewidth=2)
    axes.scatter(gains["difference"], places, color=colours, s=36, zorder=3)
    axes.axvline(0, color=SOFT, linewidth=1)
    axes.set_yticks(places, gains["model"])
    axes.set_xlabel(f"Normalised Gini less that of {REPEATS_MODEL} (right is better)")
    axes.grid(axis="x", color=RULE)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
    listed = "; ".join(
        f"{row.model} {row.difference:+.3f} ({row.low:+.3f} to {row.high:+.3f})"
        for row in gains.iloc[::-1].itertuples()
    )
    origins = comparison.by_origin["origin"].nunique()
    return chart(
        figure,
        "backtest",
        title=f"Ranking of customers by their next quarter, mean of {origins} quarter ends",
        alternative_text=f"Gain in normalised Gini over {REPEATS_MODEL}, 90 % range: {listed}.",
    )


def comparison_text(comparison: Comparison) -> str:
    """Return the means, our model by origin, and the differences as plain tables."""
    means = comparison.means.set_index("model")
    ours = comparison.by_origin[comparison.by_origin["model"] == OUR_MODEL].set_index("period")
    table = comparison.differences
    shown = table.assign(
        text=[f"{d:+.3f} [{a:+.3f}, {b:+.3f}]" for d, a, b in table[list(_BOUNDS)].to_numpy()]
    )
    wide = shown.pivot(index="model", columns="measure", values="text")[list(MEASURES)]
    parts = (
        ("Mean over origins, sales before returns", means[[*MEASURES, "origin_count"]]),
        ("This forecast by quarter", ours[_BY_QUARTER]),
        (f"Difference to {REPEATS_MODEL}, 90 % range", wide.reindex(means.index).dropna()),
    )
    return "\n\n".join(f"{title}\n{part.round(3).to_string()}" for title, part in parts)


_BOUNDS = ("difference", "low", "high")
_BY_QUARTER = [
    "customer_count",
    "normalised_gini",
    "rmse_amount",
    "decile_error_share",
    "total_error_share",
    "largest_five_error_share",
    "interval_share",
    "lowest_decile_interval_share",
    "highest_decile_interval_share",
    "interval_score_amount",
]
