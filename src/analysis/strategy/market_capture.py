"""How many organisations are there really? Two lists, and how far they overlap."""

import numpy as np
import pandas as pd
from scipy.stats import norm


def chapman(first: int, second: int, both: int) -> tuple[float, float, float]:
    """Return the number of organisations behind two lists, with its 80 % interval.

    Chapman (1951): nearly unbiased where each organisation is on each list independently. The
    interval is that of Sadinle (2009), on the logit of the two capture shares; it stays above the
    number seen. Lists made of one another (the second copied from the first) make it too low. All
    NaN where a list is empty: how far lists overlap tells something only where there are two.
    """
    if not first or not second:
        return float("nan"), float("nan"), float("nan")
    seen = first + second - both
    only_first, only_second = first - both, second - both
    estimate = (first + 1) * (second + 1) / (both + 1) - 1
    parts = np.array([both, only_first, only_second], dtype=float) + 0.5
    variance = (1 / parts).sum() + parts[0] / (parts[1] * parts[2])
    factor = np.exp(float(norm.ppf(0.9)) * np.sqrt(variance))
    missing = parts[1] * parts[2] / parts[0]
    low, high = seen - 0.5 + missing / factor, seen - 0.5 + missing * factor
    # With one list within the other the logit's range may miss the estimate by a little.
    return estimate, max(float(seen), min(low, estimate)), high


def capture_table(market_listings: pd.DataFrame, as_of: pd.Timestamp) -> pd.DataFrame:
    """Return the estimated number of organisations by region, from the two largest lists.

    Columns: region_id; first_list; second_list; first_count; second_count; both_count;
    organisation_count with low and high (80 %; missing where one list has nobody). Empty with fewer
    than two lists known at `as_of`.
    """
    known = market_listings[market_listings["listed_on"] <= as_of]
    sizes = known["list_name"].value_counts()
    names = sorted(sizes.index, key=lambda name: (-sizes[name], name))[:2]
    columns = ["region_id", "first_list", "second_list", "first_count", "second_count"]
    columns += ["both_count", "organisation_count"]
    columns += ["organisation_low_count", "organisation_high_count"]
    if len(names) < 2:
        return pd.DataFrame(columns=columns)
    lists = [known[known["list_name"] == name] for name in names]
    rows = []
    for region in sorted(known["region_id"].unique()):
        first, second = (set(t.loc[t["region_id"] == region, "organisation_id"]) for t in lists)
        counts = len(first), len(second), len(first & second)
        rows.append((region, *names, *counts, *chapman(*counts)))
    return pd.DataFrame(rows, columns=columns)
