"""What is revenue made of, how far is it from the target, and what does the target take?"""

import pandas as pd

from analysis.core.figures import Chart
from analysis.core.result import Result
from analysis.core.scope import Scope
from analysis.strategy.target_tree_chart import tree_chart
from analysis.strategy.tree_ahead import Ahead, Inputs, ahead_of
from analysis.strategy.tree_bridge_chart import lever_bridge_chart
from analysis.strategy.tree_decomposition import year_names
from analysis.strategy.tree_findings import decisions, findings, headline
from analysis.strategy.tree_gap import quarter_sums
from analysis.strategy.tree_inputs import Aims, Business, Chapters, Sales, TargetTreeOptions
from analysis.strategy.tree_limits import DEFINITIONS, caveats, unknown
from analysis.strategy.tree_past import Past, lever_table, past_of
from analysis.strategy.tree_words import with_factor_words, with_goal_words, with_lever_words

__all__ = ["Aims", "Business", "Chapters", "Sales", "TargetTreeOptions", "target_tree"]

NAME = "target_tree"
TITLE = "What the target takes"
_CADENCES = ("quarterly", "annual")
_FEWEST_QUARTERS = 8


def target_tree(
    business: Business,
    aims: Aims | None = None,
    sales: Sales | None = None,
    chapters: Chapters | None = None,
    *,
    scope: Scope,
    options: TargetTreeOptions | None = None,
) -> Result:
    """Split revenue and margin into factors, hold them against targets, work back what they take.

    Tables of the Result: `tree` (factors of the last four quarters and of those before, and what
    the change of each made; the line without a customer makes the parts sum to the company),
    `levers` (what a small change of one factor brings in a year), `price_volume_mix`,
    `category_changes` and `product_changes` (see `tree_products`), `gaps` (revenue targets of the
    last four periods and the next), `goals` (each metric's target, see `goal_table`), `bridge` (see
    `bridge_of`), `need` (deals by stage and leads for what is missing), `people` (by role) and
    `enough` (whether pipeline and people suffice). In an annual report periods are fiscal years.
    """
    given = (aims or Aims(), sales or Sales(), chapters or Chapters())
    inputs = Inputs(business, *given, options or TargetTreeOptions())
    if scope.period.cadence not in _CADENCES:
        sentence = f"{scope.period} is no quarter or year; targets are followed by these."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    names = year_names(business.customer_periods, scope.closing_quarter.period.name)
    quarters = quarter_sums(business.company_days, scope)
    if not names[0] or len(quarters) < _FEWEST_QUARTERS:
        sentence = "Fewer than eight quarters are known: two years cannot be compared."
        return Result.nothing(NAME, TITLE, scope.period, sentence)
    past = past_of(business, names, quarters)
    ahead = ahead_of(inputs, past, scope)
    return Result(
        name=NAME,
        title=TITLE,
        period=scope.period.name,
        as_of=scope.as_of,
        headline=headline(past, ahead, scope),
        findings=findings(past, ahead, scope),
        decisions=decisions(ahead, scope),
        tables=_tables(past, ahead, inputs.options, scope),
        charts=_charts(past, ahead, scope),
        caveats=caveats(past, ahead, inputs, scope),
        definitions=DEFINITIONS,
        unknown=unknown(ahead, scope),
    )


def _charts(past: Past, ahead: Ahead, scope: Scope) -> dict[str, Chart]:
    charts = {"tree": tree_chart(past.tree, past.quarters, scope)}
    steps = ahead.bridge.table.set_index("step")["part_amount"]
    # Without a lever, a forecast and a target there is nothing to bridge.
    if steps.drop(["rate", "together"]).abs().max() > 0:
        charts["bridge"] = lever_bridge_chart(ahead.bridge.table, scope)
    return charts


def _tables(
    past: Past, ahead: Ahead, options: TargetTreeOptions, scope: Scope
) -> dict[str, pd.DataFrame]:
    tables = {"tree": with_factor_words(past.tree, scope.display)}
    tables |= {"levers": lever_table(past.sums[1], options.lever_share)}
    if past.products is not None:
        tables["price_volume_mix"] = past.products.parts
        tables["category_changes"] = past.products.categories
        tables["product_changes"] = past.products.largest
    tables["gaps"] = ahead.gaps
    tables["goals"] = with_goal_words(ahead.goals, scope.display)
    tables["bridge"] = with_lever_words(ahead.bridge.table, scope.display)
    selling = {"need": ahead.need, "people": ahead.people, "enough": ahead.enough}
    return tables | {name: table for name, table in selling.items() if table is not None}
