"""Is a customer still active, how often will he buy, and for how much? Buy-till-you-die models.

One row per customer: `frequency` is the number of days with a purchase after the first one,
`recency` the time from the first to the last purchase, `T` the time from the first purchase to the
as-of date, all in one unit of time, which is then also that of `horizon`. `mean_value` is the mean
amount of the repeat purchases, and is ignored where frequency is 0.

    model = fit_bg_nbd(frequency, recency, T)
    purchases = bg_nbd_expected_purchases(model, 13, frequency, recency, T)
    spend = fit_gamma_gamma(frequency, mean_value)
    forecast = purchases * gamma_gamma_expected_value(spend, frequency, mean_value)

Impossible input raises InputError with all problems at once; data that do not determine a model
raise FitError. Both are ValueErrors.
"""

from analysis.customers._bg_nbd import (
    BgNbd,
    bg_nbd_active_share,
    bg_nbd_expected_purchases,
    fit_bg_nbd,
)
from analysis.customers._btyd_fitting import FitError
from analysis.customers._gamma_gamma import (
    GammaGamma,
    fit_gamma_gamma,
    gamma_gamma_expected_value,
)
from analysis.customers._pareto_nbd import (
    ParetoNbd,
    fit_pareto_nbd,
    pareto_nbd_active_share,
    pareto_nbd_expected_purchases,
)
from analysis.customers.btyd_simulation import SimulatedSpend, simulate_spend

__all__ = [
    "BgNbd",
    "FitError",
    "GammaGamma",
    "ParetoNbd",
    "SimulatedSpend",
    "bg_nbd_active_share",
    "bg_nbd_expected_purchases",
    "fit_bg_nbd",
    "fit_gamma_gamma",
    "fit_pareto_nbd",
    "gamma_gamma_expected_value",
    "pareto_nbd_active_share",
    "pareto_nbd_expected_purchases",
    "simulate_spend",
]
