"""Targets of share, revenue and profitability: where each stands, and with which chance it is met.

Metrics that a target of the company may have (docs/targets.md says the same):

| metric | meaning |
| --- | --- |
| revenue_amount | revenue of the days named |
| margin_amount | revenue less cost of these days |
| margin_share | margin / revenue of these days |
| market_share | revenue of the four quarters to the last day / what the market spends in a year |
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

from analysis.core.scope import Scope
from analysis.core.statistics import chance_above
from analysis.strategy.tree_draws import Floats, lognormal_draws, range_of
from analysis.strategy.tree_gap import present_growth

METRICS = {
    "revenue_amount": "revenue",
    "margin_amount": "margin",
    "margin_share": "margin share",
    "market_share": "market share",
}
_DRAWS = 4000
_YEAR = 4
_FEWEST_ERRORS = 6  # earlier quarters that a spread of the margin share is read from
_COLUMNS = ["metric", "name", "unit", "period", "target", "reached", "now", "rate", "forecast"]
_COLUMNS += ["forecast_low", "forecast_high", "gap_now", "gap_rate", "gap_forecast"]
_COLUMNS += ["chance_share", "chance_how"]
_NOT_KNOWN = "cannot conclude"


@dataclass(frozen=True)
class Known:
    """What is known of the company: series by quarter name to the period, and what lies ahead.

    `margins` is missing where a cost is. The forecasts have middle, low and high of the whole
    company's revenue of the next quarter and the next four; `share` is our part of the market as
    the chapter on the market states it.
    """

    quarters: pd.Series
    margins: pd.Series
    forecast_quarter: dict[str, float] | None = None
    forecast_year: dict[str, float] | None = None
    share: dict[str, float] | None = None


def unknown_metrics(known: pd.DataFrame) -> list[str]:
    """Return the names of metrics of the company's targets that are not followed here."""
    return sorted(set(known["metric"].dropna().astype(str)) - set(METRICS))


def goal_table(targets: pd.DataFrame, known: Known, scope: Scope, seed: int = 0) -> pd.DataFrame:
    """Return one row per metric and target of the company that is running or comes next.

    Columns: metric; name; unit (amount or share); period; target; reached (of a running period so
    far); now (the last whole period of this length; for shares the last four quarters); rate (at
    the present rate: what is reached, and the quarters of a year before x growth; for the margin
    share the last four quarters); forecast with low and high (80 %); gap_now, gap_rate,
    gap_forecast (target less these); chance_share (that the target is reached) and chance_how
    (where the chance comes from, or why nobody can tell).
    """
    rows = []
    for target in targets[targets["metric"].isin(list(METRICS))].itertuples():
        names = _quarters_of(target.starts_on, target.ends_on, scope)
        ahead = [name for name in names if name > _closing(scope)]
        within = _quarters_ahead(scope)
        if not ahead or ahead != within[: len(ahead)]:
            continue
        row = _row(target.metric, float(target.value), names, ahead, known, seed)
        rows.append({"metric": target.metric, "period": _span(names, scope), **row})
    order = {name: place for place, name in enumerate(METRICS)}
    table = pd.DataFrame(rows, columns=_COLUMNS)
    table = table.assign(
        name=table["metric"].map(METRICS),
        unit=np.where(table["metric"].str.endswith("share"), "share", "amount"),
        place=table["metric"].map(order),
    )
    return table.sort_values(["place", "period"], ignore_index=True).drop(columns="place")


def _closing(scope: Scope) -> str:
    return scope.closing_quarter.period.name


def _quarters_ahead(scope: Scope) -> list[str]:
    last = scope.closing_quarter.period
    return [scope.calendar.shift(last, step).name for step in range(1, _YEAR + 1)]


def _quarters_of(starts_on: pd.Timestamp, ends_on: pd.Timestamp, scope: Scope) -> list[str]:
    """Names of the quarters from one day to another; none when they are not whole."""
    first, last = starts_on.date(), ends_on.date()
    if last < first:
        return []
    found = scope.calendar.between(first, last, "quarterly")
    is_whole = found[0].starts_on == first and found[-1].last_day == last
    return [quarter.name for quarter in found] if is_whole else []


def _span(names: list[str], scope: Scope) -> str:
    if len(names) == 1:
        return names[0]
    first = scope.calendar.parse(names[0])
    year = scope.calendar.containing(first.starts_on, "annual")
    is_year = len(names) == _YEAR and first.starts_on == year.starts_on
    return year.name if is_year else f"{names[0]} to {names[-1]}"


def _row(
    metric: str, target: float, names: list[str], ahead: list[str], known: Known, seed: int
) -> dict:
    """One target held against what was, the present rate and the forecast."""
    make = {
        "revenue_amount": _revenue,
        "margin_amount": _margin,
        "margin_share": _margin_share,
        "market_share": _market,
    }[metric]
    reached, now, rate, draws, how = make(names, ahead, known, np.random.default_rng(seed))
    points = {} if draws is None else range_of(draws)
    chance = float("nan") if draws is None else float((draws >= target).mean())
    if metric == "revenue_amount" and draws is not None and len(ahead) in (1, _YEAR):
        # Nothing is to be drawn: the forecast itself says it, as in the table of gaps.
        ahead_points = known.forecast_quarter if len(ahead) == 1 else known.forecast_year
        points = {key: reached + value for key, value in ahead_points.items()}
        ends = [ahead_points[key] for key in ("middle", "low", "high")]
        chance = chance_above(target - reached, *ends)
    middle = points.get("middle", float("nan"))
    return {
        "target": target,
        "reached": reached,
        "now": now,
        "rate": rate,
        "forecast": middle,
        "forecast_low": points.get("low", float("nan")),
        "forecast_high": points.get("high", float("nan")),
        "gap_now": target - now,
        "gap_rate": target - rate,
        "gap_forecast": target - middle,
        "chance_share": chance,
        "chance_how": how,
    }


def _done(names: list[str], ahead: list[str], series: pd.Series) -> float:
    """Sum of the quarters of a span that are over; 0 when none is, missing where one is."""
    over = [name for name in names if name not in ahead]
    return float(series.reindex(over).sum(skipna=False)) if over else 0.0


def _rates(ahead: list[str], series: pd.Series) -> Floats:
    """Each coming quarter at the present rate: a year before x growth."""
    before = [f"{int(name[:4]) - 1}{name[4:]}" for name in ahead]
    return series.reindex(before).to_numpy(float) * present_growth(series)


def _revenue_ahead(
    ahead: list[str], known: Known, generator: np.random.Generator
) -> tuple[Floats | None, str]:
    """Draws of the revenue of coming quarters, from the forecast of one and of four quarters."""
    quarter, year = known.forecast_quarter, known.forecast_year
    if quarter is None:
        return None, f"{_NOT_KNOWN}: there is no forecast of the whole company"
    if len(ahead) == 1:
        draws = lognormal_draws(quarter, generator, _DRAWS)
        how = "the forecast's 80 % range"
    elif year is None:
        return None, f"{_NOT_KNOWN}: there is no forecast of the next four quarters"
    else:
        following = _following(ahead[0])
        weights = _rates(following, known.quarters)
        if not np.isfinite(weights).all() or weights[1:].sum() <= 0:
            return None, f"{_NOT_KNOWN}: the season of the coming quarters is not known"
        part = 1.0 if len(ahead) == _YEAR else weights[1 : len(ahead)].sum() / weights[1:].sum()
        # The later quarters have what the year has beside the next one, shared out by season.
        points = {key: quarter[key] + part * (year[key] - quarter[key]) for key in quarter}
        draws = lognormal_draws(points, generator, _DRAWS)
        how = "the forecast of quarter and year, by season"
    return draws, how if draws is not None else f"{_NOT_KNOWN}: the forecast has no range"


def _following(first: str) -> list[str]:
    year, number = int(first[:4]), int(first[5])
    return [f"{year + (number - 1 + n) // 4}Q{(number - 1 + n) % 4 + 1}" for n in range(_YEAR)]


def _revenue(
    names: list[str], ahead: list[str], known: Known, generator: np.random.Generator
) -> tuple[float, float, float, Floats | None, str]:
    done = _done(names, ahead, known.quarters)
    draws, how = _revenue_ahead(ahead, known, generator)
    now = _last(known.quarters, len(names))
    rate = done + float(_rates(ahead, known.quarters).sum())
    return done, now, rate, None if draws is None else done + draws, how


def _last(series: pd.Series, count: int) -> float:
    return float(series.iloc[-count:].sum(skipna=False)) if len(series) >= count else float("nan")


def _margin_shares(known: Known) -> tuple[float, float, int]:
    """Margin share of the last four quarters, how far a quarter lies from it, and of how many."""
    revenue = known.quarters.reindex(known.margins.index)
    shares = (known.margins / revenue.where(revenue > 0)).to_numpy(float)
    sums = [_last(series.iloc[-_YEAR:], _YEAR) for series in (known.margins, revenue)]
    now = sums[0] / sums[1] if sums[1] > 0 else float("nan")
    means = np.array([shares[i - _YEAR : i].mean() for i in range(_YEAR, len(shares))])
    errors = (shares[_YEAR:] - means)[np.isfinite(means)] if len(means) else np.array([])
    errors = errors[np.isfinite(errors)]
    spread = float(np.sqrt((errors**2).mean())) if len(errors) else float("nan")
    return now, spread, len(errors)


def _share_draws(known: Known, generator: np.random.Generator) -> tuple[float, Floats | None, str]:
    now, spread, count = _margin_shares(known)
    if not np.isfinite(now):
        return now, None, f"{_NOT_KNOWN}: costs of the last four quarters are not all known"
    if count < _FEWEST_ERRORS or not spread > 0:
        said = f"{_NOT_KNOWN}: the margin share of too few quarters is known to tell its spread"
        return now, None, said
    draws = now + spread * student.rvs(count, size=_DRAWS, random_state=generator)
    return now, draws, f"how far {count} quarters lay from the four before"


def _margin(
    names: list[str], ahead: list[str], known: Known, generator: np.random.Generator
) -> tuple[float, float, float, Floats | None, str]:
    done = _done(names, ahead, known.margins)
    share, shares, how = _share_draws(known, generator)
    rate = done + float(_rates(ahead, known.quarters).sum()) * share
    now = _last(known.margins, len(names))
    revenue, revenue_how = _revenue_ahead(ahead, known, generator)
    if shares is None or revenue is None:
        return done, now, rate, None, how if shares is None else revenue_how
    return done, now, rate, done + revenue * shares, f"{revenue_how}, and {how}"


def _margin_share(
    names: list[str], ahead: list[str], known: Known, generator: np.random.Generator
) -> tuple[float, float, float, Floats | None, str]:
    over = _done(names, ahead, known.quarters), _done(names, ahead, known.margins)
    reached = over[1] / over[0] if over[0] > 0 else float("nan")
    now, shares, how = _share_draws(known, generator)
    coming = float(_rates(ahead, known.quarters).sum())
    total = over[0] + coming
    rate = (over[1] + coming * now) / total if total > 0 else float("nan")
    if shares is None or not np.isfinite(rate):
        return reached, now, rate, None, how
    weight = coming / total
    return reached, now, rate, (1 - weight) * (reached if over[0] else 0.0) + weight * shares, how


def _market(
    names: list[str], ahead: list[str], known: Known, generator: np.random.Generator
) -> tuple[float, float, float, Floats | None, str]:
    nothing = float("nan")
    if known.share is None:
        how = f"{_NOT_KNOWN}: no outside number on the market (table market_potential)"
        return nothing, nothing, nothing, None, how
    year = _last(known.quarters, _YEAR)
    # The year that ends with the span: what is over of it, and the quarters ahead.
    to_end = _following(ahead[0])[: list(_following(ahead[0])).index(ahead[-1]) + 1]
    kept = float(known.quarters.iloc[-_YEAR:].iloc[len(to_end) :].sum())
    now = known.share["middle"]
    rate = now * (kept + float(_rates(to_end, known.quarters).sum())) / year
    revenue, how = _revenue_ahead(to_end, known, generator)
    shares = lognormal_draws(known.share, generator, _DRAWS)
    if revenue is None or shares is None:
        said = how if revenue is None else f"{_NOT_KNOWN}: the market's size has no range"
        return nothing, now, rate, None, said
    draws = np.minimum(shares * (kept + revenue) / year, 1.0)
    return nothing, now, rate, draws, f"the range of the market's size, and {how}"
