"""What happens in each stage: who passes, how long it takes, what is lost and what it was worth."""

import numpy as np
import pandas as pd

from analysis.core.survival import aalen_johansen, median_time
from analysis.sales.funnel_cohort import Cohort, win_incidence

_DAY = pd.Timedelta(days=1)
_MOST_DRAWN = 20_000  # deals in one draw of the interval of velocity
_STAGE_COLUMNS = ["stage_order", "stage_name", "reached_count", "passed_count", "lost_count"]
_STAGE_COLUMNS += ["open_count", "pass_share", "pass_low_share", "pass_high_share", "reach_share"]
_STAGE_COLUMNS += ["median_days", "sla_days", "objective", "exit_criteria"]
_STAGE_COLUMNS += ["default_win_share", "over_sla_share", "came_true_share"]
_LEAK_COLUMNS = ["stage_order", "stage_name", "win_share", "lost_count", "lost_amount"]
_LEAK_COLUMNS += ["recoverable_amount", "no_decision_share", "change_amount"]
_PATH_COLUMNS = ["path", "deal_count", "won_share", "has_skip", "has_return", "deal_share"]
_NO_DECISION = ("no decision", "no budget", "postponed")


def stage_table(cohort: Cohort, stages: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per open stage, in order: what became of the deals that reached it.

    Columns: stage_order; stage_name; reached_count; passed_count; lost_count; open_count (there
    now); pass_share with low and high (cumulative incidence of passing within the horizon, open
    deals censored, 80 %); reach_share (of all deals opened, within the horizon); median_days (until
    half have passed or were lost); sla_days and over_sla_share (stayed longer, by Kaplan-Meier; low
    and high); objective, exit_criteria and default_win_share (the chance that the CRM forecasts
    with) as defined; came_true_share (won of closed deals that had reached the stage).
    """
    deals = cohort.deals.set_index("opportunity_id")
    rows = [_stage_row(cohort, deals, order, name) for order, name in cohort.names.items()]
    if not rows:
        return pd.DataFrame(columns=_STAGE_COLUMNS)
    table = pd.DataFrame(rows)
    return table if stages is None else _with_definitions(table, cohort, stages)


def _stage_row(cohort: Cohort, deals: pd.DataFrame, order: int, name: str) -> dict:
    mine = cohort.passages[cohort.passages["stage_order"] == order]
    found = aalen_johansen(mine["days"], mine["result"])
    horizon = cohort.horizon_days
    low, high = found.interval(horizon, "passed")
    left = aalen_johansen(mine["days"], np.where(mine["result"] != "", "left", ""))
    return {
        "stage_order": order,
        "stage_name": name,
        "reached_count": len(mine),
        **{f"{r}_count": int((mine["result"] == r).sum()) for r in ("passed", "lost")},
        "open_count": int((mine["result"] == "").sum()),
        "pass_share": found.at(horizon, "passed"),
        "pass_low_share": low,
        "pass_high_share": high,
        "reach_share": _reach_share(mine, deals, horizon),
        "median_days": median_time(left),
    }


def _reach_share(mine: pd.DataFrame, deals: pd.DataFrame, horizon: float) -> float:
    reached = mine.set_index("opportunity_id")["reached_at"].reindex(deals.index)
    days = (reached - deals["created_at"]) / _DAY
    is_out = reached.isna() & (deals["outcome"] != "open")
    causes = np.select([reached.notna(), is_out], ["reached", "out"], "")
    found = aalen_johansen(days.fillna(deals["age_days"]).clip(lower=0), causes)
    return found.at(horizon, "reached")


def _with_definitions(table: pd.DataFrame, cohort: Cohort, stages: pd.DataFrame) -> pd.DataFrame:
    pipeline = cohort.deals["pipeline_id"].iloc[0]
    mine = stages[stages["pipeline_id"] == pipeline].sort_values("valid_from_on")
    named = mine.drop_duplicates("stage_order", keep="last").set_index("stage_order")
    wanted = ["sla_days", "objective", "exit_criteria", "default_win_share"]
    table = table.join(named.reindex(columns=wanted), on="stage_order")
    pairs = zip(table["stage_order"], table["sla_days"], strict=True)
    return table.assign(
        over_sla_share=[_over(cohort.passages, *pair) for pair in pairs],
        came_true_share=_won_of_closed(cohort).reindex(table["stage_order"]).to_numpy(),
    )


def _won_of_closed(cohort: Cohort) -> pd.Series:
    """The share won of closed deals that had reached each stage, by its order."""
    outcomes = cohort.deals.set_index("opportunity_id")["outcome"]
    reached = cohort.passages.assign(outcome=cohort.passages["opportunity_id"].map(outcomes))
    closed = reached[reached["outcome"] != "open"]
    return (closed["outcome"] == "won").groupby(closed["stage_order"]).mean()


def _over(passages: pd.DataFrame, order: int, limit: float) -> float:
    if pd.isna(limit):
        return float("nan")
    mine = passages[passages["stage_order"] == order]
    found = aalen_johansen(mine["days"], np.where(mine["result"] != "", "left", ""))
    return found.open_at(float(limit))


def leak_table(cohort: Cohort) -> pd.DataFrame:
    """Return where the funnel loses money: one row per open stage, and one for won deals.

    Columns: stage_order; stage_name; win_share (of closed deals that reached the stage);
    lost_count; lost_amount (face value of deals lost there); recoverable_amount (what those deals
    could be expected to bring when they came to the stage: value x win share);
    no_decision_share (of those lost, without a competitor having won); change_amount (what the
    expected value of all closed deals changed by in this stage). The changes sum to revenue won
    less what was expected of these deals when they were opened, to the cent but for rounding.
    """
    deals = cohort.deals
    closed = deals[(deals["outcome"] != "open") & deals["value_amount"].notna()]
    mine = cohort.passages[cohort.passages["opportunity_id"].isin(closed["opportunity_id"])]
    columns = ["opportunity_id", "outcome", "value_amount", "lost_reason"]
    mine = mine.merge(closed[columns], on="opportunity_id")
    mine = mine.assign(is_won=mine["outcome"] == "won")
    chance = mine.groupby("stage_order")["is_won"].mean()
    rows = []
    for order, name in cohort.names.items():
        here = mine[mine["stage_order"] == order]
        lost = here[here["result"] == "lost"]
        share = float(chance.get(order, np.nan))
        after = float(chance.get(_next(cohort, order), 1.0))
        passed = here.loc[here["result"] == "passed", "value_amount"].sum()
        rows.append(
            {
                "stage_order": order,
                "stage_name": name,
                "win_share": share,
                "lost_count": len(lost),
                "lost_amount": round(float(lost["value_amount"].sum()), 2),
                "recoverable_amount": round(float(lost["value_amount"].sum()) * share, 2),
                "no_decision_share": _no_decision(lost),
                "change_amount": passed * after - here["value_amount"].sum() * share,
            }
        )
    return pd.DataFrame(rows, columns=_LEAK_COLUMNS)


def _next(cohort: Cohort, order: int) -> int:
    later = [other for other in cohort.names if other > order]
    return min(later) if later else -1


def _no_decision(lost: pd.DataFrame) -> float:
    reasons = lost["lost_reason"].dropna().astype("str").str.lower()
    return float(reasons.isin(_NO_DECISION).mean()) if len(reasons) else float("nan")


def path_table(cohort: Cohort, rows: int = 10) -> pd.DataFrame:
    """Return the most frequent ways through the stages: how repeatable selling is.

    Columns: path (stages in the order of the stays, of closed deals); deal_count; deal_share;
    won_share; has_skip; has_return (came back to an earlier stage or was reopened).
    """
    closed = cohort.deals.loc[cohort.deals["outcome"] != "open", ["opportunity_id", "outcome"]]
    stays = cohort.stays[cohort.stays["opportunity_id"].isin(closed["opportunity_id"])]
    if stays.empty:
        return pd.DataFrame(columns=_PATH_COLUMNS)
    # An end is no skip of what lies before it; a stay after an end is a return.
    is_open = stays["stage_category"] == "open"
    order = stays["stage_order"].astype(int)
    deal = stays["opportunity_id"]
    step = order.groupby(deal).diff()
    is_after_end = is_open & ~is_open.groupby(deal).shift(1, fill_value=True)
    flags = pd.DataFrame(
        {"deal": deal, "skip": is_open & (step > 1), "back": is_after_end | (is_open & (step < 0))}
    )
    by_deal = _paths(stays)
    marks = flags.groupby("deal")[["skip", "back"]].any()
    table = closed.set_index("opportunity_id").join(by_deal).join(marks)
    table = table.assign(is_won=table["outcome"] == "won")
    found = table.groupby("path").agg(
        deal_count=("is_won", "size"),
        won_share=("is_won", "mean"),
        has_skip=("skip", "first"),
        has_return=("back", "first"),
    )
    found = found.sort_values(["deal_count"], ascending=False, kind="stable").reset_index()
    return found.assign(deal_share=found["deal_count"] / len(table)).head(rows)


def _paths(stays: pd.DataFrame) -> pd.Series:
    """The names of the stages of each deal in the order of its stays, joined; by opportunity_id.

    Step by step for all deals at once: a way is the way to the stay before, and one stage more.
    """
    deal, deals = pd.factorize(stays["opportunity_id"])
    stage, names = pd.factorize(stays["stage_name"])
    step = stays.groupby(deal).cumcount().to_numpy()
    order = np.argsort(step, kind="stable")
    way, texts = np.zeros(len(deals), dtype=int), np.array([""], dtype=object)
    for here in np.split(order, np.cumsum(np.bincount(step))[:-1]):
        mine = deal[here]
        longer, codes = np.unique(way[mine] * len(names) + stage[here], return_inverse=True)
        before, last = texts[longer // len(names)], np.asarray(names, object)[longer % len(names)]
        way[mine] = len(texts) + codes
        added = [f"{b} > {n}" if b else n for b, n in zip(before, last, strict=True)]
        texts = np.append(texts, np.array(added, dtype=object))
    return pd.Series(texts[way], index=deals, name="path", dtype="str")


def velocity(cohort: Cohort, seed: int, draws: int = 100) -> tuple[float, float, float]:
    """Return what the funnel brings per day: open deals x win share x value / cycle, 80 % interval.

    Win share and cycle (median days of won deals, open ones censored) are of the cohort, value the
    mean of won deals; the interval draws deals anew. NaN without a won deal.
    """
    deals = cohort.deals[["outcome", "age_days", "value_amount"]]
    generator = np.random.default_rng(seed)
    value, count = _velocity(deals, cohort.horizon_days), min(len(deals), _MOST_DRAWN)
    scale = len(deals) / max(count, 1)
    drawn = [
        _velocity(deals.iloc[generator.integers(0, len(deals), count)], cohort.horizon_days)
        for _ in range(draws)
    ]
    finite = scale * np.array([v for v in drawn if np.isfinite(v)])
    if not np.isfinite(value) or len(finite) < draws / 2:
        return value, float("nan"), float("nan")
    # Draws of fewer deals than there are lie further apart, by the root of how many fewer.
    low, high = value + (np.quantile(finite, [0.1, 0.9]) - value) / np.sqrt(scale)
    return value, float(low), float(high)


def _velocity(deals: pd.DataFrame, horizon: float) -> float:
    won = deals[deals["outcome"] == "won"]
    if won.empty:
        return float("nan")
    share = win_incidence(deals).at(horizon, "won")
    cycle = float(won["age_days"].median())
    open_count = int((deals["outcome"] == "open").sum())
    return open_count * share * float(won["value_amount"].mean()) / max(cycle, 1.0)
