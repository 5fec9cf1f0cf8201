"""Which outside numbers cannot be right, and why, in words."""

import pandas as pd

_NUMBERS = [
    "organisation_count",
    "regular_low_count",
    "regular_mid_count",
    "regular_high_count",
    "spend_low_amount",
    "spend_mid_amount",
    "spend_high_amount",
]
_FEWEST_FOR_SHARE = 20  # organisations from which one regular buyer or fewer looks like a share
HALF = "another row of the region cannot be used"
COLUMNS = ["region_id", "product_category", "problem"]


def checked(
    estimates: pd.DataFrame, known_regions: set[str] | None
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the estimates that can be used, and the others with their problem in words.

    `known_regions` are those of regions and customers; None where the project has no table of
    regions, for then a region without customers cannot be told from a wrong name. A region with
    one wrong row is left out whole: its market would be too small for our revenue in it.
    """
    problems = estimates.apply(_problem, axis=1, args=(known_regions,)).astype(object)
    is_half = estimates["region_id"].isin(estimates.loc[problems != "", "region_id"])
    problems = problems.mask(is_half & (problems == ""), HALF)
    wrong = estimates.assign(problem=problems)[problems != ""]
    kept = estimates[problems == ""].reset_index(drop=True)
    return kept, wrong[COLUMNS].reset_index(drop=True)


def _problem(row: pd.Series, known_regions: set[str] | None) -> str:
    if known_regions is not None and str(row["region_id"]) not in known_regions:
        return "no customer and no row of regions has this region"
    for name in ("regular_mid_count", "spend_mid_amount"):
        if pd.isna(row[name]):
            return f"{name} is missing"
    for name in _NUMBERS:
        if not pd.isna(row[name]) and float(row[name]) < 0:
            return f"{name} is {float(row[name]):g}: below 0"
    organisations = _float(row["organisation_count"])
    regular = float(row["regular_mid_count"])
    if organisations >= _FEWEST_FOR_SHARE and 0 < regular <= 1:
        return f"regular_mid_count is {regular:g}: a share, where a number of buyers is expected"
    if regular > organisations:
        return f"{regular:,.0f} regular buyers of {organisations:,.0f} organisations"
    return _order(row)


def _order(row: pd.Series) -> str:
    for name in ("regular_{}_count", "spend_{}_amount"):
        points = [row[name.format(part)] for part in ("low", "mid", "high")]
        known = [float(point) for point in points if not pd.isna(point)]
        if known != sorted(known):
            said = ", ".join(f"{point:,.0f}" for point in known)
            return f"{name.format('low')}, mid and high do not rise: {said}"
    return ""


def nothing_usable(unusable: pd.DataFrame) -> str:
    """Return one sentence on estimates none of which can be used, with the first problems."""
    words = "; ".join(
        f"{row.region_id}, {row.product_category}: {row.problem}"
        for row in unusable.head(3).itertuples()
    )
    more = f"; and {len(unusable) - 3} more" if len(unusable) > 3 else ""
    return f"No row of market_potential can be used. {words}{more}."


def unmatched(estimates: pd.DataFrame, customer_regions: set[str]) -> str:
    """Return why no estimate meets a customer, in words; empty where one does."""
    theirs = sorted({str(name) for name in estimates["region_id"]})
    if set(theirs) & customer_regions:
        return ""
    if not customer_regions:
        return (
            "No customer has a region: fill region_id in customers with the regions of the table."
        )
    return (
        "No region of market_potential is one of our customers': it has "
        f"{_some(theirs)}, customers have {_some(sorted(customer_regions))}. Use the same ids."
    )


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (", ..." if len(names) > 3 else "")


def _float(value: object) -> float:
    return float("nan") if pd.isna(value) else float(value)
