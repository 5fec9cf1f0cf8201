"""The gaps of customers added up by group, each sum with a range that respects what they share."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.strategy.base_potential_options import Base, BasePotentialOptions, Known
from analysis.strategy.base_potential_rows import category_rows, pooled
from analysis.strategy.base_potential_shocks import (
    Shock,
    Spread,
    company_errors,
    group_errors,
    learn_shock,
    sum_interval,
)

LEVELS = {"segments": "segment_name", "regions": "region_name", "categories": "product_category"}
_ROWS_FEW = 5  # customers with revenue and potential, below which no level error is reckoned

Floats = np.ndarray


@dataclass(frozen=True)
class Shared:
    """What customers' errors have in common: the company's level, a group's, the yardstick's."""

    company: Shock
    group: Shock
    yardstick: float  # deviation of the log of what peers reach, from how many customers exceed it


def shared_errors(
    rows: pd.DataFrame, base: Base, known: Known, options: BasePotentialOptions
) -> Shared:
    """Return the shared errors, from earlier quarter ends where there are any."""
    assumed = options.assumed_shock_share
    apart = group_errors(base.backtest_origins, "region_id", options.fewest_customers)
    company = learn_shock(*company_errors(known.backtest), assumed)
    return Shared(company, learn_shock(*apart, assumed), yardstick_error(rows, options))


def yardstick_error(rows: pd.DataFrame, options: BasePotentialOptions) -> float:
    """Return how far the level of the potential is uncertain, as a deviation of its log.

    The potential is a quantile. Chance moves the share of customers above it, and the quantile of
    revenue over potential tells which change of the level that would have been.
    """
    seen = rows[(rows["revenue_year_amount"] > 0) & (rows["potential_year_amount"] > 0)]
    if len(seen) < _ROWS_FEW:
        return options.assumed_shock_share
    ratio = np.log(seen["revenue_year_amount"] / seen["potential_year_amount"]).to_numpy()
    share = options.potential_share
    chance = np.sqrt(share * (1 - share) / len(seen))
    ends = np.quantile(ratio, [max(share - chance, 0), min(share + chance, 1)])
    return float(ends[1] - ends[0]) / 2


def group_tables(
    rows: pd.DataFrame, known: Known, shared: Shared, options: BasePotentialOptions
) -> dict[str, pd.DataFrame]:
    """Return the tables `total`, `segments`, `regions`, `categories`, most money first.

    Columns: the group's name; customer_count (with a gap); saturated_count (who buy what peers buy:
    they add exactly 0); gap_year_amount, to the cent, with gap_year_low_amount and
    gap_year_high_amount (80 %); gap_share (of the total). Groups of fewer than `fewest_customers`
    are one. Each table sums to the total.
    """
    is_open = rows["gap_cents"] > 0
    tables, groups = {}, []
    for name in ("segments", "regions"):
        column = LEVELS[name]
        parts = rows.assign(**{column: pooled(rows[column], is_open, options.fewest_customers)})
        tables[name], term = _table(parts, column, shared)
        groups.append(term)
    split = category_rows(rows, known.potential_categories)
    column = LEVELS["categories"]
    ones = pd.Series(1, index=split.index)
    split = split.assign(**{column: pooled(split[column], ones, options.fewest_customers)})
    tables["categories"], term = _table(_with_weights(split, rows), column, shared)
    groups.append(term)
    # The widest of the three ways to share errors: nobody knows which one is at work.
    return {"total": _total(rows, shared, max(groups))} | tables


def _with_weights(split: pd.DataFrame, rows: pd.DataFrame) -> pd.DataFrame:
    """Give each category its part of the customer's errors: they fall short in all together."""
    keys = ["customer_id", "product_category"]
    split = split.groupby(keys, as_index=False, sort=True)["gap_cents"].sum()
    errors = ["forecast_year_amount", "potential_year_amount", "own_amount"]
    whole = rows.set_index("customer_id")
    of = {n: split["customer_id"].map(whole[n]).astype(float) for n in ("gap_cents", *errors)}
    weight = split["gap_cents"] / of["gap_cents"]
    return split.assign(**{name: weight * of[name] for name in errors})


def _table(parts: pd.DataFrame, column: str, shared: Shared) -> tuple[pd.DataFrame, float]:
    made, moved = [], 0.0
    for name, part in parts.groupby(column, sort=True):
        amount = _forecast(part)
        moved += amount**2
        made.append({column: name} | _sums(part, shared, amount))
    columns = [column, *_COLUMNS]
    table = pd.DataFrame(made, columns=columns)
    whole = table["gap_year_amount"].sum()
    table = table.assign(gap_share=table["gap_year_amount"] / whole if whole > 0 else 0.0)
    order = ["gap_year_amount", column]
    return table.sort_values(order, ascending=[False, True], ignore_index=True), float(
        np.sqrt(moved)
    )


_COLUMNS = [
    "customer_count",
    "saturated_count",
    "gap_year_amount",
    "gap_year_low_amount",
    "gap_year_high_amount",
]


def _total(rows: pd.DataFrame, shared: Shared, moved: float) -> pd.DataFrame:
    names = ("forecast_year_amount", "potential_year_amount")
    sums = {name: float(np.rint(rows[name] * 100).sum()) / 100 for name in names}
    return pd.DataFrame([_sums(rows, shared, moved) | sums])


def _forecast(part: pd.DataFrame) -> float:
    return float(part.loc[part["gap_cents"] > 0, "forecast_year_amount"].sum())


def _sums(part: pd.DataFrame, shared: Shared, moved: float) -> dict[str, float]:
    has_gap = part["gap_cents"] > 0
    cents = int(part["gap_cents"].sum())
    peers = float(part.loc[has_gap, "potential_year_amount"].sum())
    spread = Spread(
        own=float(np.sqrt((part["own_amount"] ** 2).sum())),
        company=_forecast(part),
        group=moved,
        fixed=shared.yardstick * peers,
    )
    ends = sum_interval(cents / 100, spread, shared.company, shared.group) if cents else (0.0, 0.0)
    return dict(
        zip(
            _COLUMNS,
            (int(has_gap.sum()), int((~has_gap).sum()), cents / 100, *(round(e, 2) for e in ends)),
            strict=True,
        )
    )
