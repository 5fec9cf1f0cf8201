"""What is revenue made of, how far is it from the target, and what does the target take?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.core.result import Decision, Finding, Number, Result
from analysis.core.scope import Scope
from analysis.strategy.target_tree_chart import tree_chart
from analysis.strategy.tree_backwards import Selling, need_table, selling_of
from analysis.strategy.tree_decomposition import (
    FACTORS,
    factors_of,
    tree_table,
    year_names,
    year_sums,
)
from analysis.strategy.tree_gap import company_targets, gap_table

NAME = "target_tree"
TITLE = "What the target takes"
_NO_CUSTOMER = "without a customer"
_DEFINITIONS = {
    "Factor": "Revenue of customers with a number is customers x orders per customer x "
    "value per order; margin is that x margin share. Parts sum to a change (Shapley).",
    "Present rate": "The same quarter a year before x growth of the last four quarters on "
    "the four before.",
    "Chance": "That the next quarter's forecast reaches the target, from its 80 % range.",
    "What it takes": "Worked back from what is missing at the rates of the last year; "
    "ranges carry what is not known of these rates. It assumes that more leads are as good "
    "as those there were.",
}


@dataclass(frozen=True)
class TargetTreeOptions:
    """Choices of the chapter on targets."""

    lever_share: float = 0.01  # change of one factor whose worth is shown, 0.01 is 1 %
    seed: int = 0  # of draws

    def __post_init__(self) -> None:
        problems = []
        if not 0 < self.lever_share <= 1:
            where, expected = "target_tree option lever_share", "above 0, up to 1"
            problems.append(Problem(where, str(self.lever_share), expected, "mend the value"))
        if not 0 <= self.seed < 2**32:
            where = "target_tree option seed"
            problems.append(Problem(where, str(self.seed), "0 to 4294967295", "mend the value"))
        raise_all(problems, SettingsError)


@dataclass(frozen=True)
class Ahead:
    """What other chapters say of the next quarter; None where there is none.

    `forecast` has middle, low and high of the whole company's next quarter; `selling` the counts
    behind the rates of the funnel.
    """

    forecast: dict[str, float] | None = None
    selling: Selling | None = None


def target_tree(
    customer_periods: pd.DataFrame,
    company_days: pd.DataFrame,
    targets: pd.DataFrame | None = None,
    ahead: Ahead | None = None,
    *,
    scope: Scope,
    options: TargetTreeOptions | None = None,
) -> Result:
    """Split revenue and margin into factors, hold it against the targets, work back what it takes.

    Tables of the Result: `tree` (factors of identified revenue, this year and the one before, and
    what the change of each made; the line without a customer makes the parts sum to the company),
    `levers` (what a small change of one factor brings in a year), `gaps` (targets of the last four
    quarters and the next), `need` (deals, leads, people for what is missing to the next target).
    """
    options, ahead = options or TargetTreeOptions(), ahead or Ahead()
    if scope.period.cadence != "quarterly":
        sentence = f"{scope.period} is not a quarter; targets are followed by quarter."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    before, now = year_names(customer_periods, scope.period.name)
    if not before:
        sentence = "Fewer than eight quarters are known: two years cannot be compared."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    sums = year_sums(customer_periods, before), year_sums(customer_periods, now)
    quarters = _quarters(company_days, scope)
    tree = _with_rest(tree_table(*sums), sums, quarters)
    gaps = gap_table(
        company_targets(targets, scope) if targets is not None else _no_targets(),
        quarters,
        ahead.forecast,
        scope,
    )
    need = need_table(_missing(gaps, scope), ahead.selling, options.seed) if ahead.selling else None
    tables = {"tree": tree, "levers": lever_table(sums[1], options), "gaps": gaps}
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=_headline(quarters, gaps, sums[1], scope),
        findings=_findings(tree, gaps, need, scope),
        decisions=_decisions(gaps, need, scope),
        tables=tables | ({} if need is None else {"need": need}),
        charts={"tree": tree_chart(tree, quarters, scope)},
        caveats=_caveats(sums, gaps, ahead, scope),
        definitions=_DEFINITIONS,
    )


def ahead_of(
    growth_totals: pd.DataFrame | None,
    opportunities: pd.DataFrame | None,
    leads: pd.DataFrame | None,
    reps: pd.DataFrame | None,
    *,
    scope: Scope,
) -> Ahead:
    """Return what growth's totals and the deals say of the next quarter.

    The whole company's forecast; the counts of a year of selling, with the full-time share of
    people who own deals and have not left.
    """
    forecast = None if growth_totals is None else _whole_forecast(growth_totals)
    if opportunities is None:
        return Ahead(forecast)
    sellers = float("nan")
    if reps is not None:
        end = pd.Timestamp(scope.as_of)
        here = reps[reps["left_on"].isna() | (reps["left_on"] > end)]
        here = here[here["rep_id"].isin(opportunities["rep_id"].dropna())]
        sellers = float(here["fte_share"].astype(float).fillna(1.0).sum())
    people = 0.0 if np.isnan(sellers) else sellers
    return Ahead(forecast, selling_of(opportunities, leads, people, pd.Timestamp(scope.as_of)))


def _whole_forecast(totals: pd.DataFrame) -> dict[str, float] | None:
    whole = totals[totals["level"] == "whole company"]
    if whole.empty:
        return None
    row = whole.iloc[0]
    names = {"middle": "", "low": "_low", "high": "_high"}
    return {name: float(row[f"forecast_quarter{part}_amount"]) for name, part in names.items()}


def lever_table(now: dict[str, float], options: TargetTreeOptions) -> pd.DataFrame:
    """Return what a change of one factor alone brings in a year.

    Columns: factor; name; change_share; revenue_amount; margin_amount (missing where a margin is).
    """
    factors = factors_of(now)
    rows = []
    for name in FACTORS:
        changed = factors | {name: factors[name] * (1 + options.lever_share)}
        three = [n for n in FACTORS if n != "margin"]
        revenue = float(np.prod([changed[n] for n in three])) - now["revenue"]
        margin = float(np.prod([changed[n] for n in FACTORS])) - now["margin"]
        rows.append((name, FACTORS[name], options.lever_share, round(revenue, 2), round(margin, 2)))
    columns = ["factor", "name", "change_share", "revenue_amount", "margin_amount"]
    return pd.DataFrame(rows, columns=columns)


def _quarters(company_days: pd.DataFrame, scope: Scope) -> pd.Series:
    """Revenue of each whole quarter to the period, by name."""
    counted = company_days[company_days["is_revenue"]]
    days = pd.to_datetime(counted["day"])
    counted = counted[days <= pd.Timestamp(scope.as_of)]
    days = days[days <= pd.Timestamp(scope.as_of)]
    names = {day: scope.calendar.containing(day.date(), "quarterly").name for day in days.unique()}
    return counted["amount"].astype(float).groupby(days.map(names).to_numpy()).sum().sort_index()


def _with_rest(
    tree: pd.DataFrame, sums: tuple[dict[str, float], dict[str, float]], quarters: pd.Series
) -> pd.DataFrame:
    before, now = float(quarters.iloc[-8:-4].sum()), float(quarters.iloc[-4:].sum())
    rest = before - sums[0]["revenue"], now - sums[1]["revenue"]
    row = ("rest", _NO_CUSTOMER, *rest, rest[1] - rest[0], float("nan"))
    return pd.concat([tree, pd.DataFrame([row], columns=tree.columns)], ignore_index=True)


def _no_targets() -> pd.DataFrame:
    days = pd.Series(dtype="datetime64[s]")
    return pd.DataFrame({"starts_on": days, "ends_on": days, "value": pd.Series(dtype=float)})


def _missing(gaps: pd.DataFrame, scope: Scope) -> float:
    coming = gaps[gaps["period"] == scope.next_period.name]
    gap = float(coming["gap_amount"].iloc[0]) if len(coming) else 0.0
    return gap if gap > 0 else 0.0


def _headline(
    quarters: pd.Series, gaps: pd.DataFrame, now: dict[str, float], scope: Scope
) -> dict[str, Number]:
    year = float(quarters.iloc[-4:].sum())
    before = float(quarters.iloc[-8:-4].sum())
    numbers = {
        "year": Number("Revenue of the last four quarters", year, "amount", year_before=before)
    }
    if now["margin"] == now["margin"]:
        share = now["margin"] / now["revenue"] if now["revenue"] else float("nan")
        numbers["margin"] = Number("Margin of identified revenue", share, "share")
    coming = gaps[gaps["period"] == scope.next_period.name]
    if len(coming):
        row = coming.iloc[0]
        note = (
            ""
            if np.isnan(row["chance_share"])
            else (f"reached with a chance of {scope.display.share(row['chance_share'], 0)}")
        )
        label = f"Target for {scope.next_period}"
        numbers["target"] = Number(label, float(row["target_amount"]), "amount", note=note)
    return numbers


def _findings(
    tree: pd.DataFrame, gaps: pd.DataFrame, need: pd.DataFrame | None, scope: Scope
) -> tuple[Finding, ...]:
    found = [_tree_finding(tree, scope), _past_finding(gaps, scope)]
    found += [_next_finding(gaps, scope), _need_finding(need, scope)]
    return tuple(finding for finding in found if finding is not None)


def _tree_finding(tree: pd.DataFrame, scope: Scope) -> Finding:
    parts = tree[tree["factor"] != "margin"].set_index("name")["revenue_part_amount"]
    change, amount = float(parts.sum()), scope.display.amount
    ordered = parts.loc[parts.abs().sort_values(ascending=False).index]
    text = "; ".join(f"{name} {amount(value)}" for name, value in ordered.items())
    verb = "more" if change >= 0 else "less"
    return Finding(
        f"The last four quarters brought {amount(abs(change))} {verb} than the four before; "
        f"most of it through {ordered.index[0]}.",
        f"It splits exactly into: {text}.",
        metric="revenue_year",
        value=change,
    )


def _past_finding(gaps: pd.DataFrame, scope: Scope) -> Finding | None:
    over = gaps[gaps["actual_amount"].notna()]
    if over.empty:
        return None
    met = int((over["gap_amount"] <= 0).sum())
    share = scope.display.share
    texts = "; ".join(f"{row.period} {share(row.attained_share, 0)}" for row in over.itertuples())
    count = scope.display.count
    return Finding(
        f"{count(met)} of the last {count(len(over))} quarterly targets were met.",
        f"Attained: {texts}.",
    )


def _next_finding(gaps: pd.DataFrame, scope: Scope) -> Finding | None:
    coming = gaps[gaps["period"] == scope.next_period.name]
    if coming.empty or np.isnan(coming["gap_amount"].iloc[0]):
        return None
    row, amount = coming.iloc[0], scope.display.amount
    chance = scope.display.share(row["chance_share"], 0)
    rate = amount(row["rate_amount"])
    is_short = row["gap_amount"] > 0
    distance = f"{amount(abs(row['gap_amount']))} {'short of' if is_short else 'above'} the target"
    return Finding(
        f"{scope.next_period} is expected {distance} of {amount(row['target_amount'])}; it is "
        f"reached with a chance of {chance}.",
        f"Forecast {amount(row['forecast_amount'])} (80 % range "
        f"{amount(row['forecast_low_amount'])} to {amount(row['forecast_high_amount'])}); at the "
        f"present rate {rate}.",
        metric="target_gap",
        value=float(row["gap_amount"]),
        rank=float(abs(row["gap_amount"])),
    )


def _need_finding(need: pd.DataFrame | None, scope: Scope) -> Finding | None:
    if need is None or need.empty:
        return None
    number = scope.display.number
    rows = need[need["step"] != "revenue"]
    texts = [
        f"{row.name_} {number(row.mid, 0)} ({number(row.low, 0)} to {number(row.high, 0)})"
        for row in rows.rename(columns={"name": "name_"}).itertuples()
    ]
    amount = scope.display.amount(need.loc[need["step"] == "revenue", "mid"].iloc[0])
    return Finding(
        f"To win the {amount} that are missing through new deals takes: {texts[0]}.",
        "; ".join(texts) + ". 80 % ranges, at the rates of the last year.",
    )


def _decisions(gaps: pd.DataFrame, need: pd.DataFrame | None, scope: Scope) -> tuple[Decision, ...]:
    coming = gaps[gaps["period"] == scope.next_period.name]
    if coming.empty or not coming["gap_amount"].iloc[0] > 0:
        return ()
    row = coming.iloc[0]
    text = f"Keep the target of {scope.next_period}, or change it or the means?"
    chance = None if np.isnan(row["chance_share"]) else float(row["chance_share"])
    return (
        Decision(
            text,
            worth_amount=float(row["gap_amount"]),
            due_on=scope.next_period.starts_on,
            chance_share=chance,
        ),
    )


def _caveats(
    sums: tuple[dict[str, float], dict[str, float]],
    gaps: pd.DataFrame,
    ahead: Ahead,
    scope: Scope,
) -> tuple[str, ...]:
    texts = []
    if any(part["margin"] != part["margin"] for part in sums):
        texts.append("Some costs are not known, so margin is not split.")
    if gaps.empty:
        texts.append("No revenue target of the company is known: a table targets gives it.")
    if ahead.forecast is None:
        texts.append("There is no forecast of the whole company: chances cannot be told.")
    if ahead.selling is None:
        texts.append("There are no deals: what a target takes of selling cannot be worked back.")
    return tuple(texts)
