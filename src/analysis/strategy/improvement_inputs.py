"""Which number decides which improvement comes first: each promise and assumption, low and high."""

from dataclasses import replace

import numpy as np
import pandas as pd

from analysis.strategy.improvement_value import DEAL_DRIVERS, Base, driver_effect

NOBODY = "none: no improvement is worth its cost"
_MONTHS = 12
# Assumptions have no range of their own: half and twice as much is tried.
_HALF, _TWICE = 0.5, 2.0


def input_table(
    improvements: pd.DataFrame, base: Base, before: pd.DataFrame, spread_years: int
) -> pd.DataFrame:
    """Return one row per input: who comes first when it is low and when it is high.

    Columns: input; improvement_id (missing for an assumption); low, high (a promised effect's 10
    and 90 %, half and twice an assumption); low_first, high_first (name of the improvement
    worth most a year after its costs, all else in the middle); decides (whether the two differ);
    knowing_amount (of a promise: see `knowing_amounts`). Most worth knowing first, then those that
    decide.
    """
    known = improvements.sort_values("improvement_id", ignore_index=True)
    knowing = before.set_index("improvement_id")["knowing_amount"]
    rows = []
    for place, plan in enumerate(known.itertuples()):
        ends = [float(plan.effect_low), float(plan.effect_high)]
        firsts = [_first(_with_effect(known, place, end), base, spread_years) for end in ends]
        worth = float(knowing[plan.improvement_id])
        rows.append((f"Effect of {plan.name}", plan.improvement_id, *ends, *firsts, worth))
    for words, name in _assumptions(known):
        value = float(getattr(base, name))
        ends = [_HALF * value, _TWICE * value]
        if name == "used_share":
            ends[1] = min(1.0, ends[1])
        firsts = [_first(known, replace(base, **{name: end}), spread_years) for end in ends]
        rows.append((words, None, *ends, *firsts, np.nan))
    columns = ["input", "improvement_id", "low", "high", "low_first", "high_first"]
    table = pd.DataFrame(rows, columns=[*columns, "knowing_amount"])
    table.insert(6, "decides", table["low_first"] != table["high_first"])
    order = ["knowing_amount", "decides", "input"]
    return table.sort_values(order, ascending=[False, False, True], ignore_index=True)


def _assumptions(improvements: pd.DataFrame) -> list[tuple[str, str]]:
    """The assumptions that any of these improvements hangs on, in words and by name."""
    drivers = list(improvements["driver"])
    found = []
    if any(one.endswith("_time_share") for one in drivers):
        found += [("Cost of an hour", "hour_amount")]
        found += [("Share of freed hours that is used", "used_share")]
    if "response_hours" in drivers:
        found.append(("Deals gained by faster answers", "response_elasticity"))
    if any(one in DEAL_DRIVERS or one.endswith("_pass_share") for one in drivers):
        found.append(("Margin of deals won in a year", "deal_margin_amount"))
    return found


def _with_effect(improvements: pd.DataFrame, place: int, effect: float) -> pd.DataFrame:
    middle = improvements["effect_mid"].astype(float).copy()
    middle.iloc[place] = effect
    return improvements.assign(effect_mid=middle)


def _first(improvements: pd.DataFrame, base: Base, spread_years: int) -> str:
    worth = np.array([driver_effect(driver, base)[1] for driver in improvements["driver"]])
    month, once = (
        improvements[name].astype(float).fillna(0.0).to_numpy()
        for name in ("cost_month_amount", "cost_once_amount")
    )
    net = improvements["effect_mid"].astype(float).to_numpy() * worth - _MONTHS * month
    net = np.where(np.isfinite(worth), net - once / spread_years, -np.inf)
    best = int(np.argmax(net))
    return str(improvements["name"].iloc[best]) if net[best] > 0 else NOBODY
