"""How much hangs on single people, and how much on the way of working?"""

import numpy as np
import pandas as pd

from analysis.sales.people_inputs import DAY, Work
from analysis.sales.people_models import between_variance, person_effects, poisson_line
from analysis.sales.people_options import PeopleOptions
from analysis.sales.rep_names import rep_labels

_DRAWS = 400
_LOGISTIC_VARIANCE = float(np.pi**2 / 3)  # of the luck of one deal, on the scale of log odds
_FEWEST_DEALS = 5  # of a person, to say how often they win
_QUARTER_DAYS = 91
_FEWEST_QUARTERS = 6
_COLUMNS = ["value", "value_low", "value_high", "note"]
_NAMES = {
    "top_share": "Part of all won that the first seller won",
    "concentration": "Concentration of what was won (1: one person wins all)",
    "even_sellers": "As if so many sellers won equally much",
    "person_share": "Part of winning that is the person",
    "growth": "Change of deals won in a year, as a part",
}


def dependence_table(work: Work, options: PeopleOptions) -> pd.DataFrame:
    """Return how concentrated won revenue is and how much of winning is the person.

    Rows by `measure`, with its name, value, value_low and value_high (80 %) and a note:

    - "top_share": share of the seller who won most, of all that was won (0 to 1);
    - "concentration": sum of squared shares (Herfindahl), 1 if one person wins all;
    - "even_sellers": 1 / concentration: as if so many sellers won equally much;
    - "person_share": of what decides whether a deal is won beside product and channel, the share
      that is the person (intraclass correlation on the scale of log odds); the rest is the deal,
      the process and luck. By the variance of persons' effects beyond chance (`between_variance`);
    - "growth": change of deals won per quarter in a year, as a share, over all known (95 %).

    The first three draw deals anew. Empty without a deal won in the window.
    """
    won = work.window[work.window["is_won"]]
    if won.empty or not won["won_amount"].sum():
        return pd.DataFrame(columns=["measure", "name", *_COLUMNS])
    rows = [*_concentration(won, options.seed), _person_share(work), _growth(work)]
    table = pd.DataFrame(rows, columns=["measure", *_COLUMNS])
    table.insert(1, "name", table["measure"].map(_NAMES))
    return table


def leaving_table(
    work: Work, reps: pd.DataFrame | None, options: PeopleOptions, months: float
) -> pd.DataFrame:
    """Return what would be at risk if a seller left: a scenario, no forecast.

    Columns: rep_id; seller; won_share (of all won in the window); year_amount (won in the window,
    for a year); open_count and open_amount (deals the person owns now); gap_amount (not won while
    the successor learns: half of the pace for `months`); at_risk_amount (the gap, and `lost_share`
    of a year's business and of open deals that goes too). Largest first.
    """
    sums = work.window.groupby("rep_id")["won_amount"].sum()
    year = sums / ((work.ends - work.starts) / DAY) * 365
    is_open = (work.deals["outcome"] == "open") & work.deals["rep_id"].notna()
    still = work.deals[is_open].assign(value=lambda t: t["value_amount"].astype(float).fillna(0.0))
    held = still.groupby("rep_id")["value"].agg(["size", "sum"])
    names = sums.index.union(held.index)
    gone = set() if reps is None else set(reps.loc[reps["left_on"] < work.ends, "rep_id"])
    names = names[~names.isin(gone)]
    year, held = year.reindex(names).fillna(0.0), held.reindex(names).fillna(0.0)
    gap = year * min(months, 12.0) / 12 / 2
    at_risk = gap + options.lost_share * (year - gap + held["sum"])
    table = pd.DataFrame(
        {
            "rep_id": names,
            "seller": rep_labels(reps, names.to_series()).to_numpy(),
            "won_share": (sums.reindex(names).fillna(0.0) / max(sums.sum(), 1e-9)).to_numpy(),
            "year_amount": year.round(2).to_numpy(),
            "open_count": held["size"].astype(int).to_numpy(),
            "open_amount": held["sum"].round(2).to_numpy(),
            "gap_amount": gap.round(2).to_numpy(),
            "at_risk_amount": at_risk.round(2).to_numpy(),
        }
    )
    order = ["at_risk_amount", "seller", "rep_id"]
    return table.sort_values(order, ascending=[False, True, True], ignore_index=True)


def _concentration(won: pd.DataFrame, seed: int) -> list[tuple]:
    code, _ = pd.factorize(won["rep_id"], sort=True)
    order = np.lexsort((won["opportunity_id"].to_numpy(), code))
    code, amount = code[order], won["won_amount"].to_numpy()[order]
    share = _shares(code, amount, np.ones((1, len(code))))
    draw = np.random.default_rng(seed)
    times = draw.multinomial(len(code), np.full(len(code), 1 / len(code)), size=_DRAWS)
    drawn = _shares(code, amount, times)
    top = _around(float(share.max()), drawn.max(axis=1))
    squares = _around(float((share**2).sum()), (drawn**2).sum(axis=1))
    even = (1 / squares[0], 1 / squares[2], 1 / squares[1])
    return [("top_share", *top, ""), ("concentration", *squares, ""), ("even_sellers", *even, "")]


def _around(value: float, drawn: np.ndarray) -> tuple[float, float, float]:
    """The value and its range; drawing anew makes shares more uneven, so that is taken off."""
    low, high = np.nanquantile(drawn, [0.1, 0.9]) - (np.nanmean(drawn) - value)
    return value, max(float(low), 1e-6), min(float(high), 1.0)


def _shares(code: np.ndarray, amount: np.ndarray, times: np.ndarray) -> np.ndarray:
    by_person = np.zeros((len(code), code.max() + 1))
    by_person[np.arange(len(code)), code] = amount
    sums = times @ by_person
    total = sums.sum(axis=1, keepdims=True)
    return sums / np.where(total > 0, total, np.nan)


def _person_share(work: Work) -> tuple:
    ended = work.ended
    counts = ended["rep_id"].value_counts()
    kept = ended[ended["rep_id"].isin(counts.index[counts >= _FEWEST_DEALS])]
    people = kept["rep_id"].nunique()
    note = f"{people} sellers with {len(kept)} ended deals"
    if people < 3 or kept["is_won"].nunique() < 2:
        return "person_share", np.nan, np.nan, np.nan, note
    effects = person_effects(kept, "rep_id", "is_won")
    found = np.array(between_variance(effects["effect"], effects["variance"]))
    return "person_share", *(found / (found + _LOGISTIC_VARIANCE)), note


def _growth(work: Work) -> tuple:
    """Trend of deals won by quarter, counted back from the end; chance widened by the scatter."""
    won = work.deals.loc[work.deals["outcome"] == "won", "ended_at"]
    begin = work.deals["created_at"].min() + 2 * _QUARTER_DAYS * DAY  # the first deals take a while
    count = int((work.ends - begin) / DAY / _QUARTER_DAYS) if len(won) else 0
    if count < _FEWEST_QUARTERS:
        return "growth", np.nan, np.nan, np.nan, "too few quarters"
    number = ((work.ends - won) / DAY // _QUARTER_DAYS).astype(int)
    counts = np.bincount(number[number < count], minlength=count)[::-1]
    line = poisson_line(counts, np.ones(count), np.arange(count) / 4)
    if np.isnan(line.slope):
        return "growth", np.nan, np.nan, np.nan, "too few deals"
    ends = [float(np.expm1(value)) for value in (line.slope, *line.interval(0.95))]
    return "growth", *ends, f"{count} quarters"
