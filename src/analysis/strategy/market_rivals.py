"""How strong is each company of a region? Attraction from coverage, prices and people."""

import numpy as np
import pandas as pd

from analysis.strategy.market_options import MarketOptions

_Z90 = 1.2816
_MOST_PRICE_INDEX = 5.0  # above it somebody has written per cent
KEYS = ["region_id", "competitor"]
_COLUMNS = {"coverage": "coverage_share", "price": "price_index", "reps": "reps_count"}

Floats = np.ndarray


def known_rivals(
    market_competitors: pd.DataFrame | None, as_of: pd.Timestamp
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the companies of each region as last known at the end of `as_of`, and what is wrong.

    A region of which a row is wrong is left out as a whole: a share of all needs all. The second
    table has region_id, product_category (empty) and problem.
    """
    columns = ["region_id", "product_category", "problem"]
    if market_competitors is None:
        return pd.DataFrame(columns=[*KEYS, "is_own"]), pd.DataFrame(columns=columns)
    seen = market_competitors[market_competitors["known_on"] <= as_of]
    last = seen.sort_values([*KEYS, "known_on"], kind="stable").drop_duplicates(KEYS, keep="last")
    problems = []
    for region, rows in last.groupby("region_id", sort=True):
        if sentence := _problem(rows):
            problems.append((region, "", f"{sentence}; its competitors are not used"))
    wrong = pd.DataFrame(problems, columns=columns)
    kept = last[~last["region_id"].isin(wrong["region_id"])]
    own = kept["is_own"].fillna(False).astype(bool)
    order = kept.assign(is_own=own).sort_values(
        ["region_id", "is_own", "competitor"], ascending=[True, False, True]
    )
    return order.reset_index(drop=True), wrong


def _problem(rows: pd.DataFrame) -> str:
    own = int(rows["is_own"].fillna(False).astype(bool).sum())
    if own != 1:
        return f"{own} rows say is_own, one row is ours"
    coverage, price, reps = (_numbers(rows, name) for name in _COLUMNS.values())
    if (coverage > 1).any():
        return f"coverage_share of {np.nanmax(coverage):g}: a share is 0 to 1, not per cent"
    if (price > _MOST_PRICE_INDEX).any():
        return f"price_index of {np.nanmax(price):g}: 1 is the usual price, not 100"
    for name, values in zip(_COLUMNS.values(), (coverage, price, reps), strict=True):
        if (values < 0).any() or (name == "price_index" and (values == 0).any()):
            return f"{name} of {np.nanmin(values):g} cannot be"
    return ""


def _numbers(rows: pd.DataFrame, name: str) -> Floats:
    if name not in rows:
        return np.full(len(rows), np.nan)
    return rows[name].astype(float).to_numpy(float, na_value=np.nan)


def strengths(rows: pd.DataFrame, competitors: float, options: MarketOptions) -> Floats:
    """Return draws of each company's attraction, ours first: a row per company, a column per draw.

    Log-linear in coverage (or sites), price index and people (Bell, Keeney, Little 1975), each over
    the geometric mean of those known, with elasticities drawn from their ranges; 0 counts as half
    of the smallest. What is not known of a company is taken as average. Competitors whom
    `competitors` counts and nobody named are as strong as the average of those named.
    """
    # Apart from the draws of the market, of luck (1) and of the ceiling (3).
    generator = np.random.default_rng(options.seed + 2)
    logs = np.zeros((len(rows), options.draws))
    for name, column in _COLUMNS.items():
        values = _numbers(rows, column)
        if name == "coverage" and np.isnan(values).any():
            sites = _numbers(rows, "site_count")
            values = values if np.isnan(sites).any() else sites
        ends = (getattr(options, f"{name}_elasticity_{end}") for end in ("low", "high"))
        logs += _relative(values)[:, None] * _elasticity(*ends, options.draws, generator)
    attraction = np.exp(logs)
    missing = int(competitors) - (len(rows) - 1) if np.isfinite(competitors) else 0
    if missing <= 0:
        return attraction
    named = attraction[1:] if len(rows) > 1 else attraction
    return np.vstack([attraction, np.repeat(named.mean(axis=0)[None], missing, axis=0)])


def _elasticity(low: float, high: float, draws: int, generator: np.random.Generator) -> Floats:
    spread = (high - low) / 2 / _Z90
    return (low + high) / 2 + spread * generator.standard_normal(draws)


def _relative(values: Floats) -> Floats:
    """Logs over their mean; 0 where a value is missing or nothing is known."""
    positive = values[values > 0]
    if not len(positive):
        return np.zeros(len(values))
    logs = np.log(np.where(values > 0, values, positive.min() / 2))
    known = ~np.isnan(values)
    return np.where(known, logs - logs[known].mean(), 0.0)
