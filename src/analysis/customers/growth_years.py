"""Between which amounts will a customer's next year lie?

From years that followed earlier quarter ends, where four quarters are over; simulated from the
models before that.
"""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import pandas as pd

from analysis.customers.btyd import simulate_spend
from analysis.customers.growth_origins import Origin
from analysis.customers.growth_ranges import gather, interval, shock, widened

_YEAR_DAYS = 365
_QUARTERS_PER_YEAR = 4
_DRAWS = 200
_PROBABILITIES = (0.1, 0.8, 0.9)

Floats = np.ndarray


class YearChoices(Protocol):
    """The options that a year's interval depends on."""

    shock_share: float
    seed: int


def year_interval(
    origins: Sequence[Origin],
    forecasts: Sequence[Floats],
    now: Origin,
    year: Floats,
    options: YearChoices,
) -> tuple[Floats, Floats]:
    """Return the ends of an 80 % interval of each customer's revenue of the next four quarters."""
    pairs, orders = [], []
    for number in range(len(origins) - _QUARTERS_PER_YEAR + 1):
        origin = origins[number]
        actual = year_outcome(origins[number : number + _QUARTERS_PER_YEAR])
        pairs.append((forecasts[number] * origin.net_share * origin.year_ratio, actual))
        orders.append(origin.orders)
    experience = gather(pairs, orders)
    if experience.is_enough:
        deviation = widened(shock(experience, options.shock_share), now.history_days)
        return interval(experience, year, deviation, now.orders)
    return simulated_interval(now, year, _YEAR_DAYS, options)


def year_outcome(four: Sequence[Origin]) -> Floats:
    """Return the revenue of the four quarters that followed the first of four origins."""
    customers = four[0].table["customer_id"]
    total = np.zeros(len(customers))
    for origin in four:
        came = pd.Series(origin.revenue, index=origin.table["customer_id"])
        total += customers.map(came).fillna(0).to_numpy(float)
    return total


def simulated_interval(
    now: Origin, forecast: Floats, horizon_days: float, options: YearChoices
) -> tuple[Floats, Floats]:
    """Return the ends of an 80 % interval around the forecast, spread as the models have it.

    The models do not know that all customers have good and bad quarters together, so the ends are
    moved out by an assumed deviation, under two years of history by a larger one.
    A customer whose orders were all free, or came back the same day, has no amount of his own; he
    is simulated with the amount that is expected of him.
    """
    table, (bg_nbd, spend) = now.table, now.models
    mean = table["mean_order_day_amount"].to_numpy(float)
    found = simulate_spend(
        bg_nbd,
        spend,
        horizon=horizon_days,
        frequency=table["repeat_count"],
        recency=table["repeat_span_days"],
        T=table["tenure_days"],
        mean_value=np.where(mean > 0, mean, now.value),
        seed=options.seed,
        draws=_DRAWS,
        probabilities=_PROBABILITIES,
    )
    scale = forecast / np.maximum(found.mean, 1e-9)
    low, with_zeros, without = found.quantiles.T * np.where(found.mean > 0, scale, 0)
    high = np.where(low > 0, without, with_zeros)  # as in growth_ranges.interval
    deviation = widened(options.shock_share, now.history_days)
    low, high = low * np.exp(-deviation), high * np.exp(deviation)
    return np.minimum(low, forecast), np.maximum(high, forecast)
