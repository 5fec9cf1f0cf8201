"""Is the potential a yardstick at all? Held against simpler ones in the year that is known."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

_YEAR_QUARTERS = 4
# One in five customers is to be above a potential of 80 %; so far from it, it measures nothing.
_MOST_OFF_SHARE = 0.1

Floats = np.ndarray


@dataclass(frozen=True)
class Grade:
    """How the potential fared against the revenue of the last four quarters.

    `losses` are pinball losses per customer by yardstick, lower is better; `above_share` the part
    of customers above the potential, `expected_share` what it should be.
    """

    losses: dict[str, float]
    above_share: float
    expected_share: float

    @property
    def reason_to_withhold(self) -> str:
        """Why the potential must not be summed, in words; empty where it may."""
        if self.losses[PEERS] >= self.losses[EVERYBODY]:
            return "it tells customers apart no better than one amount for everybody"
        if abs(self.above_share - self.expected_share) > _MOST_OFF_SHARE:
            return "the share of customers above it is far from what it should be"
        return ""

    @property
    def is_own_past_closer(self) -> bool:
        """Whether customers' own best quarters lie closer to what they bought."""
        own = self.losses.get(OWN_PAST)
        return own is not None and own <= self.losses[PEERS]


PEERS, EVERYBODY, OWN_PAST = "peers", "one amount for everybody", "own best quarters"


def grade(
    rows: pd.DataFrame, customer_periods: pd.DataFrame | None, last: str, share: float
) -> Grade:
    """Return how the potential fares beside one amount for all and the customer's own quarters.

    The customer's own: four times the same quantile of his last four quarters, up to `last`. All of
    it is the same year that the potential was learnt from, so this shows what fails, not what wins.
    """
    bought = rows["revenue_year_amount"].to_numpy(float)
    found = {
        PEERS: rows["potential_year_amount"].to_numpy(float),
        EVERYBODY: np.full(len(bought), np.quantile(bought, share)),
    }
    own = _own_past(rows["customer_id"], customer_periods, last, share)
    if own is not None:
        found[OWN_PAST] = own
    losses = {name: _pinball(bought, value, share) for name, value in found.items()}
    return Grade(losses, float((bought > found[PEERS]).mean()), 1 - share)


def grade_table(found: Grade) -> pd.DataFrame:
    """Return the losses: yardstick, loss_amount (per customer; lower is better)."""
    rows = [(name, loss) for name, loss in found.losses.items()]
    return pd.DataFrame(rows, columns=["yardstick", "loss_amount"])


def _pinball(actual: Floats, quantile: Floats, share: float) -> float:
    miss = actual - quantile
    return float(np.maximum(share * miss, (share - 1) * miss).mean())


def _own_past(
    customer_ids: pd.Series, customer_periods: pd.DataFrame | None, last: str, share: float
) -> Floats | None:
    if customer_periods is None:
        return None
    names = sorted(name for name in customer_periods["period"].unique() if name <= last)
    names = names[-_YEAR_QUARTERS:]
    if len(names) < _YEAR_QUARTERS:
        return None
    rows = customer_periods[customer_periods["period"].isin(names)]
    amounts = rows.assign(amount=rows["revenue_amount"].astype(float))
    table = amounts.pivot_table(
        index="customer_id", columns="period", values="amount", aggfunc="sum", observed=True
    )
    mine = table.reindex(index=customer_ids, columns=names).fillna(0.0).to_numpy()
    return _YEAR_QUARTERS * np.quantile(mine, share, axis=1)
