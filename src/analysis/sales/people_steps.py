"""Are the required steps done, and do those who keep to the rules win more often?"""

import numpy as np
import pandas as pd

from analysis.core.statistics import wilson_interval
from analysis.sales.people_inputs import Work
from analysis.sales.people_models import Line, effect_line, person_effects
from analysis.sales.people_options import PeopleOptions

_FEWEST_PEOPLE = 6
_FEWEST_DEALS = 10  # ended deals of a person for a part in the relation
_BEFORE_SALE = "prospect"


def step_table(work: Work, process_steps: pd.DataFrame | None, least_shown: int) -> pd.DataFrame:
    """Return how often each required step was done in the won deals of the window.

    Required steps that come before a sale, of the latest version of the process (by its name), seen
    by an activity of their type; two steps of one type need two activities. Columns: step_id;
    step_name; activity_type; deal_count (won: they came all the way); done_count; done_share with
    low and high (80 %, missing below `least_shown` deals). Empty without steps or activities.
    """
    columns = ["step_id", "step_name", "activity_type", "deal_count", "done_count"]
    columns += ["done_share", "done_low_share", "done_high_share"]
    steps = _required(process_steps)
    if steps.empty or work.tasks.empty:
        return pd.DataFrame(columns=columns)
    deals = work.window.loc[work.window["is_won"], "opportunity_id"]
    seen = _seen(work, deals, steps)
    rows = []
    for place, step in enumerate(steps.itertuples()):
        done, count = int(seen[:, place].sum()), len(deals)
        shares = (done / count, *wilson_interval(done, count))
        shown = shares if count >= least_shown else (np.nan,) * 3
        rows.append((step.step_id, step.step_name, step.activity_type, count, done, *shown))
    return pd.DataFrame(rows, columns=columns)


def steps_by_person(work: Work, process_steps: pd.DataFrame | None) -> pd.Series:
    """Return the share of required steps done in the won deals of each rep_id."""
    steps = _required(process_steps)
    won = work.window[work.window["is_won"]]
    if steps.empty or work.tasks.empty or won.empty:
        return pd.Series(dtype=float)
    share = _seen(work, won["opportunity_id"], steps).mean(axis=1)
    return pd.Series(share, index=won.index).groupby(won["rep_id"]).mean()


def compliance_and_winning(
    work: Work, compliance: pd.DataFrame, steps: pd.Series, options: PeopleOptions
) -> pd.DataFrame:
    """Return whether people who keep to the rules win more often with the same work.

    Columns: measure ("tasks on time", "required steps done"); person_count; deal_count; odds_ratio
    of winning that goes with 10 points more, with low and high (95 %); p_value; is_told (below 5 %
    over the measures looked at). Between people, with differences for other reasons allowed for
    (`effect_line`), adjusted for product and channel. Missing with fewer than six people. An
    association: nothing says that keeping a deadline wins a deal.
    """
    ended = work.ended
    counts = ended["rep_id"].value_counts()
    kept = ended[ended["rep_id"].isin(counts.index[counts >= _FEWEST_DEALS])]
    effects = person_effects(kept, "rep_id", "is_won") if len(kept) else None
    on_time = compliance.set_index("rep_id")["on_time_share"].dropna()
    measures = {"tasks on time": on_time, "required steps done": steps}
    rows = [_relation(name, effects, values) for name, values in measures.items()]
    columns = ["measure", "person_count", "deal_count", "odds_ratio", "odds_low", "odds_high"]
    table = pd.DataFrame(rows, columns=[*columns, "p_value"])
    tested = int(table["p_value"].notna().sum())
    return table.assign(is_told=table["p_value"] * tested < options.false_discovery_share)


def _relation(name: str, effects: pd.DataFrame | None, values: pd.Series) -> tuple:
    known = effects[effects["rep_id"].isin(values.index)] if effects is not None else ()
    if len(known) < _FEWEST_PEOPLE:
        return name, len(known), 0, np.nan, np.nan, np.nan, np.nan
    share = values.reindex(known["rep_id"])
    line: Line = effect_line(known["effect"], known["variance"], share)
    deals = int(known["deal_count"].sum())
    if np.isnan(line.slope):
        return name, len(known), deals, np.nan, np.nan, np.nan, np.nan
    odds = np.exp(0.1 * np.array([line.slope, *line.interval(0.95)]))
    return name, len(known), deals, *odds, line.p_value


def _required(process_steps: pd.DataFrame | None) -> pd.DataFrame:
    if process_steps is None:
        return pd.DataFrame()
    is_latest = process_steps["model_version"] == process_steps["model_version"].max()
    is_required = process_steps["is_required"].astype("boolean").fillna(value=False).astype(bool)
    is_before = process_steps["customer_state"].fillna(_BEFORE_SALE) == _BEFORE_SALE
    steps = process_steps[is_latest & is_required & is_before]
    steps = steps[steps["activity_type"].notna()].sort_values(["step_order", "step_id"])
    return steps.assign(number=steps.groupby("activity_type").cumcount() + 1)


def _seen(work: Work, deals: pd.Series, steps: pd.DataFrame) -> np.ndarray:
    """Deal x step: whether there were enough activities of the step's type."""
    done = work.tasks[work.tasks["completed_at"].notna()]
    done = done[done["opportunity_id"].isin(deals)]
    counts = pd.crosstab(done["opportunity_id"], done["activity_type"])
    counts = counts.reindex(index=deals, columns=steps["activity_type"], fill_value=0)
    return counts.to_numpy() >= steps["number"].to_numpy()[None, :]
