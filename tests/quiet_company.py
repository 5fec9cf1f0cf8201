"""A company in which nothing changes: customers come, order, spend and leave by fixed chances."""

from decimal import Decimal

import numpy as np
import pandas as pd

from analysis.core.periods import FiscalCalendar

CALENDAR = FiscalCalendar()
_QUARTER_DAYS = 91


def quiet_company(seed, quarters=8, customers=300, change=None):
    """Return company_days, customer_periods and the names of the quarters.

    Each customer has his own rate of orders (gamma) and his own spend (lognormal); about one in ten
    leaves each quarter and as many arrive. `change` is a factor on the last quarter's spend.
    """
    random = np.random.default_rng(seed)
    first = CALENDAR.parse("2008Q1")
    spans = [CALENDAR.shift(first, n) for n in range(quarters)]
    rates = random.gamma(1.2, 1.5, size=customers)
    spends = random.lognormal(5.0, 0.8, size=customers)
    names = np.arange(customers)
    lines = []
    for place, span in enumerate(spans):
        stays = random.random(len(names)) > 0.1
        arrived = random.poisson(0.1 * customers)
        start = 0 if not lines else lines[-1]["next"]
        names = np.r_[names[stays], np.arange(arrived) + max(start, customers)]
        rates = np.r_[rates[stays], random.gamma(1.2, 1.5, size=arrived)]
        spends = np.r_[spends[stays], random.lognormal(5.0, 0.8, size=arrived)]
        counts = random.poisson(rates)
        who = np.repeat(np.arange(len(names)), counts)
        amounts = (spends[who] * random.lognormal(0, 0.5, size=len(who))).round(2)
        amounts *= change if change and place == quarters - 1 else 1.0
        days = pd.Timestamp(span.starts_on) + pd.to_timedelta(
            random.integers(0, _QUARTER_DAYS - 1, size=len(who)), unit="D"
        )
        customer = np.char.add("c", names[who].astype(str))
        # About one order in ten names no customer.
        frame = pd.DataFrame({"day": days, "customer_id": customer, "amount": amounts.round(2)})
        frame["has_customer"] = random.random(len(frame)) > 0.1
        frame["period"] = span.name
        lines.append({"frame": frame, "next": max(start, customers) + arrived})
    orders = pd.concat([line["frame"] for line in lines], ignore_index=True)
    # The data begin on the first day of their first quarter.
    orders.loc[0, "day"] = pd.Timestamp(first.starts_on)
    return _days(orders), _periods(orders[orders["has_customer"]]), [s.name for s in spans]


def _days(orders):
    grouped = orders.groupby(["day", "has_customer"])["amount"].agg(["sum", "size"]).reset_index()
    return pd.DataFrame(
        {
            "day": grouped["day"].astype("datetime64[us]"),
            "kind": "sale",
            "has_customer": grouped["has_customer"],
            "amount": [Decimal(str(round(value, 2))) for value in grouped["sum"]],
            "is_revenue": True,
            "line_count": grouped["size"],
            "invoice_count": grouped["size"],
        }
    )


def _periods(orders):
    key = ["customer_id", "period"]
    table = orders.groupby(key).agg(
        revenue_amount=("amount", "sum"),
        order_count=("amount", "size"),
        last_order_on=("day", "max"),
    )
    table = table.reset_index().sort_values(key, ignore_index=True)
    previous = table.groupby("customer_id")["last_order_on"].shift().astype("datetime64[us]")
    return table.assign(previous_order_on=previous).drop(columns="last_order_on")
