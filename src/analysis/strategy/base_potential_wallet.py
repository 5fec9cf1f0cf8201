"""What do the customers spend with anybody? From those who said it, to all who buy regularly."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import t as student

_REGULAR_DAYS = 2  # order days of a year; one order tells nothing of what somebody spends elsewhere
_TAIL = 0.1
_MOST_BELOW = 0.25  # of answers, below what is bought from us; more, and it was misunderstood

Floats = np.ndarray


@dataclass(frozen=True)
class Wallet:
    """Spend of regular customers with anybody in a year: 10, 50 and 90 % points.

    `answers` customers said theirs; `revenue` is what all regular customers bought from us.
    """

    low: float
    mid: float
    high: float
    answers: int
    customers: int
    revenue: float


def known_wallets(
    customer_wallets: pd.DataFrame | None, rows: pd.DataFrame, as_of: pd.Timestamp
) -> pd.DataFrame:
    """Return the latest answer of each regular customer that was known at the end of `as_of`.

    Columns: customer_id; wallet_amount; revenue_year_amount; wallet_share (ours of it); known_on;
    source; is_below (somebody says that he spends less than he buys from us: a remark, for such an
    answer counts like those that err upwards; wallet_share is missing there).
    """
    columns = ["customer_id", "wallet_amount", "revenue_year_amount", "wallet_share"]
    columns += ["known_on", "source", "is_below"]
    if customer_wallets is None:
        return pd.DataFrame(columns=columns)
    seen = customer_wallets[customer_wallets["known_on"] <= as_of]
    seen = seen[seen["wallet_amount"].notna()].sort_values(["customer_id", "known_on"])
    seen = seen.drop_duplicates("customer_id", keep="last")
    both = seen.merge(regular(rows)[["customer_id", "revenue_year_amount"]], on="customer_id")
    wallet = both["wallet_amount"].astype(float)
    is_below = wallet < both["revenue_year_amount"]
    share = (both["revenue_year_amount"] / wallet.where(wallet > 0)).mask(is_below)
    made = both.assign(wallet_amount=wallet, wallet_share=share, is_below=is_below)
    return made[columns].sort_values("customer_id", ignore_index=True)


def regular(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the customers with two order days or more in the year, and revenue in it."""
    is_regular = (rows["order_day_year_count"] >= _REGULAR_DAYS) & (rows["revenue_year_amount"] > 0)
    return rows[is_regular]


def is_withheld(known: pd.DataFrame) -> bool:
    """Whether so many answers cannot be right that their sum says nothing."""
    return len(known) > 0 and float(known["is_below"].astype(bool).mean()) > _MOST_BELOW


def wallet_of_all(known: pd.DataFrame, rows: pd.DataFrame, fewest: int) -> Wallet | None:
    """Return the wallet of all regular customers; None with fewer than `fewest` answers above 0.

    The ratio of what was said to what those customers bought from us, times what all bought. Its
    log has the deviation of leaving out one customer at a time (jackknife). It takes those asked
    as drawn at random from regular customers. Answers below what somebody bought count, too: to
    leave out only those who err downwards makes the sum too large. None where they are more than
    one in four.
    """
    said = known[known["wallet_amount"] > 0]
    if len(said) < fewest or is_withheld(known):
        return None
    wallet, bought = (said[n].to_numpy(float) for n in ("wallet_amount", "revenue_year_amount"))
    base = regular(rows)
    revenue, count = float(base["revenue_year_amount"].sum()), len(said)
    ratio = wallet.sum() / bought.sum()
    without = np.log((wallet.sum() - wallet) / (bought.sum() - bought))
    deviation = np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum())
    reach = float(student.ppf(1 - _TAIL, count - 1)) * deviation
    low, high = (max(revenue, revenue * ratio * np.exp(sign * reach)) for sign in (-1, 1))
    return Wallet(low, max(revenue, revenue * ratio), high, count, len(base), revenue)
