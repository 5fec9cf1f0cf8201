"""Do those who earned most go on to do so? A top group chosen on one period, judged on the next.

Whoever is chosen for a high past had luck as well, and luck does not stay. The top group's share of
all margin is held in the period that chose it and in the next one; beside it stands the share that
would be left if all of the lead had been luck (its share of heads), and the share to expect when
nobody changes but luck does (shrinkage: two halves of the first period tell how steady customers
are).
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.core.statistics import wilson_interval

_YEAR = 4
_FEWEST_CUSTOMERS = 30
_Z = 1.2816  # of an 80 % interval

Verdict = str  # "lasting", "mostly luck" or "not clear"


@dataclass(frozen=True)
class Later:
    """The top group of an earlier period and what it earned afterwards."""

    chosen_on: str  # quarters that chose it, in words
    judged_on: str
    top_count: int
    customer_count: int
    before_share: float  # of all margin, in the period that chose it
    after_share: float
    after_low_share: float
    after_high_share: float
    luck_share: float  # if all of the lead had been luck
    shrunk_share: float  # if nobody changed and only luck did; NaN when not known
    before_amount: float  # margin per quarter
    after_amount: float
    still_top_count: int
    excluded_count: int  # cost missing in either period
    loss_again: tuple[int, int]  # customers who lost money in both periods, and in the first

    @property
    def kept_share(self) -> float:
        """Share of the lead over an even spread that is left."""
        return _kept(self.after_share, self)

    @property
    def kept_interval(self) -> tuple[float, float]:
        """The 80 % interval of what is left."""
        return _kept(self.after_low_share, self), _kept(self.after_high_share, self)

    def verdict(self, kept_share: float) -> Verdict:
        """Say whether the lead lasts: all of the interval on one side of `kept_share`."""
        low, high = self.kept_interval
        if high < kept_share:
            return "mostly luck"
        return "lasting" if low >= kept_share else "not clear"


def judged_later(customer_periods: pd.DataFrame, scope: Scope, top_share: float) -> Later | None:
    """Return the top group chosen on a year and judged on what followed it.

    With eight quarters it is a year each, so that the season is the same; else the four quarters
    before choose and the last one judges. None with fewer quarters, fewer than 30 customers, or no
    margin to share.
    """
    names = _quarters(customer_periods, scope)
    if len(names) <= _YEAR:
        return None
    after = names[-_YEAR:] if len(names) >= 2 * _YEAR else names[-1:]
    before = names[-len(after) - _YEAR : -len(after)]
    margins = _margins(customer_periods, [*before, *after])
    known = margins.notna().all(axis=1)
    table = margins[known]
    first, second = table[before].sum(axis=1), table[after].sum(axis=1)
    if len(table) < _FEWEST_CUSTOMERS or first.sum() <= 0 or second.sum() <= 0:
        return None
    cut = first.quantile(1 - top_share, interpolation="higher")
    top = (first >= cut).to_numpy()
    cut_after = second.quantile(1 - top_share, interpolation="higher")
    share, half = _share_of(second.to_numpy(), top)
    luck = float(top.mean())
    return Later(
        chosen_on=_words(before),
        judged_on=_words(after),
        top_count=int(top.sum()),
        customer_count=len(table),
        before_share=_share_of(first.to_numpy(), top)[0],
        after_share=share,
        after_low_share=share - half,
        after_high_share=share + half,
        luck_share=luck,
        shrunk_share=_shrunk_share(table[before], top, luck),
        before_amount=float(first[top].sum() / len(before)),
        after_amount=float(second[top].sum() / len(after)),
        still_top_count=int((second[top] >= cut_after).sum()),
        excluded_count=int((~known).sum()),
        loss_again=(int(((first < 0) & (second < 0)).sum()), int((first < 0).sum())),
    )


def later_table(later: Later) -> pd.DataFrame:
    """Return the top group's share of margin: chosen on, after, and what luck alone would leave."""
    rows = [
        (f"Earned in {later.chosen_on}, which chose them", later.before_share),
        (f"Earned in {later.judged_on}", later.after_share),
        ("Expected if nobody changed but luck did", later.shrunk_share),
        ("Left if the lead had been luck alone", later.luck_share),
    ]
    table = pd.DataFrame(rows, columns=["top_group", "margin_share"])
    ends = [(np.nan, np.nan)] * len(rows)
    ends[1] = (later.after_low_share, later.after_high_share)
    return table.assign(
        margin_low_share=[end[0] for end in ends], margin_high_share=[end[1] for end in ends]
    )


def loss_again_interval(later: Later) -> tuple[float, float]:
    """Return the 80 % interval of the share of losing customers who lost again."""
    return wilson_interval(*later.loss_again)


def _quarters(customer_periods: pd.DataFrame, scope: Scope) -> list[str]:
    """Return the quarters from the first of the data to the scope's, without one cut short."""
    if customer_periods.empty:
        return []
    starts = customer_periods["starts_on"]
    first = starts.min().date()
    last = scope.calendar.containing(scope.as_of, "quarterly")
    if scope.is_cut_short:
        last = scope.calendar.shift(last, -1)
    return [q.name for q in scope.calendar.between(first, last.last_day, "quarterly")]


def _margins(customer_periods: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Return customers who bought in the choosing quarters x quarters; 0 where nothing was.

    A margin that is missing although money flowed is not known, and stays missing.
    """
    rows = customer_periods[customer_periods["period"].isin(names)]
    margin = rows["margin_amount"].astype(float)
    margin = margin.mask(margin.isna() & (rows["revenue_amount"].astype(float) == 0), 0.0)
    work = pd.DataFrame(
        {
            "customer_id": rows["customer_id"],
            "period": rows["period"].astype("str"),
            "margin": margin.fillna(0.0),
            "unknown": margin.isna().astype(float),
        }
    )
    wide = work.pivot_table(
        index="customer_id", columns="period", values=["margin", "unknown"], aggfunc="sum"
    )
    wide = wide.fillna(0.0).reindex(
        columns=pd.MultiIndex.from_product([["margin", "unknown"], names]), fill_value=0.0
    )
    chosen = set(rows.loc[rows["period"].isin(names[:_YEAR]), "customer_id"])
    wide = wide[wide.index.isin(chosen)].sort_index()
    return wide["margin"].where(wide["unknown"] == 0)


def _share_of(margin: np.ndarray, top: np.ndarray) -> tuple[float, float]:
    """Return the top group's share and half its 80 % interval (linearised, top group given)."""
    total = margin.sum()
    share = margin[top].sum() / total
    influence = margin * (top - share) / total
    return float(share), float(_Z * np.sqrt((influence**2).sum()))


def _shrunk_share(before: pd.DataFrame, top: np.ndarray, luck: float) -> float:
    """Return the share to expect next when nobody changes: the lead times how steady margins are.

    Steadiness is the correlation of the odd with the even quarters, stepped up to the whole year
    (Spearman-Brown); none when it cannot be told.
    """
    odd = before.iloc[:, ::2].sum(axis=1).to_numpy()
    even = before.iloc[:, 1::2].sum(axis=1).to_numpy()
    if not (odd.std() > 0 and even.std() > 0):
        return np.nan
    correlation = max(0.0, float(np.corrcoef(odd, even)[0, 1]))
    steadiness = 2 * correlation / (1 + correlation)
    share, _ = _share_of(before.sum(axis=1).to_numpy(), top)
    return luck + (share - luck) * steadiness


def _kept(after: float, later: Later) -> float:
    lead = later.before_share - later.luck_share
    return (after - later.luck_share) / lead if lead > 0 else np.nan


def _words(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{names[0]} to {names[-1]}"
