"""Which lines do customers take? Acceptance by category and customer, with honest intervals.

Lines of one proposal are taken or left together (a lost deal leaves all of them), and customers
differ in how much they take. Intervals count as many lines as would be independent (design effect
of the customers, Kish 1965), else they would be far too narrow. A customer's own rate counts those
that would be independent within him (design effect of the proposals).
"""

import numpy as np
import pandas as pd
from scipy.stats import norm

from analysis.core.shrinkage import shrunk_shares
from analysis.core.statistics import false_discovery_levels, wilson_interval
from analysis.customers.key_customers_options import KeyCustomersOptions

_FALSE_DISCOVERY = 0.05
_MOST_LINES_SHOWN = 5


def customers_of(lines: pd.DataFrame) -> pd.Series:
    """Return whose lines are alike: the customer's; the deal's where the customer is not known."""
    return lines["customer_id"].fillna("deal " + lines["opportunity_id"])


def design_effect(lines: pd.DataFrame, together: pd.Series, group: str | None = None) -> float:
    """Return how many lines count as one, because lines of one value go `together`; at least 1.

    Variance of a share with all lines of a value drawn at once, over that with single lines drawn.
    `group` names the column within whose values shares are taken; None: all lines together.
    """
    is_known = lines["is_accepted"].notna()
    known = lines[is_known].assign(together=together[is_known])
    known = known.assign(group=known[group] if group else "")
    share = known.groupby("group")["is_accepted"].transform("mean")
    single = float((share * (1 - share)).sum())
    rest = (known["is_accepted"] - share).groupby([known["together"], known["group"]]).sum()
    groups = known["group"].nunique()
    if single == 0 or len(rest) <= groups:
        return 1.0
    whole = float((rest**2).sum()) * len(rest) / (len(rest) - groups)
    return max(1.0, whole / single)


def acceptance_table(
    lines: pd.DataFrame, key_ids: pd.Series, options: KeyCustomersOptions
) -> pd.DataFrame:
    """Return one row per category of the lines offered, most offered first.

    Columns: product_category; proposal_count; line_count (decided); accepted_count;
    accepted_share with low and high (Wilson, 80 %, for as many lines as are independent);
    drawn_share with low and high (drawn to that of all lines as far as chance explains it);
    others_share (of all other categories); is_beyond_chance (differs from them, all categories
    looked at together); won_line_count and won_accepted_share (in deals won); key_line_count and
    key_accepted_count (offered to key customers). Shares of under `fewest_lines` are missing.
    """
    known = lines[lines["is_accepted"].notna()]
    if known.empty:
        return pd.DataFrame()
    rows = _counts(known, known["customer_id"].isin(key_ids))
    few_won = rows["won_line_count"] < options.fewest_lines
    won_share = rows["won_accepted_share"] / rows["won_line_count"].clip(lower=1)
    rows = rows.assign(
        won_accepted_share=won_share.mask(few_won),
        others_share=_others(rows),
    )
    effect = design_effect(known, customers_of(known), "product_category")
    rows = _with_intervals(rows, effect, options)
    rows = rows.assign(is_beyond_chance=beyond_chance(known, options).to_numpy())
    order = ["line_count", "product_category"]
    return rows.sort_values(order, ascending=[False, True], ignore_index=True)


def _counts(known: pd.DataFrame, is_key: pd.Series) -> pd.DataFrame:
    table = known.assign(
        won_line=known["is_won"].astype(int),
        won_taken=known["is_accepted"].where(known["is_won"].astype(bool), 0.0),
        key_line=is_key.astype(int),
        key_taken=known["is_accepted"].where(is_key, 0.0),
    )
    rows = table.groupby("product_category", as_index=False).agg(
        proposal_count=("opportunity_id", "nunique"),
        line_count=("is_accepted", "size"),
        accepted_count=("is_accepted", "sum"),
        won_line_count=("won_line", "sum"),
        won_accepted_share=("won_taken", "sum"),
        key_line_count=("key_line", "sum"),
        key_accepted_count=("key_taken", "sum"),
    )
    return rows.astype({"accepted_count": "int64", "key_accepted_count": "int64"})


def _others(rows: pd.DataFrame) -> pd.Series:
    lines, taken = rows["line_count"], rows["accepted_count"]
    rest = lines.sum() - lines
    return ((taken.sum() - taken) / rest.where(rest > 0)).astype(float)


def _with_intervals(
    rows: pd.DataFrame, effect: float, options: KeyCustomersOptions
) -> pd.DataFrame:
    trials, taken = rows["line_count"] / effect, rows["accepted_count"] / effect
    ends = [wilson_interval(k, n) for k, n in zip(taken, trials, strict=True)]
    drawn = shrunk_shares(taken, trials)
    few = rows["line_count"] < options.fewest_lines
    shares = {
        "accepted_share": rows["accepted_count"] / rows["line_count"],
        "accepted_low_share": pd.Series([low for low, _ in ends]),
        "accepted_high_share": pd.Series([high for _, high in ends]),
        "drawn_share": drawn["share"],
        "drawn_low_share": drawn["low"],
        "drawn_high_share": drawn["high"],
    }
    return rows.assign(**{name: values.astype(float).mask(few) for name, values in shares.items()})


def beyond_chance(known: pd.DataFrame, options: KeyCustomersOptions) -> pd.Series:
    """Say of each category, by name, whether its lines are taken more or less often than others.

    All categories are looked at together (Benjamini and Hochberg, 5 %), whole customers are drawn,
    and under `fewest_lines` proposals nothing is said.
    """
    names, category = np.unique(known["product_category"].to_numpy(str), return_inverse=True)
    _, customer = np.unique(customers_of(known).to_numpy(str), return_inverse=True)
    taken = known["is_accepted"].to_numpy(float)
    values = [_p_value(taken, category == number, customer) for number in range(len(names))]
    proposals = known.groupby("product_category")["opportunity_id"].nunique().sort_index()
    is_enough = proposals.to_numpy() >= options.fewest_lines
    told = is_enough & (false_discovery_levels(values) <= _FALSE_DISCOVERY)
    return pd.Series(told, index=names)


def _p_value(taken: np.ndarray, mine: np.ndarray, customer: np.ndarray) -> float:
    """Chance of so large a difference to all other lines if there is none; customers are drawn."""
    sizes, count = (mine.sum(), (~mine).sum()), int(customer.max()) + 1
    if not all(sizes) or count < 2:
        return float("nan")
    shares = taken[mine].mean(), taken[~mine].mean()
    # What chance does is judged as if there were no difference, else small groups alarm too often.
    pull = (taken - taken.mean()) * np.where(mine, 1 / sizes[0], -1 / sizes[1])
    by_customer = np.bincount(customer, pull)
    deviation = float(np.sqrt((by_customer**2).sum() * count / (count - 1)))
    if deviation == 0:
        return float("nan")
    return float(2 * norm.sf(abs(shares[0] - shares[1]) / deviation))


def accepted_range(known: pd.DataFrame) -> tuple[float, float, float]:
    """Return the share of decided lines that was taken, and its 80 % interval."""
    effect = design_effect(known, customers_of(known))
    taken = float(known["is_accepted"].sum())
    low, high = wilson_interval(taken / effect, len(known) / effect)
    return taken / len(known), low, high


def customer_acceptance(
    lines: pd.DataFrame, key_ids: pd.Series, options: KeyCustomersOptions
) -> pd.DataFrame:
    """Return one row per key customer, by customer_id: what was decided of what was offered.

    Columns: proposal_count, offered_line_count, accepted_line_count, accepted_share with low and
    high (drawn to that of all key customers, 80 %; missing under `fewest_lines`).
    """
    known = lines[lines["is_accepted"].notna() & lines["customer_id"].isin(key_ids)]
    sums = known.groupby("customer_id").agg(
        proposal_count=("opportunity_id", "nunique"),
        offered_line_count=("is_accepted", "size"),
        accepted_line_count=("is_accepted", "sum"),
    )
    table = sums.reindex(pd.Index(key_ids, name="customer_id")).fillna(0).astype(int)
    if known.empty:
        return table.assign(accepted_share=np.nan, accepted_low_share=np.nan).assign(
            accepted_high_share=np.nan
        )
    effect = design_effect(lines, lines["opportunity_id"])
    drawn = shrunk_shares(
        table["accepted_line_count"] / effect, table["offered_line_count"] / effect
    ).set_index(table.index)
    few = table["offered_line_count"] < options.fewest_lines
    return table.assign(
        accepted_share=drawn["share"].mask(few),
        accepted_low_share=drawn["low"].mask(few),
        accepted_high_share=drawn["high"].mask(few),
    )


def breadth_table(proposals: pd.DataFrame) -> pd.DataFrame:
    """Return one row per number of lines of a proposal; the last stands for all broader ones.

    Columns: line_count ("5 and more" for the last), proposal_count, proposal_share, won_count,
    won_share with low and high (Wilson, 80 %, nothing held equal), median_value_amount.
    """
    if proposals.empty:
        return pd.DataFrame()
    capped = proposals["line_count"].clip(upper=_MOST_LINES_SHOWN)
    rows = []
    for lines, group in proposals.groupby(capped):
        won, count = int(group["is_won"].sum()), len(group)
        low, high = wilson_interval(won, count)
        value = group["value_amount"].astype(float)
        rows.append(
            {
                "lines": f"{lines} and more" if lines == _MOST_LINES_SHOWN else str(lines),
                "proposal_count": count,
                "proposal_share": count / len(proposals),
                "won_count": won,
                "won_share": won / count,
                "won_low_share": low,
                "won_high_share": high,
                "median_value_amount": float(value[value > 0].median()),
            }
        )
    return pd.DataFrame(rows)
