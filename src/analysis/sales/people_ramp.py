"""How long does a new seller take to get done what settled ones do?"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.special import gammaln

from analysis.core.survival import kaplan_meier
from analysis.sales.people_inputs import DAY, Work
from analysis.sales.people_options import PeopleOptions
from analysis.sales.presence import full_time_days, known_people

MEASURES = {"given_count": "new business taken on", "won_count": "new business won"}
TENURE_DAYS = 30.44  # one month since hiring
_MONTH_DAYS = 21.0  # full-time days of a month
_SETTLED_MONTHS = 18.0  # whoever is longer there makes the yardstick
_LONGEST = 36  # months of tenure that tell anything about beginning
_FEWEST_RESULTS = 20
_DRAWS = 400
# The grid that the likelihood is laid over: months, level against settled sellers, evenness.
_TAUS = np.exp(np.linspace(np.log(0.25), np.log(36), 45))
_LEVELS = np.exp(np.linspace(np.log(0.3), np.log(3), 31))
_SHAPES = np.exp(np.linspace(np.log(1), np.log(200), 9))


@dataclass(frozen=True)
class Ramp:
    """The curve y = level x (1 - exp(-months / tau)) of new sellers, against settled ones."""

    tau: float
    level: float
    ramped_level: float  # median level of those hired long enough ago to have settled
    months: float  # until `ramped_share` of the ramped level; inf where it is never reached
    low: float
    high: float


def tenure_table(work: Work, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return one row per new seller and month since hiring: what was got done, and what to expect.

    New: hired since the data begin, and an owner of deals at some time. Only new business counts:
    customers who are handed over bring deals from the first day. Columns: rep_id; has_left;
    month (1 is the first); middle_months (of the days present); full_time_days; given_count;
    won_count; settled_given_count and settled_won_count (what settled sellers, longer than 18
    months there, got done in as much time in the same quarters: this takes the season out).
    """
    columns = ["rep_id", "has_left", "month", "middle_months", "full_time_days"]
    columns += [*MEASURES, *(f"settled_{name}" for name in MEASURES)]
    deals = _new_business(work)
    if reps is None or deals.empty:
        return pd.DataFrame(columns=columns)
    begin = deals["created_at"].min().normalize()
    owners = pd.Index(sorted(deals["rep_id"].unique()), dtype="str")
    people = known_people(reps, owners).sort_values("rep_id")
    new = people[people["hired_on"] >= begin]
    rates = _settled_rates(deals, people, begin, work.ends)
    parts = [_months(person, deals, rates, work.ends) for person in new.itertuples()]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def fit_ramp(tenure: pd.DataFrame, measure: str, options: PeopleOptions) -> Ramp | None:
    """Return the curve of the measure ("given_count", "won_count"); None with too little to fit.

    Each seller's counts are Poisson around what settled ones do x own level x curve; own levels are
    gamma distributed around the common one, which makes the counts negative binomial, and are
    integrated out. The best point of a grid; low and high (80 %) draw sellers anew with all their
    months. Reference: methods of growth curves with random levels (Lawless 1987).
    """
    kept = tenure[tenure["month"] <= _LONGEST]
    names = sorted(kept["rep_id"].unique())
    if len(names) < options.least_hires or kept[measure].sum() < _FEWEST_RESULTS:
        return None
    parts = [kept[kept["rep_id"] == name] for name in names]
    likelihood = np.array([_log_likelihood(part, measure) for part in parts])
    tenures = np.array([part["middle_months"].max() for part in parts])
    draw = np.random.default_rng(options.seed)
    picked = draw.multinomial(len(names), np.full(len(names), 1 / len(names)), size=_DRAWS)
    ratios = np.array([_totals(part, measure) for part in parts])
    best = _best(likelihood, np.ones((1, len(names))), ratios, tenures, options.ramped_share)[0]
    drawn = _best(likelihood, picked, ratios, tenures, options.ramped_share)[:, 3]
    low, high = np.quantile(drawn, [0.1, 0.9], method="nearest")
    return Ramp(*(float(v) for v in best), float(low), float(high))


def ramp_table(tenure: pd.DataFrame, options: PeopleOptions) -> pd.DataFrame:
    """Return the months until settled, with and without those who left.

    Columns: measure; people ("all hired", "without leavers"); hire_count; month_count; tau_months;
    level_share (of settled sellers' pace, in the end); months (until `ramped_share` of what the
    hired reach once settled) with low and high (80 %). Empty below `least_hires` new sellers.
    """
    rows = []
    for measure, name in MEASURES.items():
        for people, part in (
            ("all hired", tenure),
            ("without leavers", tenure[~tenure["has_left"].astype(bool)]),
        ):
            found = fit_ramp(part, measure, options)
            if found is None:
                continue
            counts = (part["rep_id"].nunique(), len(part))
            curve = (found.tau, found.level, found.months, found.low, found.high)
            rows.append((name, people, *counts, *curve))
    columns = ["measure", "people", "hire_count", "month_count", "tau_months", "level_share"]
    return pd.DataFrame(rows, columns=[*columns, "months", "months_low", "months_high"])


def month_table(tenure: pd.DataFrame) -> pd.DataFrame:
    """Return what new sellers got done by month since hiring, as counted; leavers included.

    Columns: month; person_count; full_time_days; given_count; won_count; given_share and won_share
    (of what settled sellers did in as much time then).
    """
    if tenure.empty:
        columns = ["month", "person_count", "full_time_days", *MEASURES]
        return pd.DataFrame(columns=[*columns, "given_share", "won_share"])
    found = (
        tenure[tenure["month"] <= _LONGEST]
        .groupby("month", as_index=False)
        .agg(
            person_count=("rep_id", "nunique"),
            full_time_days=("full_time_days", "sum"),
            given_count=("given_count", "sum"),
            won_count=("won_count", "sum"),
            settled_given=("settled_given_count", "sum"),
            settled_won=("settled_won_count", "sum"),
        )
    )
    for name in ("given", "won"):
        settled = found.pop(f"settled_{name}")
        share = found[f"{name}_count"] / settled.where(settled > 0)
        found = found.assign(**{f"{name}_share": share})
    return found


def first_win_table(work: Work, reps: pd.DataFrame | None) -> pd.DataFrame:
    """Return how long new sellers waited for their first deal won (Kaplan-Meier, in months).

    Columns of `kaplan_meier`. Who left or has not won yet counts for the time there.
    """
    deals = work.deals[work.deals["rep_id"].notna()]
    if reps is None or deals.empty:
        return kaplan_meier([], [])
    begin = deals["created_at"].min().normalize()
    owners = pd.Index(sorted(deals["rep_id"].unique()), dtype="str")
    new = known_people(reps, owners).sort_values("rep_id")
    new = new[new["hired_on"] >= begin]
    won = deals[deals["outcome"] == "won"].groupby("rep_id")["ended_at"].min()
    first = new["rep_id"].map(won).astype("datetime64[s]")
    last = new["left_on"].fillna(work.ends).clip(upper=work.ends)
    has_won = first.notna()
    days = (first.fillna(last) - new["hired_on"]) / DAY
    return kaplan_meier(days.clip(lower=0) / TENURE_DAYS, has_won)


def _new_business(work: Work) -> pd.DataFrame:
    """Deals with an owner that are first business; all of them where none is called so."""
    owned = work.deals[work.deals["rep_id"].notna()]
    is_new = owned["deal_type"].fillna("new") == "new"
    return owned[is_new] if is_new.any() else owned


def _settled_rates(
    deals: pd.DataFrame, people: pd.DataFrame, begin: pd.Timestamp, ends: pd.Timestamp
) -> pd.DataFrame:
    """Deals given and won per full-time day of settled sellers, by quarter counted back."""
    count = max(1, int((ends - begin) / (91 * DAY)))
    rows = []
    for number in range(count):
        until = ends - number * 91 * DAY
        since = until - 91 * DAY if number < count - 1 else begin
        settled = people[~(people["hired_on"] > since - _SETTLED_MONTHS * TENURE_DAYS * DAY)]
        days = float(full_time_days(settled, since, until).sum())
        mine = deals[deals["rep_id"].isin(settled["rep_id"])]
        given = ((mine["created_at"] >= since) & (mine["created_at"] < until)).sum()
        is_won = (mine["outcome"] == "won") & (mine["ended_at"] >= since)
        won = (is_won & (mine["ended_at"] < until)).sum()
        rows.append((since, given / days if days else 0.0, won / days if days else 0.0))
    return pd.DataFrame(rows, columns=["since", *MEASURES]).sort_values("since", ignore_index=True)


def _months(
    person: tuple, deals: pd.DataFrame, rates: pd.DataFrame, ends: pd.Timestamp
) -> pd.DataFrame:
    last = min(ends, person.left_on) if pd.notna(person.left_on) else ends
    count = int(np.ceil((last - person.hired_on) / DAY / TENURE_DAYS))
    edges = [person.hired_on + n * TENURE_DAYS * DAY for n in range(max(count, 0))] + [last]
    begins = pd.Series(edges[:-1], dtype="datetime64[s]")
    until = pd.Series(edges[1:], dtype="datetime64[s]")
    share = 1.0 if pd.isna(person.fte_share) else float(person.fte_share)
    firsts, lasts = (part.to_numpy().astype("datetime64[D]") for part in (begins, until))
    days = np.busday_count(firsts, lasts) * share
    middle = begins + (until - begins) / 2
    place = np.searchsorted(rates["since"].to_numpy(), middle.to_numpy(), side="right") - 1
    mine = deals[deals["rep_id"] == person.rep_id]
    won = mine.loc[mine["outcome"] == "won", "ended_at"]
    moments = {"given_count": mine["created_at"], "won_count": won}
    bins = [*edges[:-1], last]
    table = pd.DataFrame(
        {
            "rep_id": person.rep_id,
            "has_left": pd.notna(person.left_on) and person.left_on <= ends,
            "month": np.arange(1, len(begins) + 1),
            "middle_months": (middle - person.hired_on) / DAY / TENURE_DAYS,
            "full_time_days": days,
        }
    )
    for name in MEASURES:
        seen = moments[name].to_numpy().astype("datetime64[s]")
        counts = np.histogram(seen.astype(float), np.array(bins, "datetime64[s]").astype(float))[0]
        rate = rates[name].to_numpy()[place.clip(0)]
        table = table.assign(**{name: counts, f"settled_{name}": rate * days})
    return table[table["full_time_days"] > 0]


def _log_likelihood(part: pd.DataFrame, measure: str) -> np.ndarray:
    """Of one seller over the grid (tau x level x shape), flattened."""
    counts = part[measure].to_numpy(float)
    settled = np.maximum(part[f"settled_{measure}"].to_numpy(float), 1e-9)
    curve = -np.expm1(-part["middle_months"].to_numpy(float)[None, :] / _TAUS[:, None])
    expected = settled[None, :] * curve
    alone = (counts[None, :] * np.log(np.maximum(expected, 1e-12))).sum(axis=1)
    total, sums = counts.sum(), expected.sum(axis=1)
    level, shape = _LEVELS[None, :, None], _SHAPES[None, None, :]
    logs = gammaln(shape + total) - gammaln(shape) + shape * np.log(shape / level)
    logs = logs - (shape + total) * np.log(shape / level + sums[:, None, None])
    return (logs + alone[:, None, None]).ravel()


def _totals(part: pd.DataFrame, measure: str) -> np.ndarray:
    """For each tau: what the seller got done, and the settled ones' pace x curve."""
    curve = -np.expm1(-part["middle_months"].to_numpy(float)[None, :] / _TAUS[:, None])
    expected = (part[f"settled_{measure}"].to_numpy(float)[None, :] * curve).sum(axis=1)
    return np.stack([np.full(len(_TAUS), part[measure].sum()), expected])


def _best(
    likelihood: np.ndarray,
    weights: np.ndarray,
    ratios: np.ndarray,
    tenures: np.ndarray,
    ramped_share: float,
) -> np.ndarray:
    """tau, level, ramped level and months of the best point, for each row of weights."""
    places = (weights @ likelihood).argmax(axis=1)
    tau_at, level_at, shape_at = np.unravel_index(places, (len(_TAUS), len(_LEVELS), len(_SHAPES)))
    rows = []
    for weight, at_tau, at_level, at_shape in zip(weights, tau_at, level_at, shape_at, strict=True):
        tau, level, shape = _TAUS[at_tau], _LEVELS[at_level], _SHAPES[at_shape]
        own = (shape + ratios[:, 0, at_tau]) / (shape / level + ratios[:, 1, at_tau])
        # Settled: there for three times tau or more; all of them where nobody is yet.
        is_ramped = (tenures >= min(3 * tau, np.max(tenures))) & (weight > 0)
        ramped = (
            float(np.median(np.repeat(own, weight.astype(int) * is_ramped)))
            if ((weight * is_ramped).sum() > 0)
            else level
        )
        share = ramped_share * ramped / level
        months = -tau * np.log1p(-share) if share < 1 else np.inf
        rows.append((tau, level, ramped, months))
    return np.array(rows)
