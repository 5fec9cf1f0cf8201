"""Each customer's gap in whole cents, by segment, region and category, so that every sum agrees."""

import numpy as np
import pandas as pd

from analysis.strategy.base_potential_options import Base, Known

OTHERS, NO_CATEGORY = "All others", "Not tied to a category"
NO_REGION, NO_SEGMENT = "Without a region", "Without a segment"
_INTERVAL_80 = 2.563  # deviations of a normal between its 10 and 90 % points

Floats = np.ndarray


def customer_rows(base: Base, known: Known) -> pd.DataFrame:
    """Return one row per customer with a potential, by customer.

    Columns: customer_id; segment_name; region_name; revenue_year_amount and order_day_year_count
    (the last four quarters); forecast_year_amount; potential_year_amount; gap_cents (0 where the
    customer buys what peers buy); own_amount (deviation of the customer's own error, from his
    forecast's 80 % range; 0 where there is no gap, for nothing is claimed there).
    """
    table = known.customer_growth.sort_values("customer_id", ignore_index=True)
    table = table[table["gap_year_amount"].notna()].reset_index(drop=True)
    gap = np.rint(table["gap_year_amount"].to_numpy(float) * 100).astype(np.int64).clip(0)
    ends = [table[f"forecast_year_{end}_amount"].to_numpy(float) for end in ("low", "high")]
    features = base.customer_features.set_index("customer_id")
    year = ("revenue_year_amount", "order_day_year_count")
    done = {n: table["customer_id"].map(features[n]).astype(float).fillna(0.0) for n in year}
    return pd.DataFrame(
        {
            "customer_id": table["customer_id"],
            "segment_name": _segments(table["customer_id"], known.segments),
            "region_name": _regions(table["customer_id"], base),
            **done,
            "forecast_year_amount": table["forecast_year_amount"].astype(float),
            "potential_year_amount": table["potential_year_amount"].astype(float),
            "gap_cents": gap,
            "own_amount": np.where(gap > 0, (ends[1] - ends[0]) / _INTERVAL_80, 0.0),
        }
    )


def category_rows(rows: pd.DataFrame, potential_categories: pd.DataFrame | None) -> pd.DataFrame:
    """Return each customer's gap split by category: customer_id, product_category, gap_cents.

    Categories that satisfy one need are no two gaps: where a customer's categories ask for more
    than his own gap they are cut in proportion, and what they leave is in no category.
    """
    gap = rows.set_index("customer_id")["gap_cents"]
    asked = _asked(potential_categories, gap)
    whole = asked.groupby("customer_id")["cents"].transform("sum")
    limit = asked["customer_id"].map(gap).astype(float)
    # Whole cents, rounded down, so that no customer's categories exceed him.
    given = np.floor(asked["cents"] * np.minimum(1.0, limit / whole.where(whole > 0, 1)))
    asked = asked.assign(gap_cents=given.astype(np.int64))
    left = gap - asked.groupby("customer_id")["gap_cents"].sum().reindex(gap.index, fill_value=0)
    # A few cents that rounding left belong to the largest category, not to none.
    is_rounding = (left > 0) & (
        left <= asked.groupby("customer_id").size().reindex(gap.index).fillna(0)
    )
    largest = asked.sort_values(["customer_id", "cents"], ascending=[True, False], kind="stable")
    first = largest.drop_duplicates("customer_id").index
    cents = asked["customer_id"].map(left.where(is_rounding, 0)).astype(np.int64)
    asked.loc[first, "gap_cents"] += cents.loc[first]
    rest = left[(left > 0) & ~is_rounding]
    loose = pd.DataFrame(
        {"customer_id": rest.index, "product_category": NO_CATEGORY, "gap_cents": rest.to_numpy()}
    )
    columns = ["customer_id", "product_category", "gap_cents"]
    found = pd.concat([asked[columns], loose[columns]], ignore_index=True)
    found = found[found["gap_cents"] > 0]
    return found.sort_values(["customer_id", "product_category"], ignore_index=True)


def pooled(names: pd.Series, is_open: pd.Series, fewest: int) -> pd.Series:
    """Return the names with small groups as one: fewer than `fewest` customers with a gap.

    Where the pool itself is too small, the next smallest group joins it; alone it is no pool.
    """
    counts = is_open.groupby(names).sum().sort_index().sort_values(kind="stable")
    small = list(counts.index[counts < fewest])
    for name in counts.index[len(small) :]:
        if not small or counts[small].sum() >= fewest:
            break
        small.append(name)
    return names.mask(names.isin(small), OTHERS) if len(small) > 1 else names


def _asked(potential_categories: pd.DataFrame | None, gap: pd.Series) -> pd.DataFrame:
    if potential_categories is None or potential_categories.empty:
        empty = {"customer_id": [], "product_category": [], "cents": []}
        return pd.DataFrame(empty).astype({"cents": np.int64})
    table = potential_categories[potential_categories["customer_id"].isin(gap.index)]
    cents = np.rint(table["gap_year_amount"].to_numpy(float) * 100).astype(np.int64).clip(0)
    asked = table[["customer_id", "product_category"]].assign(cents=cents)
    asked = asked.astype({"product_category": object})[cents > 0]
    return asked.sort_values(["customer_id", "product_category"], ignore_index=True)


def _segments(customer_ids: pd.Series, segments: pd.DataFrame | None) -> pd.Series:
    if segments is None or segments.empty:
        return pd.Series(NO_SEGMENT, index=customer_ids.index, dtype=object)
    names = segments.set_index("customer_id")["segment_name"].astype(object)
    return customer_ids.map(names).fillna(NO_SEGMENT).astype(object)


def _regions(customer_ids: pd.Series, base: Base) -> pd.Series:
    ids = base.customers.drop_duplicates("customer_id").set_index("customer_id")
    if "region_id" not in ids:
        return pd.Series(NO_REGION, index=customer_ids.index, dtype=object)
    mine = customer_ids.map(ids["region_id"].astype(object))
    if base.regions is None:
        return mine.fillna(NO_REGION).astype(object)
    names = base.regions.drop_duplicates("region_id").set_index("region_id")["region_name"]
    return mine.map(names.astype(object)).fillna(mine).fillna(NO_REGION).astype(object)
