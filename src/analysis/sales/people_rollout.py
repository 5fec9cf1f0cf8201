"""Who got an improvement when, and has anything become better since? Mostly: nobody can tell."""

from collections.abc import Iterator
from itertools import combinations
from math import comb

import numpy as np
import pandas as pd

from analysis.core.statistics import false_discovery_levels, share_difference_interval
from analysis.sales.people_inputs import DAY, Work
from analysis.sales.people_models import rate_ratio
from analysis.sales.people_options import PeopleOptions

BETTER, WORSE, NOT_TOLD, NO_DATA = "more", "less", "cannot be told", "no data"
_LEAST_CASES = 5  # ended deals of a seller before and after
_LEAST_PEOPLE = 3  # sellers with it and without
_DRAWS = 2000
_LEVEL = 0.05
_CONFIDENCE = 0.95  # a claim that something has become better


def rollout_table(
    work: Work,
    improvements: pd.DataFrame | None,
    assignments: pd.DataFrame | None,
    options: PeopleOptions,
) -> pd.DataFrame:
    """Return how far each improvement given to sellers has come, and what the win share says.

    Columns: improvement_id; name; seller_count (who had deals); treated_count; first_on; last_on;
    difference_share (change of the share won of sellers with it, less the change of those without:
    before the first day against after the last); p_value (share of ways to choose as many sellers
    that give as much: by all ways, or 2,000 draws); least_p_value (the smallest that so few sellers
    can give); verdict ("more", "less", "cannot be told"; false discoveries controlled). The wider
    the roll-out, the fewer are left to compare with. Empty without assignments to sellers.
    """
    columns = ["improvement_id", "name", "seller_count", "treated_count", "first_on", "last_on"]
    columns += ["difference_share", "p_value", "least_p_value"]
    if assignments is None:
        return pd.DataFrame(columns=[*columns, "verdict"])
    mine = assignments[
        (assignments["unit_type"] == "rep") & (assignments["treated_from_on"] < work.ends)
    ]
    names = {}
    if improvements is not None:
        names = dict(zip(improvements["improvement_id"], improvements["name"], strict=True))
    rows = [
        (key, names.get(key, key), *_improvement(work, part, options))
        for key, part in mine.groupby("improvement_id")
    ]
    table = pd.DataFrame(rows, columns=columns)
    # Several improvements are looked at together, so the verdict is of all of them.
    is_told = false_discovery_levels(table["p_value"].astype(float)) < _LEVEL
    ways = np.where(table["difference_share"].astype(float) > 0, BETTER, WORSE)
    return table.assign(verdict=np.where(is_told, ways, NOT_TOLD))


def benefit_table(work: Work) -> pd.DataFrame:
    """Return what a defined way of selling is said to bring, as statements that can fail.

    The window against the one before it, one row per benefit claimed. Columns: benefit; hypothesis;
    before; after; change (relative; of shares the difference) with low and high (95 %); verdict
    ("more", "less": the range leaves out no change; "cannot be told"; "no data"). Before and after
    only: nothing here says what caused a change.
    """
    length = work.ends - work.starts
    spans = [(work.starts - length, work.starts), (work.starts, work.ends)]
    rows = [
        _counts("grow faster", "more deals are won", _won(work, spans), spans, work),
        _counts("do more", "more activities are done", _done(work, spans), spans, work),
        _shares("accountability", "more tasks are done on time", _on_time(work, spans)),
        _shares("metrics of result", "more of the ended deals are won", _won_of(work, spans)),
        # Claimed too, and not to be seen in what is recorded: said rather than left out.
        ("ramp faster", "those hired later are settled sooner", *[np.nan] * 5, NO_DATA),
        ("support", "deals wait less for other departments", *[np.nan] * 5, NO_DATA),
    ]
    columns = ["benefit", "hypothesis", "before", "after", "change"]
    columns += ["change_low", "change_high", "verdict"]
    return pd.DataFrame(rows, columns=columns)


def _improvement(work: Work, part: pd.DataFrame, options: PeopleOptions) -> tuple:
    treated = part.groupby("unit_id")["treated_from_on"].min()
    first, last = treated.min(), treated.max()
    changes = _changes(work, first, last, options)
    is_treated = changes.index.isin(treated.index)
    sellers = sorted(work.present.index)
    count = sum(name in treated.index for name in sellers)
    head = (len(sellers), count, first, last)
    having, without = int(is_treated.sum()), int((~is_treated).sum())
    if min(having, without) < _LEAST_PEOPLE:
        return *head, np.nan, np.nan, np.nan
    return *head, *permutation_test(changes.to_numpy(), is_treated, options.seed)


def permutation_test(
    values: np.ndarray, is_treated: np.ndarray, seed: int = 0
) -> tuple[float, float, float]:
    """Return mean(treated) - mean(others), its p-value and the smallest p-value there could be.

    The p-value is the share of ways to choose as many that differ at least as much, two-sided.
    """
    having, count = int(is_treated.sum()), len(values)
    ways = comb(count, having)
    seen = _difference(values, is_treated)
    drawn = np.array([_difference(values, chosen) for chosen in _ways(count, having, seed)])
    extreme = np.abs(drawn) >= abs(seen) - 1e-12
    p_value = (1 + extreme.sum()) / (1 + len(drawn)) if ways > _DRAWS else extreme.mean()
    return seen, float(p_value), max(2 / ways if 2 * having == count else 1 / ways, 1 / _DRAWS)


def _difference(values: np.ndarray, is_treated: np.ndarray) -> float:
    return float(values[is_treated].mean() - values[~is_treated].mean())


def _ways(count: int, having: int, seed: int) -> Iterator[np.ndarray]:
    if comb(count, having) <= _DRAWS:
        for chosen in combinations(range(count), having):
            yield np.isin(np.arange(count), chosen)
        return
    draw = np.random.default_rng(seed)
    for _ in range(_DRAWS):
        yield np.isin(np.arange(count), draw.choice(count, having, replace=False))


def _changes(
    work: Work, first: pd.Timestamp, last: pd.Timestamp, options: PeopleOptions
) -> pd.Series:
    """Share won after the last day less before the first, of sellers with enough deals in both."""
    ended = work.deals[(work.deals["outcome"] != "open") & work.deals["rep_id"].notna()]
    span = options.window_days * DAY
    parts = []
    for since, until in ((first - span, first), (last, min(last + span, work.ends))):
        mine = ended[(ended["ended_at"] >= since) & (ended["ended_at"] < until)]
        won = (mine["outcome"] == "won").groupby(mine["rep_id"]).agg(["mean", "size"])
        parts.append(won.loc[won["size"] >= _LEAST_CASES, "mean"])
    return (parts[1] - parts[0]).dropna().sort_index()


def _won(work: Work, spans: list[tuple]) -> list[float]:
    won = work.deals.loc[work.deals["outcome"] == "won", "ended_at"]
    return [float(((won >= since) & (won < until)).sum()) for since, until in spans]


def _done(work: Work, spans: list[tuple]) -> list[float]:
    done = work.tasks["completed_at"]
    return [float(((done >= since) & (done < until)).sum()) for since, until in spans]


def _won_of(work: Work, spans: list[tuple]) -> list[tuple[int, int]]:
    ended = work.deals[work.deals["outcome"] != "open"]
    parts = [
        ended[(ended["ended_at"] >= since) & (ended["ended_at"] < until)] for since, until in spans
    ]
    return [(int((part["outcome"] == "won").sum()), len(part)) for part in parts]


def _on_time(work: Work, spans: list[tuple]) -> list[tuple[int, int]]:
    tasks = work.tasks[work.tasks["due_at"].notna() & work.tasks["completed_at"].notna()]
    parts = [
        tasks[(tasks["created_at"] >= since) & (tasks["created_at"] < until)]
        for since, until in spans
    ]
    return [(int((p["completed_at"] <= p["due_at"]).sum()), len(p)) for p in parts]


def _is_known(spans: list[tuple], work: Work) -> bool:
    """The window before must lie within the data, or its low count means nothing."""
    return bool(len(work.deals)) and work.deals["created_at"].min() < spans[0][0]


def _counts(
    benefit: str, hypothesis: str, counts: list[float], spans: list[tuple], work: Work
) -> tuple:
    if not _is_known(spans, work) or not sum(counts):
        return benefit, hypothesis, np.nan, np.nan, np.nan, np.nan, np.nan, NO_DATA
    days = [(until - since) / DAY for since, until in spans]
    ratio, low, high = rate_ratio((counts[1], days[1]), (counts[0], days[0]), _CONFIDENCE)
    change = (ratio - 1, low - 1, high - 1)
    return benefit, hypothesis, *counts, *change, _verdict(*change[1:])


def _shares(benefit: str, hypothesis: str, parts: list[tuple[int, int]]) -> tuple:
    before, after = parts
    if min(before[1], after[1]) < 20:
        return benefit, hypothesis, np.nan, np.nan, np.nan, np.nan, np.nan, NO_DATA
    shares = (before[0] / before[1], after[0] / after[1])
    ends = share_difference_interval(after, before, _CONFIDENCE)
    return benefit, hypothesis, *shares, shares[1] - shares[0], *ends, _verdict(*ends)


def _verdict(low: float, high: float) -> str:
    return BETTER if low > 0 else WORSE if high < 0 else NOT_TOLD
