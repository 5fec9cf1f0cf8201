"""From the present rate to the target, lever by lever: parts that sum, each measured."""

from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from analysis.core.decomposition import shapley
from analysis.strategy.tree_draws import Floats, lognormal_draws
from analysis.strategy.tree_levers import DRAWS, LEVERS, Lever, expected_levers

_FUNNEL = ("leads", "convert", "win", "won")
_COLUMNS = ["step", "name", "from_value", "to_value", "part_amount", "part_low_amount"]
_COLUMNS += ["part_high_amount", "source"]
# Driver of an improvement -> the lever that it is a means of.
_DRIVERS = {
    "order_amount": "value",
    "orders_per_customer": "orders",
    "retention_share": "keep",
    "leads": "leads",
    "convert_share": "convert",
    "win_share": "win",
    "response_hours": "win",
}


@dataclass(frozen=True)
class Start:
    """Where the bridge begins: the next period at the present rate, and the forecast of it.

    `customer_share` is the part of revenue with a customer, `kept_share` the part of that which
    customers of the year before bring.
    """

    rate: float
    forecast: dict[str, float] | None
    customer_share: float
    kept_share: float


@dataclass(frozen=True)
class Means:
    """Something planned that carries a part of a lever: offers, an improvement yet to come."""

    step: str
    name: str
    levers: tuple[str, ...]
    amount: float  # of the period
    draws: Floats
    source: str
    is_capped: bool  # it never brings more than its levers do


@dataclass(frozen=True)
class Bridge:
    """The parts, and the chance that all levers together reach the target (missing if unknown)."""

    table: pd.DataFrame
    together_amount: float
    target_amount: float
    chance_share: float

    @property
    def open_amount(self) -> float:
        """What stays open of the target; 0 or less when the levers reach it."""
        return self.target_amount - self.together_amount


def lever_of_driver(driver: str) -> str:
    """Return the lever that an improvement with this driver is a means of; empty for none."""
    return "win" if driver.endswith("_pass_share") else _DRIVERS.get(driver, "")


def bridge_of(
    start: Start, levers: list[Lever], means: list[Means], target: float, seed: int
) -> Bridge:
    """Return the bridge from the present rate to what all levers would bring together.

    Rows of its table: `rate`; `forecast` (what the forecast expects beside the present rate);
    one row per lever and means; `together`; `target` and `open` where there is a target. Columns:
    step; name; from_value and to_value (the factor as expected and in a good quarter);
    part_amount with low and high (80 %); source. Parts of levers are Shapley values of one product
    of factors, so that rate + forecast + levers = together, to the cent. What a means brings is
    taken off its levers, never twice.
    """
    generator = np.random.default_rng(seed)
    base = start.rate if start.forecast is None else start.forecast["middle"]
    if start.rate > 0 and base > 0:
        levers = expected_levers(levers, float(np.log(base / start.rate)), start.kept_share)
    drawn = lognormal_draws(start.forecast, generator, DRAWS) if start.forecast else None
    drawn = np.full(DRAWS, base) if drawn is None else drawn
    parts = lever_parts(start, base, {lever.name: lever.ratio for lever in levers})
    draws = lever_parts(start, drawn, {lever.name: lever.ratios for lever in levers})
    parts, draws = _with_means(parts, draws, means)
    rows = [_row("rate", "Present rate", start.rate, None, "a year before x growth")]
    if start.forecast is not None:
        words = f"The forecast expects {'less' if base < start.rate else 'more'}"
        rows.append(
            _row("forecast", words, base - start.rate, drawn - start.rate, "growth chapter")
        )
    rows += [
        _row(m.step, m.name, parts[m.step], np.asarray(draws[m.step]), m.source) for m in means
    ]
    rows += [_lever_row(lever, parts, draws) for lever in levers]
    together = round(sum(row["part_amount"] for row in rows), 2)
    ends = drawn + sum(np.asarray(d) * np.ones(DRAWS) for d in draws.values())
    rows.append(_row("together", "All levers together", together, ends, "sum of the rows above"))
    chance = float("nan")
    if np.isfinite(target):
        rows.append(_row("target", "Target", target, None, "table targets"))
        rows.append(_row("open", "Still open", round(target - together, 2), target - ends, ""))
        has_range = start.forecast is not None and np.ptp(drawn) > 0
        chance = float((ends >= target).mean()) if has_range else chance
    return Bridge(pd.DataFrame(rows, columns=_COLUMNS), together, target, chance)


def lever_parts(
    start: Start, base: float | Floats, ratios: dict[str, float] | dict[str, Floats]
) -> dict[str, float] | dict[str, Floats]:
    """Share out what the levers bring together; `ratios` is of good to present, by lever.

    Customers kept and won both have orders and values; the funnel's factors act on those won.
    """
    return shapley(sorted(ratios), partial(_revenue, start=start, base=base, ratios=ratios))


def _revenue(
    chosen: frozenset[str], start: Start, base: float | Floats, ratios: dict
) -> float | Floats:
    """Revenue with a customer when the chosen levers are in a good quarter."""
    known = base * start.customer_share
    factor = {name: ratios.get(name, 1.0) if name in chosen else 1.0 for name in LEVERS}
    won = known * (1 - start.kept_share)
    for name in _FUNNEL:
        won = won * factor[name]
    return (known * start.kept_share * factor["keep"] + won) * factor["orders"] * factor["value"]


def _with_means(parts: dict, draws: dict, means: list[Means]) -> tuple[dict, dict]:
    """Take what each means brings off its levers, so that nothing counts twice."""
    parts, draws = dict(parts), dict(draws)
    for mean in means:
        mine = [name for name in mean.levers if name in parts]
        for amounts, wanted in ((parts, mean.amount), (draws, mean.draws)):
            whole = sum((amounts[name] for name in mine), 0.0)
            brought = np.minimum(wanted, np.maximum(whole, 0.0)) if mean.is_capped else wanted
            # What loses takes nothing off its lever, and from a lever of nothing none is taken.
            left = np.maximum(whole - np.maximum(brought, 0.0), 0.0)
            with np.errstate(divide="ignore", invalid="ignore"):
                kept = np.where(np.asarray(whole) > 0, left / whole, 1.0)
            for name in mine:
                amounts[name] = amounts[name] * kept
            amounts[mean.step] = brought
    return parts, draws


def _row(step: str, name: str, amount: float, draws: Floats | None, source: str) -> dict:
    amount = round(float(amount), 2)
    ends = (np.nan, np.nan) if draws is None else np.quantile(draws, [0.1, 0.9])
    return {
        "step": step,
        "name": name,
        "from_value": float("nan"),
        "to_value": float("nan"),
        "part_amount": amount,
        "part_low_amount": round(float(ends[0]), 2),
        "part_high_amount": round(float(ends[1]), 2),
        "source": source,
    }


def _lever_row(lever: Lever, parts: dict, draws: dict) -> dict:
    name = LEVERS[lever.name].capitalize()
    row = _row(lever.name, name, parts[lever.name], np.asarray(draws[lever.name]), lever.source)
    if lever.good <= lever.present and not lever.source.startswith("cannot"):
        row["source"] = f"as much is expected as in a good quarter; {lever.source}"
    return row | {"from_value": lever.present, "to_value": max(lever.good, lever.present)}
