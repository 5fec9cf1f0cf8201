"""What was known of each customer at a quarter or month end, and what do the models expect of him?

Expected order days are the geometric mean of BG/NBD, which lets customers leave only after a
purchase, and Pareto/NBD, which lets them leave at any time; the amount of one is Gamma-Gamma's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar
from analysis.core.scope import Scope
from analysis.customers.btyd import (
    BgNbd,
    FitError,
    GammaGamma,
    ParetoNbd,
    bg_nbd_active_share,
    bg_nbd_expected_purchases,
    fit_pareto_nbd,
    pareto_nbd_active_share,
    pareto_nbd_expected_purchases,
)
from analysis.customers.growth_inputs import tree_inputs
from analysis.customers.growth_models import (
    assumed_pareto,
    fit_models,
    usual_amounts,
    without_giants,
)
from analysis.customers.season import Season, learn_season

_YEAR_DAYS = 365
_LAGS = 3  # quarters before the last one that the trees see
_FEWEST_HISTORY_DAYS = 60  # at an origin, below it nothing can be learnt from it
_MOST_FITTED = 50_000  # customers, evenly drawn; four parameters need no more
_RETURN_DAYS = 4  # order days of a year that tell as much of returns as all others do
_LEAST = 1e-9  # purchases, so that logs and ratios exist

Floats = np.ndarray


@dataclass(frozen=True)
class Origin:
    """Customers at the end of one quarter or month, what the models expect, and what they did.

    `bg_purchases` and `pareto_purchases` are order days expected in the next quarter,
    `season_purchases` their geometric mean with the season, `value` the amount of each; `sales` and
    `revenue` are the next quarter's, None where it is still to come.
    """

    name: str
    ends_on: pd.Timestamp
    horizon_days: int
    table: pd.DataFrame
    bg_purchases: Floats
    pareto_purchases: Floats
    season_purchases: Floats
    value: Floats
    active_share: Floats
    is_leaving_known: bool  # the data tell who has left; else active_share is the model's guess
    year_ratio: Floats  # expected purchases of the next year over those of the next quarter
    net_share: Floats  # revenue expected per sale, after returns
    lags: Floats  # revenue of the quarters before the last, a column each
    inputs: Floats
    models: tuple[BgNbd, GammaGamma]
    is_assumed: bool  # too few customers to learn from how they differ
    sales: Floats | None
    revenue: Floats | None

    @property
    def is_quarter(self) -> bool:
        """Whether a quarter of the company ends here; month ends are only learnt from."""
        return "Q" in self.name

    @property
    def known_on(self) -> pd.Timestamp:
        """The last day of the quarter that follows."""
        return self.ends_on + pd.Timedelta(days=self.horizon_days)

    @property
    def history_days(self) -> float:
        """Days since the first order that the data hold."""
        return float(self.table["tenure_days"].max())

    @property
    def orders(self) -> Floats:
        """Order days of the next quarter as the models expect them, without a season."""
        return np.sqrt(self.bg_purchases * self.pareto_purchases)

    @property
    def base(self) -> Floats:
        """Sales of the next quarter as the models expect them, without a season."""
        return self.orders * self.value

    @property
    def bottom_up(self) -> float:
        """Sales of all customers with half of the season; half erred least, all overshot."""
        return float(np.sqrt(self.bg_purchases * self.season_purchases) @ self.value)

    @property
    def rate(self) -> Floats:
        """Purchases per day of each customer if he is still active."""
        model = self.models[0]
        repeats, tenure = _floats(self.table["repeat_count"]), _floats(self.table["tenure_days"])
        return (model.r + repeats) / (model.alpha + tenure)

    @property
    def known_share(self) -> float:
        """The part of the last quarter's revenue that came from those known at its start."""
        revenue = _floats(self.table["revenue_quarter_amount"]).clip(0)
        start = self.ends_on - pd.DateOffset(months=3)
        was_known = (self.table["first_order_on"] <= start).to_numpy()
        return float(revenue[was_known].sum() / revenue.sum()) if revenue.sum() > 0 else 1.0


def known_origins(
    backtest_origins: pd.DataFrame, as_of: pd.Timestamp, calendar: FiscalCalendar, most: int
) -> list[Origin]:
    """Return the origins whose next quarter is over, oldest first; unusable ones left out.

    Those of the last `most` quarters. An origin knows of the season only what origins tell whose
    next quarter was over by then.
    """
    tables = _tables_by_end(backtest_origins, calendar)
    latest = as_of - pd.DateOffset(months=3 * (most + 1))
    ends = [end for end, _, table in tables if _known_on(end, table) <= as_of and end > latest]
    origins = []
    for end, name, table in tables:
        if end in ends and table["tenure_days"].max() >= _FEWEST_HISTORY_DAYS:
            origins.append(_try_origin(table, name, end, tables))
    return [origin for origin in origins if origin is not None]


def origin_now(
    customer_features: pd.DataFrame, backtest_origins: pd.DataFrame, scope: Scope
) -> Origin:
    """Return the customers at the end of the period; FitError if the models fail."""
    tables = _tables_by_end(backtest_origins, scope.calendar)
    ends_on, days = pd.Timestamp(scope.as_of), scope.next_period.day_count
    return _origin(customer_features, scope.period.name, ends_on, days, tables)


_Ends = Sequence[tuple[pd.Timestamp, str, pd.DataFrame]]


def _tables_by_end(backtest_origins: pd.DataFrame, calendar: FiscalCalendar) -> _Ends:
    found = [
        (pd.Timestamp(calendar.parse(str(name)).last_day), str(name), by_customer(table))
        for name, table in backtest_origins.groupby("origin", sort=True, observed=True)
    ]
    return sorted(found, key=lambda entry: entry[0])


def by_customer(table: pd.DataFrame) -> pd.DataFrame:
    """Return the rows by customer; no copy where they are, as the features engine writes them."""
    if not table["customer_id"].is_monotonic_increasing:
        table = table.sort_values("customer_id")
    return table.reset_index(drop=True)


def _known_on(ends_on: pd.Timestamp, table: pd.DataFrame) -> pd.Timestamp:
    return ends_on + pd.Timedelta(days=int(table["horizon_days"].iloc[0]))


def _try_origin(
    table: pd.DataFrame, name: str, ends_on: pd.Timestamp, tables: _Ends
) -> Origin | None:
    try:
        return _origin(table, name, ends_on, int(table["horizon_days"].iloc[0]), tables)
    except FitError:
        return None


def _origin(
    table: pd.DataFrame, name: str, ends_on: pd.Timestamp, horizon_days: int, tables: _Ends
) -> Origin:
    """Return one origin; FitError if nobody bought again.

    The amounts of all order days tell what a customer spends on one: to leave out the first, as the
    papers do, lost accuracy on both public data sets. A customer whose orders were all free or
    came back the same day has no amount to learn from, and is expected to spend like the others.
    """
    history = tuple(_floats(table[c]) for c in ("repeat_count", "repeat_span_days", "tenure_days"))
    mean = _floats(table["mean_order_day_amount"])
    days = np.where(mean > 0, _floats(table["order_day_count"]), 0)
    lags = _lagged_amounts(table, ends_on, tables)
    quarters = np.column_stack([_floats(table["revenue_quarter_amount"]), lags])
    year_days = _floats(table["order_day_year_count"])
    models = fit_models(history, days, usual_amounts(mean, quarters, year_days))
    bg_nbd = models.orders
    bg = _purchases(bg_nbd, horizon_days, history)
    year = bg_nbd_expected_purchases(bg_nbd, _YEAR_DAYS, *history)
    pareto_nbd = assumed_pareto(bg_nbd) if models.is_assumed else _try_pareto(history)
    pareto = _purchases(pareto_nbd or bg_nbd, horizon_days, history)
    active = _active_share(pareto_nbd or bg_nbd, history)
    past = [(end, t) for end, _, t in tables if _known_on(end, t) <= ends_on]
    season = learn_season([end for end, _ in past], [t for _, t in past])
    return Origin(
        name=name,
        ends_on=ends_on,
        horizon_days=horizon_days,
        table=table,
        bg_purchases=bg,
        pareto_purchases=pareto,
        season_purchases=_season_purchases(
            season, (bg_nbd, pareto_nbd), table, ends_on, horizon_days
        ),
        value=models.value,
        active_share=active,
        # Parameters at a bound: the data do not tell leaving from buying rarely.
        is_leaving_known=pareto_nbd is not None and not pareto_nbd.at_bound,
        year_ratio=year / bg,
        net_share=_net_share(table),
        lags=lags,
        inputs=tree_inputs(table, bg, pareto, models.value, active, lags),
        models=(bg_nbd, models.spend),
        is_assumed=models.is_assumed,
        sales=_outcome(table, "next_quarter_sale_amount"),
        revenue=_outcome(table, "next_quarter_amount"),
    )


def _try_pareto(history: tuple[Floats, ...]) -> ParetoNbd | None:
    every = -(-len(history[0]) // _MOST_FITTED)
    try:
        return fit_pareto_nbd(*(column[::every] for column in history))
    except FitError:
        return None


def _purchases(
    model: BgNbd | ParetoNbd, horizon_days: float, history: tuple[Floats, ...]
) -> Floats:
    expected = (
        bg_nbd_expected_purchases if isinstance(model, BgNbd) else pareto_nbd_expected_purchases
    )
    return np.maximum(expected(model, horizon_days, *history), _LEAST)


def _active_share(model: BgNbd | ParetoNbd, history: tuple[Floats, ...]) -> Floats:
    """Return the chance to still buy; BG/NBD would never doubt who bought only once."""
    if isinstance(model, BgNbd):
        return bg_nbd_active_share(model, *history)
    return pareto_nbd_active_share(model, *history)


def _season_purchases(
    season: Season,
    models: tuple[BgNbd, ParetoNbd | None],
    table: pd.DataFrame,
    ends_on: pd.Timestamp,
    horizon_days: int,
) -> Floats:
    """Return expected order days where time passes with the season.

    The index is 1 on average, so the models' parameters hold for that time as well.
    """
    now = season.time(pd.DatetimeIndex([ends_on, ends_on + pd.Timedelta(days=horizon_days)]))
    first, last = season.time(table["first_order_on"]), season.time(table["last_order_on"])
    history = (_floats(table["repeat_count"]), last - first, now[0] - first)
    horizon = float(now[1] - now[0])
    bg, pareto = (_purchases(model or models[0], horizon, history) for model in models)
    return np.sqrt(bg * pareto)


def _lagged_amounts(table: pd.DataFrame, ends_on: pd.Timestamp, tables: _Ends) -> Floats:
    """Return revenue of the quarters before the last one, a column per quarter, 0 where unknown."""
    by_end = {(end.year, end.month): earlier for end, _, earlier in tables}
    columns = []
    for back in range(1, _LAGS + 1):
        month = (ends_on.to_period("M") - 3 * back).to_timestamp()
        earlier = by_end.get((month.year, month.month))
        if earlier is None:
            columns.append(np.zeros(len(table)))
            continue
        amounts = earlier.set_index("customer_id")["revenue_quarter_amount"].astype(float)
        columns.append(table["customer_id"].map(amounts).fillna(0).clip(lower=0).to_numpy(float))
    return np.column_stack(columns)


def _net_share(table: pd.DataFrame) -> Floats:
    """Return what is left of a sale after returns: own year, drawn to that of all customers."""
    sales, returns = _floats(table["sale_year_amount"]), _floats(table["return_year_amount"])
    returns = np.clip(np.nan_to_num(returns), 0, None)
    total = sales.sum()
    if total <= 0:
        return np.ones(len(sales))
    # A customer's own rate counts half once he bought for as much as the mean customer, or on so
    # many days: who sends back more than he buys, again and again, is not one of all.
    everyone, days = returns.sum() / total, _floats(table["order_day_year_count"])
    mean = without_giants(sales).sum() / max((sales > 0).sum(), 1)
    own = np.where(sales > 0, _RETURN_DAYS * sales / np.maximum(days, 1), mean)
    weight = np.minimum(mean, own)
    return np.clip(1 - (returns + weight * everyone) / (sales + weight), 0, 1)


def _outcome(table: pd.DataFrame, name: str) -> Floats | None:
    return _floats(table[name]) if name in table else None


def _floats(column: pd.Series) -> Floats:
    return column.to_numpy(dtype=float, na_value=np.nan)
