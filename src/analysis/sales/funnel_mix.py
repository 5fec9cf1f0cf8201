"""Comparing people who were given different work: rates adjusted for product and channel."""

import warnings

import numpy as np
import pandas as pd
from scipy.stats import chi2_contingency, norm
from sklearn.linear_model import LogisticRegression

from analysis.core.statistics import wilson_interval

MIX = ["product_category", "channel"]
# Weight of the pull to no effect: too little to move what was seen, enough to keep what was not
# seen finite.
_PRIOR = 0.01


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
    known = cases.dropna(subset=[group])
    cells = _cells(known, group, outcome)
    totals = cells.groupby(MIX)[["size", "sum"]].sum()
    parts = cells.groupby(group, sort=True)
    rows = [(name, *_group_row(mine, totals, least_cell)) for name, mine in parts]
    columns = [group, "trial_count", "success_count", "raw_share", "expected_share"]
    columns += ["standardised_share", "standardised_low_share", "standardised_high_share"]
    return pd.DataFrame(rows, columns=[*columns, "method", "p_value"])


def chances_of_others(cases: pd.DataFrame, group: str, outcome: str) -> np.ndarray:
    """Return for each case how likely somebody else, given the same work, would have succeeded.

    In the order of `cases`, whose columns are those of `compare_groups`.
    """
    cells = _cells(cases, group, outcome)
    totals = cells.groupby(MIX)[["size", "sum"]].sum()
    chance = pd.Series(0.0, index=cells.index)
    for _, mine in cells.groupby(group):
        chance[mine.index] = _expected(mine, totals)
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
    return work.groupby([group, *MIX])[outcome].agg(["size", "sum"]).reset_index()


def _group_row(mine: pd.DataFrame, totals: pd.DataFrame, least_cell: int) -> tuple:
    overall = float(totals["sum"].sum() / totals["size"].sum())
    trials, won = int(mine["size"].sum()), int(mine["sum"].sum())
    chances = _expected(mine, totals)
    expected = float((chances * mine["size"]).sum() / trials)
    direct = _direct(mine, totals["size"], least_cell)
    ends = _indirect(won, trials, overall, expected) if direct is None else direct
    method = "expected" if direct is None else "direct"
    p_value = _p_value(mine, chances, int(totals["size"].sum()) - trials)
    return trials, won, won / trials, expected, *ends, method, p_value


def _expected(mine: pd.DataFrame, totals: pd.DataFrame) -> np.ndarray:
    """The chance of success of each of my cells, had somebody else worked on it.

    `totals` are the cells of everybody; what others did is that less mine.
    """
    others = totals.sub(mine.set_index(MIX)[["size", "sum"]], fill_value=0)
    others = others[others["size"] > 0].reset_index()
    won, lost = others["sum"].to_numpy(float), (others["size"] - others["sum"]).to_numpy(float)
    if others.empty:
        return np.full(len(mine), totals["sum"].sum() / totals["size"].sum())
    if not won.sum() or not lost.sum():
        return np.full(len(mine), won.sum() / (won.sum() + lost.sum()))
    work = pd.concat([others, mine])[MIX]
    if (work.nunique() == 1).all():
        return np.full(len(mine), won.sum() / (won.sum() + lost.sum()))
    both = pd.get_dummies(work).to_numpy(float)
    design, wanted = both[: len(others)], both[len(others) :]
    model = LogisticRegression(C=1 / _PRIOR, max_iter=1000)
    labels = np.repeat([1, 0], len(others))
    with warnings.catch_warnings():
        warnings.simplefilter("error")  # a fit that did not converge is no fit
        model.fit(np.vstack([design, design]), labels, sample_weight=np.append(won, lost))
    return model.predict_proba(wanted)[:, 1]


def _direct(
    mine: pd.DataFrame, total: pd.Series, least_cell: int
) -> tuple[float, float, float] | None:
    own = mine.set_index(MIX)
    sizes = own["size"].reindex(total.index).fillna(0)
    if (sizes < least_cell).any():
        return None
    weights = total / total.sum()
    share = float((weights * own["sum"].reindex(total.index) / sizes).sum())
    smooth = (own["sum"].reindex(total.index) + 0.5) / (sizes + 1)
    deviation = float(np.sqrt((weights**2 * smooth * (1 - smooth) / sizes).sum()))
    half = float(norm.ppf(0.9)) * deviation
    return share, max(0.0, share - half), min(1.0, share + half)


def _indirect(won: int, trials: int, overall: float, expected: float) -> tuple[float, float, float]:
    factor = overall / expected if expected else 1.0
    ends = wilson_interval(won, trials)
    scaled = [min(1.0, factor * share) for share in (won / trials, *ends)]
    return scaled[0], scaled[1], scaled[2]


def _p_value(mine: pd.DataFrame, chances: np.ndarray, other_count: int) -> float:
    """Two-sided, by the normal limit of independent successes with a continuity correction.

    The others' share is an estimate too: its variance is added, as in a test of two shares.
    """
    sizes = mine["size"].to_numpy(float)
    variance = float((sizes * chances * (1 - chances)).sum())
    if variance == 0 or other_count == 0:
        return float("nan")
    variance *= 1 + sizes.sum() / other_count
    distance = abs(float(mine["sum"].sum() - (sizes * chances).sum()))
    return float(2 * norm.sf(max(distance - 0.5, 0.0) / np.sqrt(variance)))


def _association(counts: np.ndarray) -> tuple[float, float]:
    found = chi2_contingency(counts)
    total, (rows, columns) = counts.sum(), counts.shape
    phi = max(0.0, found.statistic / total - (rows - 1) * (columns - 1) / (total - 1))
    least = min(rows - (rows - 1) ** 2 / (total - 1), columns - (columns - 1) ** 2 / (total - 1))
    return float(found.pvalue), float(np.sqrt(phi / (least - 1))) if least > 1 else 0.0
