"""What should each customer bring next quarter, so that targets are met as often as designed?

A target is a quantile of what customers of a like score brought in earlier quarters; the score is
the forecast plus the share of the gap that customers did close before. Bands of customers that met
such targets more or less often than all (large, new, lucky last quarter, ...) are put right by a
factor, drawn to 1 where few quarters speak for it. Who is less likely to buy at all than targets
are to be met can have no fair target of his own: such customers are targeted together, as a pool.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.stats import gamma

from analysis.core.problems import Problem, SettingsError, raise_all
from analysis.customers.target_bands import LUCKS, bands, floats
from analysis.customers.target_spread import split_cents

Floats = np.ndarray

_FEWEST_PAST = 100  # customers of earlier quarters, below it nobody gets a target of his own
_MOST_PAST = 50_000  # of each earlier quarter; more teach little
_FEWEST_PER_PART = 50
_MOST_PARTS = 20
_FEWEST_IN_BAND = 30
_HALF_WEIGHT_ROWS = 100  # customers, at which a band's own experience counts half
_HALF_WEIGHT_QUARTERS = 1  # quarters, likewise
_PASSES = 3  # bands overlap, so each is put right again after the others
_LEAST_FACTOR = 0.1  # below it a target is a trifle: the customer rarely buys
_LEAST_STEP = 0.2  # of one band in one pass
_FEWEST_IN_POOL = 30
_FEWEST_WITH_GAP = 100  # in a quarter, to see whether gaps were closed
_PRIOR_QUARTERS = 2  # that the assumed shock counts as much as
_SHOCKS = np.sqrt(1.5) * np.array([-1.0, 0.0, 1.0])  # equally likely, standard deviation 1
_UNKNOWN_SPREAD = 2.0  # standard deviation of a rare buyer over his forecast
_QUARTERS = 4
_EXTREME_SHARE = 0.002  # of customers at either end, cut before a slope is taken
_NORMAL_90 = 1.2816


@dataclass(frozen=True)
class TargetOptions:
    """How often targets are to be met, and what is assumed where too little is known."""

    attained_share: float = 0.5  # of the targets, to be met
    stretch_attained_share: float = 0.2  # of the stretch amounts, to be met; below the one above
    assumed_reach_share: float = 0.1  # of the gap, before past quarters tell
    shock_share: float = 0.25  # assumed error of a quarter's total before there is experience
    history_quarters: int = 4  # earlier quarter ends to learn from; older customers were others

    def __post_init__(self) -> None:
        limits = {
            "attained_share": (0.05, 0.95),
            "stretch_attained_share": (0.01, self.attained_share),
            "assumed_reach_share": (0, 1),
            "shock_share": (0.01, 1),
            "history_quarters": (1, 40),
        }
        problems = [
            Problem(
                f"target option {name}",
                str(getattr(self, name)),
                f"a number from {low} to {high}",
                "write one within these limits",
            )
            for name, (low, high) in limits.items()
            if not low <= getattr(self, name) <= high
        ]
        raise_all(problems, SettingsError)


@dataclass(frozen=True)
class Reach:
    """The share of a gap that customers close in a quarter, with its 80 % range over quarters."""

    share: float
    low_share: float
    high_share: float
    quarter_count: int  # that it was learnt from

    @property
    def is_assumed(self) -> bool:
        return self.quarter_count == 0


def draft_targets(
    forecasts: pd.DataFrame, past: pd.DataFrame, options: TargetOptions | None = None
) -> pd.DataFrame:
    """Return a target for each customer, to be met with the designed chance.

    `forecasts` has a row per customer: customer_id, forecast_quarter_amount, gap_year_amount
    (missing: none known), active_share, and of customer_features revenue_quarter_amount,
    revenue_year_amount, tenure_days, recency_days, median_gap_days, mean_order_day_amount;
    optional region_id and rep_id. `past` has the same at earlier quarter ends, as they were
    forecast then, with origin and actual_amount (revenue of the quarter after).

    Returns, sorted by customer: customer_id; target_amount and stretch_amount (whole cents, stretch
    not below target); is_pooled; pool_id (empty if not pooled); reason. A pooled customer's amounts
    are his part of the pool's, by forecast: they sum to it, and only the pool is judged by them.
    With fewer than 100 past customers, everybody is pooled.
    """
    options = options or TargetOptions()
    now = forecasts.sort_values("customer_id", ignore_index=True)
    history = _History.of(past, options)
    score = _score(now, history.reach)
    target, stretch = history.reached(bands(now), _orders(now, score), score, options)
    is_pooled = target <= 0
    pool = np.where(is_pooled, _pool_ids(now, is_pooled), "")
    table = pd.DataFrame(
        {
            "customer_id": now["customer_id"],
            "target_amount": target,
            "stretch_amount": stretch,
            "is_pooled": is_pooled,
            "pool_id": pool,
        }
    )
    for name in sorted(set(pool[is_pooled])):
        inside = pool == name
        ends = history.pool_quantiles(score[inside], options)
        for column, amount in zip(("target_amount", "stretch_amount"), ends, strict=True):
            table.loc[inside, column] = split_cents(round(amount * 100), score[inside]) / 100
    amounts = table[["target_amount", "stretch_amount"]].round(2)
    return table.assign(**amounts, reason=_reasons(is_pooled, history, options))


def reachable_share(past: pd.DataFrame, options: TargetOptions | None = None) -> Reach:
    """Return which share of their gaps customers closed in earlier quarters.

    Of each quarter, the slope of what came on the gap of a quarter beside the forecast, extremes
    cut; the mean over quarters, held between 0 and 1. The assumed share, labelled, with fewer than
    two quarters that have 100 customers with a gap.
    """
    options = options or TargetOptions()
    slopes = np.array([slope for _, part in quarters_of(past) for slope in _slope(part)])
    if len(slopes) < 2:
        assumed = options.assumed_reach_share
        return Reach(assumed, 0.0, 1.0, 0)
    half = _NORMAL_90 * slopes.std(ddof=1) / np.sqrt(len(slopes))
    ends = np.clip(slopes.mean() + half * np.array([0.0, -1.0, 1.0]), 0, 1)
    return Reach(*(float(end) for end in ends), len(slopes))


@dataclass(frozen=True)
class _Curve:
    """A quantity along the log of a key, straight between the centres of parts."""

    centres: Floats
    values: Floats
    least: float

    @classmethod
    def of(cls, key: Floats, parts: list[np.ndarray], values: list[float]) -> "_Curve":
        least = _least(key)
        logs = np.log(np.maximum(key, least))
        return cls(np.array([logs[part].mean() for part in parts]), np.array(values), least)

    def at(self, key: Floats) -> Floats:
        return np.interp(np.log(np.maximum(key, self.least)), self.centres, self.values)


@dataclass(frozen=True)
class _History:
    """Earlier quarters, each put right in its total: scores, what came, and the bands."""

    score: Floats
    orders: Floats
    actual: Floats
    origin: np.ndarray
    bands: pd.DataFrame
    shock: float
    reach: Reach

    @classmethod
    def of(cls, past: pd.DataFrame, options: TargetOptions) -> "_History":
        parts = list(quarters_of(past))[-options.history_quarters :]
        reach = reachable_share(past, options)
        levels = [part["actual_amount"].sum() / _score(part, reach).sum() for _, part in parts]
        kept = [part.iloc[:: -(-len(part) // _MOST_PAST)] for _, part in parts]
        scores = [_score(part, reach) * level for part, level in zip(kept, levels, strict=True)]
        orders = [_orders(part, score) for part, score in zip(kept, scores, strict=True)]
        squares = float((np.log(levels) ** 2).sum()) + _PRIOR_QUARTERS * options.shock_share**2
        none = [np.empty(0)]
        return cls(
            np.concatenate(scores or none),
            np.concatenate(orders or none),
            np.concatenate([floats(part["actual_amount"]) for part in kept] or none),
            np.repeat(np.arange(len(kept)), [len(part) for part in kept]),
            pd.concat([bands(part) for part in kept] or [pd.DataFrame()], ignore_index=True),
            float(np.sqrt(squares / (len(levels) + _PRIOR_QUARTERS))),
            reach,
        )

    @property
    def is_enough(self) -> bool:
        return len(self.score) >= _FEWEST_PAST

    @property
    def _kinds(self) -> list[str]:
        return [name for name in self.bands if name != "customer_id"]

    def buying(self, orders: Floats, score: Floats) -> Floats:
        """Return the chance to buy at all, the mean of two: by orders expected and by score.

        Few orders say little of the usual one, so neither stands alone.
        """
        bought = self.actual > 0
        chances = []
        for past, key in ((self.orders, orders), (self.score, score)):
            parts = _parts(past)
            curve = _Curve.of(past, parts, [float(bought[part].mean()) for part in parts])
            chances.append(curve.at(key))
        return np.mean(chances, axis=0)

    def reached(
        self, known: pd.DataFrame, orders: Floats, score: Floats, options: TargetOptions
    ) -> tuple[Floats, Floats]:
        """Return what each customer reaches with the chances of target and stretch.

        0 for who is less likely to buy at all than targets are to be met.
        """
        if not self.is_enough:
            return np.zeros(len(score)), np.zeros(len(score))
        past = np.flatnonzero(self.buying(self.orders, self.score) >= options.attained_share)
        is_sure = self.buying(orders, score) >= options.attained_share
        if len(past) < _FEWEST_PAST or not is_sure.any():
            return np.zeros(len(score)), np.zeros(len(score))
        target, stretch = (
            np.where(is_sure, self._quantile(past, known, score, share), 0.0)
            for share in (options.attained_share, options.stretch_attained_share)
        )
        return target, np.where(target > 0, np.maximum(stretch, target), 0.0)

    def _quantile(
        self, past: np.ndarray, known: pd.DataFrame, score: Floats, share: float
    ) -> Floats:
        parts = _parts(self.score[past])
        ratio = self.actual[past] / np.maximum(self.score[past], _least(self.score))
        shocks = np.exp(self.shock * _SHOCKS)
        factors = [max(float(np.quantile(np.outer(ratio[p], shocks), 1 - share)), 0) for p in parts]
        curve = _Curve.of(self.score[past], parts, factors)
        right = np.ones(len(score))
        plain = curve.at(self.score[past]) * self.score[past]
        for kind, values in self._band_factors(past, plain).items():
            if kind in known:
                codes, names = pd.factorize(known[kind])
                right = right * np.array([values.get(name, 1.0) for name in names])[codes]
        factor = curve.at(score) * right
        target = factor * score
        return np.where((factor > _LEAST_FACTOR) & (np.round(target, 2) > 0), target, 0.0)

    def pool_quantiles(self, score: Floats, options: TargetOptions) -> tuple[float, float]:
        """Return what a pool reaches in all with the chance of a target, and of a stretch.

        A gamma distribution with the mean and variance of the customers' sum and the shared shock.
        """
        mean, variance = score.sum(), float(((_UNKNOWN_SPREAD * score) ** 2).sum())
        if self.is_enough:
            level, spread = self._moments
            mean = float((level.at(score) * score).sum())
            variance = float(((spread.at(score) * score) ** 2).sum())
        if mean <= 0:
            return 0.0, 0.0
        variance += (self.shock * mean) ** 2
        shares = (options.attained_share, options.stretch_attained_share)
        low, high = (
            float(gamma.isf(share, mean**2 / variance, scale=variance / mean)) for share in shares
        )
        return low, high

    @cached_property
    def _moments(self) -> tuple[_Curve, _Curve]:
        """Mean and standard deviation of what came over the score, along the score."""
        parts = _parts(self.score)
        sums = [self.actual[p].sum() / max(self.score[p].sum(), 0.01) for p in parts]
        level = _Curve.of(self.score, parts, sums)
        misses = self.actual - level.at(self.score) * self.score
        spreads = [misses[p].std() / max(self.score[p].mean(), 0.01) for p in parts]
        return level, _Curve.of(self.score, parts, spreads)

    def _band_factors(self, past: np.ndarray, plain: Floats) -> dict[str, dict[str, float]]:
        """Return the factor of each band, so that all bands had met their targets alike.

        Alike is what all customers met by the plain quantile: it has a margin for the shared shock,
        which must stay.
        """
        actual, origin = self.actual[past], self.origin[past]
        has = plain > 0
        right, found = np.ones(len(plain)), {}
        met = float((actual[has] >= plain[has]).mean()) if has.any() else 0.0
        kinds = {name: pd.factorize(self.bands[name].to_numpy()[past]) for name in self._kinds}
        for _ in range(_PASSES):
            for kind, (codes, names) in kinds.items():
                for code, band in sorted(enumerate(names), key=lambda pair: pair[1]):
                    rows = has & (codes == code)
                    step = _step(actual[rows] / (plain * right)[rows], origin[rows], met)
                    before = found.setdefault(kind, {}).get(band, 1.0)
                    # A lucky quarter may lower a target, if luck does not last; never raise it.
                    after = min(before * step, 1.0) if band == LUCKS[-1] else before * step
                    found[kind][band] = after
                    right[rows] *= after / before
        return found


def _step(ratio: Floats, origin: np.ndarray, met: float) -> float:
    """Return the factor that puts a band right, drawn to 1 where little speaks for it."""
    if len(ratio) < _FEWEST_IN_BAND:
        return 1.0
    quarters = len(np.unique(origin))
    weight = len(ratio) / (len(ratio) + _HALF_WEIGHT_ROWS)
    weight *= quarters / (quarters + _HALF_WEIGHT_QUARTERS)
    return max(float(np.quantile(ratio, 1 - met)), _LEAST_STEP) ** weight


def _parts(key: Floats) -> list[np.ndarray]:
    """Return the rows of customers with like keys, lowest first, about as many in each part."""
    order = np.argsort(key, kind="stable")
    return np.array_split(order, int(np.clip(len(order) // _FEWEST_PER_PART, 1, _MOST_PARTS)))


def _orders(table: pd.DataFrame, score: Floats) -> Floats:
    """Return the order days expected of each customer: his score over his usual order."""
    order = np.nan_to_num(floats(table["mean_order_day_amount"]))
    everyone = float(order[order > 0].mean()) if (order > 0).any() else 1.0
    return score / np.where(order > 0, order, everyone)


def quarters_of(past: pd.DataFrame) -> Iterator[tuple[str, pd.DataFrame]]:
    """Give the origins, oldest first, that had a forecast and revenue."""
    for origin, part in past.groupby("origin", sort=True, observed=True):
        ordered = part.sort_values("customer_id", ignore_index=True)
        if ordered["forecast_quarter_amount"].sum() > 0 and ordered["actual_amount"].sum() > 0:
            yield str(origin), ordered


def _score(table: pd.DataFrame, reach: Reach) -> Floats:
    """Return the forecast plus the part of the gap that an active customer can close."""
    return _forecast(table) + reach.share * _quarter_gap(table)


def _forecast(table: pd.DataFrame) -> Floats:
    return np.nan_to_num(floats(table["forecast_quarter_amount"])).clip(0)


def _quarter_gap(table: pd.DataFrame) -> Floats:
    gap = np.nan_to_num(floats(table["gap_year_amount"])).clip(0)
    return floats(table["active_share"]).clip(0, 1) * gap / _QUARTERS


def _slope(part: pd.DataFrame) -> list[float]:
    """Return the slope of the gain on the gap in one quarter, none where too few have a gap."""
    forecast, gap = _forecast(part), _quarter_gap(part)
    if (gap > 0).sum() < _FEWEST_WITH_GAP:
        return []
    scale = forecast + forecast.mean()  # so that neither the largest nor the smallest decide
    amounts = (floats(part["actual_amount"]), gap, forecast)
    came, *inputs = (_without_extremes(amount / scale) for amount in amounts)
    slopes = np.linalg.lstsq(np.column_stack([*inputs, np.ones(len(came))]), came)[0]
    return [float(slopes[0])]


def _without_extremes(values: Floats) -> Floats:
    return values.clip(*np.quantile(values, [_EXTREME_SHARE, 1 - _EXTREME_SHARE]))


def _pool_ids(now: pd.DataFrame, is_pooled: np.ndarray) -> np.ndarray:
    """Return the pool of each pooled customer: region and size of an order; small pools are one."""
    order = pd.Series(np.nan_to_num(floats(now["mean_order_day_amount"])))
    is_large = order > order[is_pooled].median()
    size = np.where(is_large, "larger orders", "smaller orders")
    region = now["region_id"] if "region_id" in now else pd.Series("", index=now.index)
    names = (region.astype("string").fillna("").str.cat(size, sep=" ")).str.strip()
    counts = names[is_pooled].value_counts()
    small = counts.index[counts < _FEWEST_IN_POOL]
    return names.mask(names.isin(small), "all others").to_numpy(dtype=object)


def _reasons(is_pooled: np.ndarray, history: _History, options: TargetOptions) -> np.ndarray:
    if not history.is_enough:
        return np.full(len(is_pooled), "too few earlier quarters: only the sum of all is a target")
    met = f"{options.attained_share:.0%}"
    reach = "assumed" if history.reach.is_assumed else "as customers did before"
    return np.where(
        is_pooled,
        f"less than {met} likely to buy at all: judged with the pool",
        f"what {met} of like customers reached, with {history.reach.share:.0%} of the gap, {reach}",
    )


def _least(score: Floats) -> float:
    """A score so small that it is nothing, so that logs exist."""
    return max(float(np.max(score, initial=0.0)) * 1e-12, 1e-12)
