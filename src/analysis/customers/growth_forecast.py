"""What will each customer spend in the next quarter? BG/NBD, corrected by what came before.

Buy-till-you-die models know how single customers buy, but nothing of what is special to this
company. So their forecast is multiplied by a factor that boosted trees learn from earlier quarter
ends: what customers then spent in the following quarter, over what the model expected of them.
With few earlier quarters the factor stays near 1. Sums of a quarter are left to the model and to
the season a year ago: a single quarter says much about customers and little about seasons.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from sklearn.ensemble import HistGradientBoostingRegressor

from analysis.core.periods import FiscalCalendar
from analysis.core.threads import one_thread
from analysis.customers.btyd import (
    BgNbd,
    FitError,
    GammaGamma,
    bg_nbd_active_share,
    bg_nbd_expected_purchases,
    fit_bg_nbd,
    fit_gamma_gamma,
    fit_pareto_nbd,
    gamma_gamma_expected_value,
    pareto_nbd_active_share,
)

_HISTORY = ("repeat_count", "repeat_span_days", "tenure_days")
_YEAR_DAYS = 365
_LAGS = 3  # quarters before the last one that the trees see
_FEWEST_DAYS = 60  # of history at an origin, below it nothing can be learnt from it
_FEWEST_ROWS = 200  # that trees are grown on
_MOST_ROWS = 200_000  # more teach little and cost much
_HIGHEST_FACTOR = 20.0  # one customer's surprise may teach no more than this
_SEASON_BOUNDS = (0.5, 2.0)

Floats = np.ndarray


@dataclass(frozen=True)
class Origin:
    """Customers at the end of one quarter, what the models expect of them, and what they did.

    `purchases` are order days expected in the next quarter, `value` the amount of each;
    `sales` and `revenue` are the next quarter's, None where it is still to come.
    """

    name: str
    table: pd.DataFrame
    purchases: Floats
    value: Floats
    year_ratio: Floats  # expected purchases of the next year over those of the next quarter
    net_share: Floats  # revenue expected per sale, after returns
    lags: Floats  # revenue of the quarters before the last, a column each
    inputs: Floats
    models: tuple[BgNbd, GammaGamma]
    sales: Floats | None
    revenue: Floats | None

    @property
    def base(self) -> Floats:
        """Sales of the next quarter as BG/NBD and Gamma-Gamma expect them."""
        return self.purchases * self.value

    @property
    def active_share(self) -> Floats:
        """Chance that each customer still buys, by the model."""
        return self._activity[0]

    @property
    def is_leaving_known(self) -> bool:
        """Whether the data tell who has left; where not, `active_share` is the model's guess."""
        return self._activity[1]

    @cached_property
    def _activity(self) -> tuple[Floats, bool]:
        """By Pareto/NBD, since BG/NBD would never doubt who bought only once.

        Parameters that ran to a bound say that the data do not tell leaving from buying rarely.
        """
        history = [_floats(self.table[column]) for column in _HISTORY]
        try:
            model = fit_pareto_nbd(*history)
        except FitError:
            return bg_nbd_active_share(self.models[0], *history), False
        return pareto_nbd_active_share(model, *history), not model.at_bound

    @property
    def rate(self) -> Floats:
        """Purchases per day of each customer if he is still active."""
        model = self.models[0]
        repeats, tenure = _floats(self.table["repeat_count"]), _floats(self.table["tenure_days"])
        return (model.r + repeats) / (model.alpha + tenure)

    @property
    def level(self) -> float:
        """Sales that came over sales that were expected, all customers together."""
        return float(self.sales.sum() / self.base.sum())


def known_origins(
    backtest_origins: pd.DataFrame, as_of: pd.Timestamp, calendar: FiscalCalendar, most: int
) -> list[Origin]:
    """Return the last origins whose next quarter is over, oldest first; unusable ones left out."""
    origins = []
    for name, table in backtest_origins.groupby("origin", sort=True, observed=True):
        quarter = calendar.parse(str(name))
        is_over = pd.Timestamp(calendar.shift(quarter, 1).last_day) <= as_of
        if is_over and table["tenure_days"].max() >= _FEWEST_DAYS:
            lags = lagged_amounts(table, backtest_origins, quarter.name, calendar)
            origins.append(_try_origin(table, quarter.name, lags))
    return [origin for origin in origins if origin is not None][-most:]


def _try_origin(table: pd.DataFrame, name: str, lags: Floats) -> Origin | None:
    try:
        return make_origin(table, name, lags, float(table["horizon_days"].iloc[0]))
    except FitError:
        return None


def make_origin(table: pd.DataFrame, name: str, lags: Floats, horizon_days: float) -> Origin:
    """Return the customers of one quarter end with what the models expect; FitError if they fail.

    The amounts of all order days tell what a customer spends on one: to leave out the first, as the
    papers do, lost accuracy on both public data sets. A customer whose orders were all free or
    came back the same day has no amount to learn from, and is expected to spend like the others.
    """
    x, tx, T = (_floats(table[column]) for column in _HISTORY)
    mean = _floats(table["mean_order_day_amount"])
    days = np.where(mean > 0, _floats(table["order_day_count"]), 0)
    bg_nbd, spend = fit_bg_nbd(x, tx, T), fit_gamma_gamma(days, mean)
    purchases = np.maximum(bg_nbd_expected_purchases(bg_nbd, horizon_days, x, tx, T), 1e-9)
    year = bg_nbd_expected_purchases(bg_nbd, _YEAR_DAYS, x, tx, T)
    value = gamma_gamma_expected_value(spend, days, mean)
    inputs = _inputs(table, purchases, value, lags)
    inputs["active_share"] = bg_nbd_active_share(bg_nbd, x, tx, T)
    return Origin(
        name=name,
        table=table,
        purchases=purchases,
        value=value,
        year_ratio=year / purchases,
        net_share=_net_share(table),
        lags=lags,
        inputs=inputs.to_numpy(float),
        models=(bg_nbd, spend),
        sales=_outcome(table, "next_quarter_sale_amount"),
        revenue=_outcome(table, "next_quarter_amount"),
    )


def lagged_amounts(
    table: pd.DataFrame, backtest_origins: pd.DataFrame, name: str, calendar: FiscalCalendar
) -> Floats:
    """Return revenue of the quarters before the last one, a column per quarter, 0 where unknown."""
    quarter, columns = calendar.parse(name), []
    for back in range(1, _LAGS + 1):
        then = backtest_origins["origin"] == calendar.shift(quarter, -back).name
        amounts = backtest_origins[then].set_index("customer_id")["revenue_quarter_amount"]
        columns.append(table["customer_id"].map(amounts.astype(float)).fillna(0).clip(lower=0))
    return np.column_stack(columns).astype(float)


def forecast_sales(before: Sequence[Origin], now: Origin, calendar: FiscalCalendar) -> Floats:
    """Return sales of the next quarter per customer, learnt from the origins before."""
    total = now.base.sum() * season_factor(before, now.name, calendar)
    shape = now.base * _learnt_factors(before, now)
    return shape * total / shape.sum()


def season_factor(before: Sequence[Origin], name: str, calendar: FiscalCalendar) -> float:
    """Return how much more than expected comes in this season, from the same quarter of past years.

    The geometric mean of past years and of one year without a season, so one year counts half.
    """
    quarter = calendar.parse(name)
    logs = []
    for origin in before:
        past = calendar.parse(origin.name)
        if past.name[-2:] == quarter.name[-2:] and past.starts_on < quarter.starts_on:
            logs.append(np.log(np.clip(origin.level, *_SEASON_BOUNDS)))
    return float(np.exp(np.sum(logs) / (len(logs) + 1)))


def _learnt_factors(before: Sequence[Origin], now: Origin) -> Floats:
    """Return each customer's factor on what the models expect, 1 where nothing can be learnt."""
    usable = [origin for origin in before if origin.sales.sum() > 0]
    if sum(len(origin.base) for origin in usable) < _FEWEST_ROWS:
        return np.ones(len(now.base))
    inputs = np.vstack([origin.inputs for origin in usable])
    base = np.concatenate([origin.base for origin in usable])
    factors = np.concatenate([origin.sales / origin.base / origin.level for origin in usable])
    rows = np.arange(0, len(base), -(-len(base) // _MOST_ROWS))
    # Root weights lie between equal customers (ranking) and equal money (totals).
    trees = HistGradientBoostingRegressor(
        loss="poisson",
        learning_rate=0.05,
        max_iter=80,
        max_bins=63,  # finer ones change nothing and take most of the time
        max_leaf_nodes=8,
        min_samples_leaf=100,
        l2_regularization=5,
        early_stopping=False,
        random_state=0,
    )
    factors = np.minimum(factors[rows], _HIGHEST_FACTOR)
    with one_thread():
        trees.fit(inputs[rows], factors, sample_weight=np.sqrt(base[rows]))
        return trees.predict(now.inputs)


def _inputs(table: pd.DataFrame, purchases: Floats, value: Floats, lags: Floats) -> pd.DataFrame:
    """Return what the trees see of a customer; amounts as logs, so that scale does not matter."""
    column = {name: _floats(table[name]) for name in table.columns if name in _SEEN}
    gap = np.nan_to_num(column["median_gap_days"], nan=0.0)
    waiting = np.where(np.isnan(column["median_gap_days"]), column["tenure_days"], gap)
    frame = pd.DataFrame(
        {
            "purchases": np.log1p(purchases),
            "value": np.log1p(value),
            "base": np.log1p(purchases * value),
            "recency": column["recency_days"],
            "tenure": column["tenure_days"],
            "late": column["recency_days"] / (waiting + 7),
            "gap": column["median_gap_days"],
            "days": np.log1p(column["order_day_count"]),
            "year": _log_amount(column["sale_year_amount"]),
            "year_before": _log_amount(column["revenue_year_before_amount"]),
            "quarter": _log_amount(column["revenue_quarter_amount"]),
            "year_days": column["order_day_year_count"],
            "products": np.log1p(column["product_year_count"]),
            "quarters": column["active_quarter_year_count"],
            "returns": column["return_year_amount"] / (column["sale_year_amount"] + 1),
        }
    )
    for number, lag in enumerate(lags.T, 1):
        frame[f"quarter_{number}_before"] = _log_amount(lag)
    return frame


_SEEN = frozenset(
    {
        "recency_days",
        "tenure_days",
        "median_gap_days",
        "order_day_count",
        "sale_year_amount",
        "revenue_year_before_amount",
        "revenue_quarter_amount",
        "order_day_year_count",
        "product_year_count",
        "active_quarter_year_count",
        "return_year_amount",
    }
)


def _net_share(table: pd.DataFrame) -> Floats:
    """Return what is left of a sale after returns: own year, drawn to that of all customers."""
    sales, returns = _floats(table["sale_year_amount"]), _floats(table["return_year_amount"])
    returns = np.clip(np.nan_to_num(returns), 0, None)
    total = sales.sum()
    if total <= 0:
        return np.ones(len(sales))
    # A customer's own rate counts half once he bought for as much as the mean customer.
    everyone, weight = returns.sum() / total, total / max((sales > 0).sum(), 1)
    return np.clip(1 - (returns + weight * everyone) / (sales + weight), 0, 1)


def _outcome(table: pd.DataFrame, name: str) -> Floats | None:
    return _floats(table[name]) if name in table else None


def _log_amount(amounts: Floats) -> Floats:
    return np.log1p(np.clip(np.nan_to_num(amounts), 0, None))


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=float, na_value=np.nan)
