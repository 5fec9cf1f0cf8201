"""The sentences of the pipeline forecast; none says more than its range allows."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import binomtest

from analysis.core.result import Decision, Finding
from analysis.core.scope import Scope
from analysis.sales.funnel_cohort import Tables
from analysis.sales.pipeline_backtest import MODELS, OURS
from analysis.sales.pipeline_money import Overlap, money_finding, plans_with_orders
from analysis.sales.pipeline_options import PipelineOptions
from analysis.sales.pipeline_origins import Forecast
from analysis.sales.pipeline_simulation import luck_deviation
from analysis.sales.pipeline_waterfall import END, LOST, MOVED_OUT, NEW, START, WON

_LARGE_BIAS = 0.1
_SMALL_CHANGE = 0.03
_SURPRISING = 0.05  # p-value
_FEWEST_LEANING = 4  # quarters for a bias to be called one


@dataclass(frozen=True)
class Pages:
    """The tables that sentences are made of."""

    past: pd.DataFrame
    scores: pd.DataFrame
    coverage: pd.DataFrame
    steps: pd.DataFrame
    due_steps: pd.DataFrame
    leads: pd.DataFrame
    grades: pd.DataFrame
    money: pd.DataFrame
    overlap: Overlap


def findings(now: list[Forecast], pages: Pages, scope: Scope) -> tuple[Finding, ...]:
    """Return what is to come, how far to trust it, and what moved."""
    found = [_ahead(now[0], pages, scope), *(_year(one, scope) for one in now[1:])]
    found += [money_finding(pages.overlap, pages.money, scope)]
    found += [_frozen(pages.grades, scope), contest(pages.scores, scope)]
    found += [ranges(pages.coverage, scope), _weighting(pages.scores, scope)]
    found += [_moves(pages.steps, pages.due_steps, scope), _leads(pages.leads, scope)]
    return tuple(one for one in found if one is not None)


def _ahead(one: Forecast, pages: Pages, scope: Scope) -> Finding:
    amount = scope.display.amount
    low, high = np.quantile(one.draws.total, [0.1, 0.9])
    mean = float(one.draws.total.mean())
    verb = "is" if one.ahead.words == one.ahead.name else "are"
    opened, new = float(one.draws.opened.mean()), float(one.draws.new.mean())
    little = (
        " There is little data: the table of stage and age had to do." if one.model.is_table else ""
    )
    return Finding(
        f"{_upper(one.ahead.words)} {verb} expected to bring {amount(mean)} of won deals, in "
        f"four of five such quarters between {amount(low)} and {amount(high)}.",
        f"Of it {amount(opened)} from deals that are open now and {amount(new)} from deals that "
        f"nobody has opened yet.{little}{_told_apart(pages)}",
        metric="won_amount",
        comparison=one.ahead.name,
        value=mean,
        low=float(low),
        high=float(high),
        rank=mean,
    )


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _told_apart(pages: Pages) -> str:
    """Say of what money the forecast is, where invoices are forecast too."""
    if not pages.overlap.is_known:
        return ""
    if not pages.overlap.is_same:
        return " It is value won, a part of what will be invoiced, never on top of it."
    if plans_with_orders(pages.money):
        return " The same money as the forecast from orders, which is the one to plan with."
    return ""


def _year(one: Forecast, scope: Scope) -> Finding:
    amount = scope.display.amount
    low, high = np.quantile(one.draws.total, [0.1, 0.9])
    new = float(one.draws.new.mean() / max(one.draws.total.mean(), 1e-9))
    return Finding(
        f"{_upper(one.ahead.words)} are expected to bring {amount(one.draws.total.mean())}, "
        f"between {amount(low)} and {amount(high)} in four of five such years.",
        f"{scope.display.share(new, 0)} of it is to come from deals that nobody has opened yet: it "
        "holds as long as deals are opened as often as in the last year.",
    )


def _frozen(grades: pd.DataFrame, scope: Scope) -> Finding | None:
    if grades.empty:
        return None
    amount, change = scope.display.amount, scope.display.change
    quarters = grades[grades["horizon"] == "quarter"]
    ours = quarters[quarters["model"] == OURS]
    if ours.empty:
        return None
    last = ours.iloc[-1]
    inside = "inside" if last["is_inside"] else "outside"
    kept = f"{int(ours['is_inside'].eq(True).sum())} of {len(ours)}"
    closest = quarters[(quarters["origin"] == last["origin"]) & quarters["is_closest"]]["model"]
    return Finding(
        f"For {last['period']} the published forecast was {amount(last['forecast_amount'])} and "
        f"{amount(last['actual_amount'])} came ({change(last['error_share'], 0)}), {inside} its "
        "range.",
        f"Closest was {closest.iloc[0]}. Ranges held in {kept} published "
        f"{'quarter' if len(ours) == 1 else 'quarters'}.",
    )


def contest(scores: pd.DataFrame, scope: Scope) -> Finding | None:
    """Say whether the forecast or a simpler rule was closer in earlier quarters."""
    if scores.empty:
        return None
    amount = scope.display.amount
    ours, rules = scores.iloc[0], scores.iloc[1:]
    count = int(ours["quarter_count"])
    if rules.empty or count < _FEWEST_LEANING:
        return None
    texts = "; ".join(f"{row.model} {amount(row.crps_amount)}" for row in rules.itertuples())
    detail = f"Score over {count} earlier quarters (how far off on average, lower is better): "
    detail += f"{OURS} {amount(ours['crps_amount'])}; {texts}."
    is_better = rules["crps_amount"] < ours["crps_amount"]
    better = rules.loc[is_better, "model"].tolist()
    unsure = rules.loc[~rules["is_beyond_chance"].astype(bool), "model"].tolist()
    if better:
        text = f"A simpler rule would have been closer in earlier quarters: {', '.join(better)}."
        if set(better) <= set(unsure):
            text += f" {count} quarters are too few to say that it is better."
        return Finding(text, detail)
    text = f"In {count} earlier quarters the forecast was closer than every simpler rule"
    chance = f"; too few quarters to be sure of it against: {', '.join(unsure)}."
    return Finding(text + (chance if unsure else ", by more than chance explains."), detail)


def ranges(coverage: pd.DataFrame, scope: Scope) -> Finding | None:
    """Say whether the 80 % range held what came as often as it should."""
    row = coverage[coverage["level_share"] == 0.8]
    if row.empty:
        return None
    one, share = row.iloc[0], scope.display.share
    inside, count = int(one["inside_count"]), int(one["quarter_count"])
    ends = f"{share(one['inside_low_share'], 0)} and {share(one['inside_high_share'], 0)}"
    words = "as meant" if count >= _FEWEST_LEANING else "too few to tell whether it is as meant"
    if binomtest(inside, count, 0.8).pvalue < _SURPRISING:
        side = "narrow" if inside / count < 0.8 else "wide"
        words = f"not as meant: read it as too {side}"
    return Finding(
        f"The 80 % range held what came in {inside} of {_quarters(count)}, {words}.",
        f"So few quarters leave its true rate between {ends}.",
    )


def _quarters(count: int) -> str:
    return "1 earlier quarter" if count == 1 else f"{count} earlier quarters"


def _weighting(scores: pd.DataFrame, scope: Scope) -> Finding | None:
    if scores.empty:
        return None
    row = scores[scores["model"] == MODELS["stage_due"]]
    if row.empty or int(row["quarter_count"].iloc[0]) < _FEWEST_LEANING:
        return None
    bias, ours = float(row["bias_share"].iloc[0]), float(scores["bias_share"].iloc[0])
    change = scope.display.change
    side = "too little" if bias < 0 else "too much"
    if abs(bias) < _LARGE_BIAS:
        return None
    return Finding(
        f"The CRM's stage-weighted sum of deals due in a quarter said {side}: {change(bias, 0)} "
        f"over the earlier quarters; this forecast {change(ours, 0)}.",
        "It weighs what is due by the sellers' own dates and knows nothing of deals still to be "
        "opened.",
    )


def _moves(steps: pd.DataFrame, due_steps: pd.DataFrame, scope: Scope) -> Finding | None:
    if _is_unvalued(steps, START) or _is_unvalued(steps, END):
        return _counted_moves(steps, scope)
    by_step = steps.set_index("step")["step_amount"]
    due = due_steps.set_index("step")["step_amount"]
    amount = scope.display.amount
    if not by_step.sum():
        return None
    change = by_step[END] / by_step[START] - 1 if by_step[START] else 1.0
    words = "grew" if change > 0 else "shrank"
    words = words if abs(change) >= _SMALL_CHANGE else "stayed about the same,"
    return Finding(
        f"The pipeline {words} from {amount(by_step[START])} to {amount(by_step[END])}.",
        f"New {amount(by_step[NEW])}, won {amount(by_step[WON])}, lost {amount(by_step[LOST])}. Of "
        f"what was due by now at the start ({amount(due[START])}), {amount(due[MOVED_OUT])} was "
        f"put off and {amount(due[END])} is open and overdue.",
    )


def _is_unvalued(steps: pd.DataFrame, step: str) -> bool:
    """Whether there are deals in the step and none has a value."""
    row = steps[steps["step"] == step].iloc[0]
    return bool(row["deal_count"] > 0 and not row["step_amount"])


def _counted_moves(steps: pd.DataFrame, scope: Scope) -> Finding:
    number = {row.step: scope.display.count(row.deal_count) for row in steps.itertuples()}
    return Finding(
        "What the pipeline is worth is not known: open deals have no value.",
        f"It went from {number[START]} to {number[END]} open deals: {number[NEW]} new, "
        f"{number[WON]} won, {number[LOST]} lost.",
    )


def _leads(leads: pd.DataFrame, scope: Scope) -> Finding | None:
    if leads.empty:
        return None
    ahead = leads[leads["is_ahead"]]
    amount, count = scope.display.amount, scope.display.count
    brought = float(ahead["expected_amount"].sum())
    return Finding(
        f"At the present rate of {count(ahead['lead_count'].iloc[0])} leads a month, leads bring "
        f"{amount(brought)} of won deals in the next three months.",
        "It follows from the number of leads and how long they took to become revenue, whatever "
        "stands in the pipeline.",
    )


def decisions(one: Forecast, scope: Scope) -> tuple[Decision, ...]:
    """Return what leaders are asked: which number to plan with, where the CRM's is far off."""
    low, high = np.quantile(one.draws.total, [0.1, 0.9])
    said, mean = one.simple["stage_due"], float(one.draws.total.mean())
    if not np.isfinite(said) or low <= said <= high:
        return ()
    amount = scope.display.amount
    text = (
        f"Plan {one.ahead.words} with {amount(mean)} rather than the {amount(said)} that the CRM's "
        "stages and dates give?"
    )
    nearer = np.abs(one.draws.total - mean) < np.abs(one.draws.total - said)
    worth, due_on = abs(mean - said), scope.due_by(one.ahead.starts.date())
    return (Decision(text, worth, due_on=due_on, chance_share=float(nearer.mean())),)


def caveats(
    one: Forecast, tables: Tables, has_activities: bool, options: PipelineOptions, scope: Scope
) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    model, share = one.model, scope.display.share
    texts = [
        "Won value is the value of deals on the day they are won, not invoiced revenue.",
        f"All deals of a quarter share a luck of {share(luck_deviation(one.weights), 0)}, learnt "
        f"from earlier quarters and an assumption of {share(options.shock_share, 0)}.",
    ]
    if model.is_table:
        texts.append(
            f"Little data: {model.won_count} won and {model.lost_count} lost deals to learn from; "
            f"{options.least_model_deals} of each are asked for a model. Chances are those of "
            "stage and age, drawn to the average."
        )
    if tables.stage_events is None or tables.stages is None:
        texts.append(
            "There is no history of stages: chances go by age alone, values and dates of the past "
            "are those of today, and stage-weighted sums cannot be told for earlier quarters."
        )
    if not has_activities:
        texts.append("No activities are known: how long a deal has been quiet plays no part.")
    if scope.is_cut_short:
        texts.append("The data end before the period does: deals won since are missing.")
    return tuple(texts)


def definitions(options: PipelineOptions) -> dict[str, str]:
    """Return what each term of the chapter means."""
    return {
        "Stage-weighted": "Value times the chance that the CRM gives to the stage; “due” "
        "counts only deals that their owners expect to close in the period.",
        "Won in time": "The chance that an open deal is won within the period, beside being lost "
        "or staying open, learnt from deals like it on earlier days.",
        "Deals not opened yet": f"Deals opened per day in the last {options.creation_days} days "
        "(or since the first one), times the share won by age, times the value of won deals.",
        "80 % range": "Ten per cent of simulated quarters bring less, ten per cent more.",
        "Miss": "Sum of the differences between forecast and outcome, over what came.",
        "Score": "Continuous ranked probability score, in money: how far the whole range is from "
        "what came. Lower is better; of a rule without a range it is its miss.",
        "Brier score": "Mean squared difference between the chance of a deal and whether it was "
        "won in time; lower is better.",
        "Moved in, moved out": "Deals whose expected day came into the window or left it; deals "
        "opened again move in.",
    }
