"""What the chapter on targets does not know, and what its terms mean."""

import numpy as np
import pandas as pd

from analysis.core.scope import Scope
from analysis.strategy.tree_ahead import Ahead, Inputs
from analysis.strategy.tree_goals import METRICS
from analysis.strategy.tree_past import Past

DEFINITIONS = {
    "Factor": "Revenue of customers with a number is customers x orders per customer x "
    "value per order; margin is that x margin share. Parts sum to a change (Shapley).",
    "Volume, mix, price": "Of products sold in both years: more or fewer units of their range at "
    "old sales; dearer or cheaper products within the range; this year's units at the change of "
    "the mean price. New products and products no longer sold stand apart. They sum to the cent.",
    "Present rate": "The same time a year before x growth of the last four quarters on the four "
    "before.",
    "Chance": "That the target is reached, from the ranges of the forecast, the margin share and "
    "the market's size; the table says from which.",
    "Lever": "What a factor would bring if it did as in a good quarter of our own: the upper "
    "quartile of its changes on the year before, last eight quarters, drawn to their mean as far "
    "as luck explains them, beyond what is expected. Where the forecast differs from the present "
    "rate, each factor is expected to move in proportion to how much it moved before. Winning: "
    "the upper quartile of sellers for equal work. Levers multiply; each gets its fair part "
    "(Shapley), so nothing counts twice.",
    "Customers who order again": "Of those who ordered in the four quarters before. Customers won "
    "back after a longer time count as won.",
    "Offers and improvements": "Means to pull a lever. What they bring is taken off it. Of the "
    "offers to a customer in one category only the best counts: a second one would be sold instead "
    "of it. An improvement that may lose is counted with its loss.",
    "What it takes": "Worked back from what must come on top of the forecast for the target to be "
    "reached with the chance that the notebook sets (eight in ten), at the rates of the last year; "
    "ranges carry what is not known of these rates. It assumes that more leads are as good "
    "as those there were.",
    "Enough": "That what the pipeline is forecast to bring, or people at their pace of the year, "
    "cover the usual work and what is missing. Who leaves is replaced by somebody who learns.",
}


def caveats(past: Past, ahead: Ahead, inputs: Inputs, scope: Scope) -> tuple[str, ...]:
    """Return the limits of what the chapter says."""
    found = [*_data(past, inputs, scope), *_targets(ahead, inputs, scope)]
    return tuple([*found, *_selling(ahead, inputs), *ahead.means_said])


def _data(past: Past, inputs: Inputs, scope: Scope) -> list[str]:
    texts = []
    if any(part["margin"] != part["margin"] for part in past.sums):
        texts.append("Some costs are not known, so margin is not split.")
    first = scope.calendar.parse(str(past.quarters.index[0])).starts_on
    day = pd.to_datetime(inputs.business.company_days["day"]).min().date()
    if len(past.quarters) == 8 and (day - first).days > 7:
        name = past.quarters.index[0]
        texts.append(f"{name} is not in the data in whole: growth on that year is overstated.")
    products = past.products
    if products is None:
        texts.append("No sale names a product with a quantity: price and mix cannot be told.")
        return texts
    if products.untold_share > 0.0005:
        share = scope.display.share(products.untold_share, 1)
        texts.append(
            f"{share} of this year's sales name no product or no quantity; their change stands "
            "apart from price, volume and mix."
        )
    if not products.has_margin:
        texts.append("Some costs of products are not known: price and mix are of revenue only.")
    if inputs.business.products is None:
        texts.append("There is no table products: all products count as one range.")
    return texts


def _targets(ahead: Ahead, inputs: Inputs, scope: Scope) -> list[str]:
    texts = []
    if ahead.gaps.empty:
        texts.append("No revenue target of the company is known: a table targets gives it.")
    if ahead.unknown_metrics:
        names, known = ", ".join(ahead.unknown_metrics), ", ".join(METRICS)
        texts.append(
            f"Targets of the company for {names} are not followed here; names known: {known}."
        )
    targets = inputs.aims.targets
    if targets is not None:
        others = targets[(targets["level"] != "company") & (targets["metric"] != "revenue_amount")]
        mine = others[others["metric"].isin(list(METRICS))]
        if len(mine):
            levels = ", ".join(sorted(mine["level"].astype(str).unique()))
            texts.append(f"Targets of share and margin below the company ({levels}) are left out.")
    if ahead.forecast is None:
        texts.append("There is no forecast of the whole company: chances cannot be told.")
    if scope.period.cadence == "annual":
        texts.append("A lever of a year supposes that each of its quarters is a good one.")
    return texts


def _selling(ahead: Ahead, inputs: Inputs) -> list[str]:
    if ahead.selling is None:
        return ["There are no deals: what a target takes of selling cannot be worked back."]
    texts = ["Deals won count as revenue of the period in which they are won."]
    if inputs.sales.leads is None or not ahead.selling.converted_count:
        texts.append("No leads are known: what is needed ends with deals to open.")
    if not ahead.selling.stages:
        texts.append(
            "Stage by stage is not told here: it needs the chapter on the funnel of this period."
        )
    if inputs.sales.reps is None:
        texts.append("There is no table reps: people by role cannot be worked back.")
    elif inputs.chapters.ramp_months() is None:
        months = inputs.options.ramp_months
        texts.append(f"How long newcomers learn was not measured: {months:g} months are assumed.")
    if ahead.need is not None and ahead.need.empty and ahead.missing.sure_amount > 0:
        texts.append("Fewer than five deals were won in a year: nothing is worked back from them.")
    return texts


def unknown(ahead: Ahead, scope: Scope) -> tuple[str, ...]:
    """Return what a leader would ask next and the data cannot answer."""
    texts = []
    if np.isnan(ahead.missing.target):
        texts.append(f"Target of {scope.next_period}: none supplied.")
    metrics = set(ahead.goals["metric"])
    lacking = [name for metric, name in METRICS.items() if metric not in metrics]
    # "Margin" alone would deny a target of the margin share that stands in the same table.
    lacking = ["margin amount" if name == "margin" else name for name in lacking]
    lacking = [name for name in lacking if name != "revenue"]
    if lacking:
        texts.append(f"Targets of the company for {', '.join(lacking)}: none supplied.")
    texts.append("What pulling a lever costs: not in the data.")
    return tuple(texts)
