"""Comparing people who were given different work: rates adjusted for product and channel."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, norm

from analysis.core.statistics import wilson_interval
from analysis.sales.funnel_mix_model import chance_table

MIX = ["product_category", "channel"]


@dataclass(frozen=True)
class _Work:
    """Cases and successes of one group or of all, by product category (rows) and channel."""

    size: np.ndarray
    won: np.ndarray

    def less(self, other: "_Work") -> "_Work":
        return _Work(self.size - other.size, self.won - other.won)


def compare_groups(
    cases: pd.DataFrame, group: str, outcome: str, *, least_cell: int = 5
) -> pd.DataFrame:
    """Return how often each group succeeded, beside what its mix of work would lead to expect.

    `cases` has one row per case with `group`, the columns of MIX and the flag `outcome`. Columns:
    group, trial_count, success_count, raw_share, expected_share (of others with the same work, by a
    logistic model fitted without the group), standardised_share with low and high (80 %), method,
    p_value (two-sided, of the group against the others with equal work).

    Method "direct": the group's share in each product and channel, weighted by the mix of all,
    where the group has `least_cell` cases in every one. Else "expected": share of all x observed /
    expected. Standardised shares of groups are comparable; those by "expected" only roughly.
    """
    columns = [group, "trial_count", "success_count", "raw_share", "expected_share"]
    columns += ["standardised_share", "standardised_low_share", "standardised_high_share"]
    columns += ["method", "p_value"]
    cells = _cells(cases.dropna(subset=[group]), group, outcome)
    if cells.empty:
        return pd.DataFrame(columns=columns)
    total = _table(cells, cells)
    usual = chance_table(total.won, total.size)[1]
    parts = cells.groupby(group, sort=True)
    tables = ((name, _table(mine, cells)) for name, mine in parts)
    rows = [(name, *_group_row(mine, total, usual, least_cell)) for name, mine in tables]
    return pd.DataFrame(rows, columns=columns)


def chances_of_others(cases: pd.DataFrame, group: str, outcome: str) -> np.ndarray:
    """Return for each case how likely somebody else, given the same work, would have succeeded.

    In the order of `cases`, whose columns are those of `compare_groups`.
    """
    cells = _cells(cases, group, outcome)
    total = _table(cells, cells)
    usual = chance_table(total.won, total.size)[1]
    chance = np.zeros(len(cells))
    for places in cells.groupby(group).indices.values():
        mine = cells.iloc[places]
        chances = _others_chances(_table(mine, cells), total, usual)
        chance[places] = chances[mine["row"], mine["column"]]
    work = cases[[group]].assign(**{name: _named(cases[name]) for name in MIX})
    found = work.merge(cells.assign(chance=chance), on=[group, *MIX], how="left")
    return found["chance"].to_numpy()


def mix_table(cases: pd.DataFrame, group: str) -> pd.DataFrame:
    """Return whether groups were given the same work: one row per column of MIX.

    Columns: attribute; p_value (chi-square); association (Cramér's V corrected for bias, Bergsma
    2013; 0 equal, 1 wholly different). Missing where there is only one group or one value.
    """
    rows = []
    for name in MIX:
        counts = pd.crosstab(cases[group], _named(cases[name]))
        p_value, strength = _association(counts.to_numpy()) if min(counts.shape) > 1 else _UNKNOWN
        rows.append((name, p_value, strength))
    return pd.DataFrame(rows, columns=["attribute", "p_value", "association"])


_UNKNOWN = (float("nan"), float("nan"))


def _named(column: pd.Series) -> pd.Series:
    return column.astype("str").fillna("not known")


def _cells(cases: pd.DataFrame, group: str, outcome: str) -> pd.DataFrame:
    """Cases and successes of each group and kind of work; each group has a row per kind it did."""
    work = cases[[group, outcome]].assign(**{name: _named(cases[name]) for name in MIX})
    cells = work.groupby([group, *MIX])[outcome].agg(["size", "sum"]).reset_index()
    row, column = (pd.factorize(cells[name], sort=True)[0] for name in MIX)
    return cells.assign(row=row, column=column)


def _table(mine: pd.DataFrame, cells: pd.DataFrame) -> _Work:
    """The cells of a group, or of all, as a table of every product category and channel."""
    shape = cells["row"].max() + 1, cells["column"].max() + 1
    size, won = np.zeros(shape), np.zeros(shape)
    places = mine["row"].to_numpy(), mine["column"].to_numpy()
    np.add.at(size, places, mine["size"].to_numpy(float))
    np.add.at(won, places, mine["sum"].to_numpy(float))
    return _Work(size, won)


def _group_row(mine: _Work, total: _Work, usual: np.ndarray | None, least_cell: int) -> tuple:
    overall = float(total.won.sum() / total.size.sum())
    trials, won = int(mine.size.sum()), int(mine.won.sum())
    chances = _others_chances(mine, total, usual)
    expected = float((chances * mine.size).sum() / trials)
    direct = _direct(mine, total.size, least_cell)
    ends = _indirect(won, trials, overall, expected) if direct is None else direct
    method = "expected" if direct is None else "direct"
    p_value = _p_value(mine, chances, int(total.size.sum()) - trials)
    return trials, won, won / trials, expected, *ends, method, p_value


def _others_chances(mine: _Work, total: _Work, usual: np.ndarray | None) -> np.ndarray:
    """The chance of success of each kind of work, had somebody else done it."""
    others = total.less(mine)
    if not others.size.any():
        return np.full(total.size.shape, total.won.sum() / total.size.sum())
    return chance_table(others.won, others.size, usual)[0]


def _direct(mine: _Work, total: np.ndarray, least_cell: int) -> tuple[float, float, float] | None:
    is_done = total > 0
    sizes, won = mine.size[is_done], mine.won[is_done]
    if (sizes < least_cell).any():
        return None
    weights = total[is_done] / total.sum()
    share = float((weights * won / sizes).sum())
    smooth = (won + 0.5) / (sizes + 1)
    deviation = float(np.sqrt((weights**2 * smooth * (1 - smooth) / sizes).sum()))
    half = float(norm.ppf(0.9)) * deviation
    return share, max(0.0, share - half), min(1.0, share + half)


def _indirect(won: int, trials: int, overall: float, expected: float) -> tuple[float, float, float]:
    factor = overall / expected if expected else 1.0
    ends = wilson_interval(won, trials)
    scaled = [min(1.0, factor * share) for share in (won / trials, *ends)]
    return scaled[0], scaled[1], scaled[2]


def _p_value(mine: _Work, chances: np.ndarray, other_count: int) -> float:
    """Two-sided, by the normal limit of independent successes with a continuity correction.

    The others' share is an estimate too: its variance is added, as in a test of two shares.
    """
    variance = float((mine.size * chances * (1 - chances)).sum())
    if variance == 0 or other_count == 0:
        return float("nan")
    variance *= 1 + mine.size.sum() / other_count
    distance = abs(float(mine.won.sum() - (mine.size * chances).sum()))
    return float(2 * norm.sf(max(distance - 0.5, 0.0) / np.sqrt(variance)))


def _association(counts: np.ndarray) -> tuple[float, float]:
    found = chi2_contingency(counts)
    total, (rows, columns) = counts.sum(), counts.shape
    phi = max(0.0, found.statistic / total - (rows - 1) * (columns - 1) / (total - 1))
    least = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1))
    return float(found.pvalue), float(np.sqrt(phi / (least - 1))) if least > 1 else 0.0
