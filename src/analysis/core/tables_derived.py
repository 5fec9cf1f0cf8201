"""The tables that are computed: features as of a period's end, and what analyses hand on.

Every one is as of the end of the period that it is made for: a line counts when its day lies before
that end and the source knew it by then (`known_at`). Money is revenue by project.toml's
`revenue.kinds` unless the meaning says otherwise. "The last quarter" is the fiscal quarter that the
last known day lies in; "the last four quarters" end with it.

An order is a document of one customer and day whose lines of the kinds sale, fee, postage and
adjustment (as far as they count as revenue) sum to more than 0, or to 0 with a quantity above 0
(free goods). A credit note is none. An order that is cancelled later stays an order and nets in
revenue; what came back on its very day is also taken off the amount of that order day, never below
0, so that a giant order entered by mistake does not pass for what the customer usually spends.
"""

from analysis.core.periods import CADENCES
from analysis.core.tables import Column, Table
from analysis.core.tables_customers import LINE_KINDS

_ORDERS = (
    "documents of one day that charge more than 0, or give something free; credit notes are none, "
    "orders cancelled later stay"
)
_MARGIN = "revenue less cost; missing where a line of it has no cost, and without a revenue line"

CUSTOMER_PERIODS = Table(
    "customer_periods",
    "one customer in one fiscal quarter with at least one line",
    ("customer_id", "period"),
    (
        Column("customer_id", "id", "customer"),
        Column("period", "text", "fiscal quarter, for example 2026Q3"),
        Column("starts_on", "day", "first day of the quarter", is_required=True),
        Column("revenue_amount", "amount", "revenue of the quarter", is_required=True),
        Column("sale_amount", "amount", "lines of kind sale only", is_required=True),
        Column(
            "return_amount",
            "amount",
            "lines of kind return, as a positive sum",
            is_required=True,
        ),
        Column("margin_amount", "amount", _MARGIN),
        Column("order_count", "count", _ORDERS, unit="orders"),
        Column("order_day_count", "count", "days with an order", unit="days"),
        Column(
            "product_count", "count", "distinct products on lines of kind sale", unit="products"
        ),
        Column("line_count", "count", "lines of any kind", unit="lines"),
        Column("first_order_on", "day", "first order day in the quarter; missing without order"),
        Column("last_order_on", "day", "last order day in the quarter; missing without order"),
        Column("previous_order_on", "day", "last order day before the quarter; missing if none"),
    ),
)

CUSTOMER_FEATURES = Table(
    "customer_features",
    "one customer who has ordered at least once",
    ("customer_id",),
    (
        Column("customer_id", "id", "customer"),
        Column("first_order_on", "day", "first order day", is_required=True),
        Column("last_order_on", "day", "last order day", is_required=True),
        Column("tenure_days", "count", "first order day to the last day known", unit="days"),
        Column("recency_days", "count", "last order day to the last day known", unit="days"),
        Column("order_count", "count", _ORDERS, unit="orders"),
        Column("order_day_count", "count", "days with an order", unit="days"),
        Column("repeat_count", "count", "order days after the first", unit="days"),
        Column("repeat_span_days", "count", "first to last order day", unit="days"),
        Column("median_gap_days", "number", "between order days; missing for one", unit="days"),
        Column(
            "mean_order_day_amount",
            "number",
            "orders less what came back on the same day (at least 0), per order day",
        ),
        Column(
            "mean_repeat_amount",
            "number",
            "the same without the first order day; missing without a repeat",
        ),
        Column("revenue_amount", "amount", "since the first line", is_required=True),
        Column("revenue_quarter_amount", "amount", "the last quarter", is_required=True),
        Column("revenue_year_amount", "amount", "the last four quarters", is_required=True),
        Column("revenue_year_before_amount", "amount", "the four before them", is_required=True),
        Column("sale_year_amount", "amount", "sales of the last four quarters", is_required=True),
        Column("return_year_amount", "amount", "returns of the last four quarters, positive"),
        Column("margin_year_amount", "amount", f"of the last four quarters: {_MARGIN}"),
        Column("order_year_count", "count", "orders of the last four quarters", unit="orders"),
        Column("order_day_year_count", "count", "order days of the last four quarters"),
        Column("product_year_count", "count", "distinct products sold, last four quarters"),
        Column("active_quarter_year_count", "count", "of the last four quarters, with an order"),
        Column("customer_name", "text", "name as invoiced", is_personal=True),
        Column("region_id", "id", "region of the customer, as the source says now"),
        Column("industry", "text", "line of business"),
        Column("business_model", "text", "company or consumer", allowed=("b2b", "b2c")),
        Column(
            "rep_id",
            "id",
            "who sold the customer most in the last four quarters (of equals the first by id); "
            "missing where no line of them names a seller",
        ),
    ),
)

_SALES_OF_CUSTOMER = (
    Column("sale_year_amount", "amount", "sales of the last four quarters", is_required=True),
    Column("sale_year_before_amount", "amount", "sales of the four before", is_required=True),
    Column("line_year_count", "count", "lines of the last four quarters", unit="lines"),
    Column("line_count", "count", "lines since the first", unit="lines"),
    Column("first_sold_on", "day", "day of the first line", is_required=True),
    Column("last_sold_on", "day", "day of the last line", is_required=True),
)

CUSTOMER_PRODUCTS = Table(
    "customer_products",
    "one customer and one product that he bought, lines of kind sale",
    ("customer_id", "product_id"),
    (
        Column("customer_id", "id", "customer"),
        Column("product_id", "id", "product"),
        *_SALES_OF_CUSTOMER,
    ),
)

CUSTOMER_CATEGORIES = Table(
    "customer_categories",
    "one customer and one product category that he bought, lines of kind sale",
    ("customer_id", "product_category"),
    (
        Column("customer_id", "id", "customer"),
        Column("product_category", "text", "category as the source names it; none has no row"),
        *_SALES_OF_CUSTOMER,
    ),
)

COMPANY_DAYS = Table(
    "company_days",
    "one day, kind of line, and whether the customer is known",
    ("day", "kind", "has_customer"),
    (
        Column("day", "day", "date of the documents"),
        Column("kind", "text", "kind of line", allowed=LINE_KINDS),
        Column("has_customer", "flag", "the source names the customer"),
        Column("amount", "amount", "sum of the lines, whether or not the kind is revenue"),
        Column("is_revenue", "flag", "project.toml counts this kind as revenue"),
        Column("line_count", "count", "lines", unit="lines"),
        Column(
            "invoice_count",
            "count",
            "documents; one with lines of several kinds counts in each",
            unit="documents",
        ),
    ),
)

COMPANY_PERIODS = Table(
    "company_periods",
    "one day, fortnight, fiscal quarter or fiscal year with a line",
    ("cadence", "period"),
    (
        Column("cadence", "text", "length of the period", allowed=CADENCES),
        Column("period", "text", "the period, for example 2026Q3 or 2026-09-30"),
        Column("starts_on", "day", "first day of the period", is_required=True),
        Column("order_count", "count", _ORDERS, unit="orders"),
        Column("active_count", "count", "customers with an order", unit="customers"),
        Column(
            "late_amount",
            "amount",
            "revenue of the period that the source knew only after the period's end",
        ),
        Column("late_count", "count", "lines of the period known only after its end", unit="lines"),
    ),
)

_MONEY_WITH_COST = (
    Column("revenue_amount", "amount", "revenue", is_required=True),
    Column(
        "with_cost_amount",
        "amount",
        "revenue of documents all of whose lines of the kind have a cost",
        is_required=True,
    ),
    Column("cost_amount", "amount", "cost of what with_cost_amount counts", is_required=True),
    Column("missing_cost_count", "count", "lines without a cost", unit="lines"),
)

CUSTOMER_KINDS = Table(
    "customer_kinds",
    "one customer and one kind of line that counts as revenue, last four quarters",
    ("customer_id", "kind"),
    (
        Column("customer_id", "id", "customer"),
        Column("kind", "text", "kind of line", allowed=LINE_KINDS),
        *_MONEY_WITH_COST,
    ),
)

COMPANY_KINDS = Table(
    "company_kinds",
    "one fiscal quarter, kind of line that counts as revenue, and whether the customer is known",
    ("period", "kind", "has_customer"),
    (
        Column("period", "text", "fiscal quarter, for example 2026Q3"),
        Column("kind", "text", "kind of line", allowed=LINE_KINDS),
        Column("has_customer", "flag", "the source names the customer"),
        Column("starts_on", "day", "first day of the quarter", is_required=True),
        *_MONEY_WITH_COST,
    ),
)

SELLER_PERIODS = Table(
    "seller_periods",
    "one customer (or none), seller (or none) and fiscal quarter with a revenue line",
    ("customer_id", "rep_id", "period"),
    (
        Column("customer_id", "id", "customer; empty where no line names one"),
        Column("rep_id", "id", "seller at the time; empty where the lines name none"),
        Column("period", "text", "fiscal quarter, for example 2026Q3"),
        Column("starts_on", "day", "first day of the quarter", is_required=True),
        Column("first_on", "day", "first day of such a line", is_required=True),
        Column("last_on", "day", "last day of such a line", is_required=True),
        Column("day_count", "count", "days with such a line", unit="days"),
        Column("revenue_amount", "amount", "revenue", is_required=True),
    ),
)

PRODUCT_PERIODS = Table(
    "product_periods",
    "one product (or none) and fiscal quarter, lines of kind sale that count as revenue",
    ("product_id", "period"),
    (
        Column("product_id", "id", "product; empty where the lines name none"),
        Column("period", "text", "fiscal quarter, for example 2026Q3"),
        Column("starts_on", "day", "first day of the quarter", is_required=True),
        Column("unit_number", "number", "units, of lines with a quantity above 0"),
        Column("priced_amount", "amount", "revenue of these lines", is_required=True),
        Column("sale_amount", "amount", "revenue of all lines", is_required=True),
        Column("cost_amount", "amount", "cost of the lines that have one", is_required=True),
        Column("missing_cost_count", "count", "lines without a cost", unit="lines"),
        Column("missing_quantity_count", "count", "lines without a quantity above 0", unit="lines"),
        Column("line_count", "count", "lines", unit="lines"),
    ),
)

CUSTOMER_GROWTH = Table(
    "customer_growth",
    "one customer who has ordered at least once",
    ("customer_id",),
    (
        Column("customer_id", "id", "customer"),
        Column("active_share", "share", "chance that the customer still buys"),
        Column("forecast_quarter_amount", "number", "expected revenue of the next quarter"),
        Column("forecast_quarter_low_amount", "number", "lower end, 80 % interval"),
        Column("forecast_quarter_high_amount", "number", "upper end, 80 % interval"),
        Column("forecast_year_amount", "number", "expected revenue of the next four quarters"),
        Column("forecast_year_low_amount", "number", "lower end, 80 % interval"),
        Column("forecast_year_high_amount", "number", "upper end, 80 % interval"),
        Column("potential_year_amount", "number", "what similar customers reach in a year"),
        Column("gap_year_amount", "number", "potential less forecast, not below 0"),
        Column("target_quarter_amount", "number", "target of the next quarter"),
        Column("stretch_quarter_amount", "number", "target that one in five such would reach"),
        Column(
            "target_pool_id",
            "id",
            "pool whose sum is the target, for customers who rarely buy; missing if his own",
        ),
        Column("next_products", "list", "products to offer next, best first; empty if none"),
        Column("reason", "text", "why, in words", is_required=True),
        Column(
            "forecast_quarter_margin_amount",
            "number",
            "expected margin of the next quarter; missing where a cost of the last year is",
        ),
        Column("forecast_quarter_margin_low_amount", "number", "lower end, 80 % interval"),
        Column("forecast_quarter_margin_high_amount", "number", "upper end, 80 % interval"),
        Column(
            "forecast_year_margin_amount",
            "number",
            "expected margin of the next four quarters; missing where a cost is",
        ),
        Column("forecast_year_margin_low_amount", "number", "lower end, 80 % interval"),
        Column("forecast_year_margin_high_amount", "number", "upper end, 80 % interval"),
    ),
)

SEGMENTS = Table(
    "segments",
    "one customer who has ordered at least once",
    ("customer_id",),
    (
        Column("customer_id", "id", "customer"),
        Column("segment_id", "id", "stays the same between quarters", is_required=True),
        Column("segment_name", "text", "what distinguishes the segment", is_required=True),
        Column("prospect_class", "text", "value now x growth ahead", is_required=True),
        Column("reason", "text", "why this segment, in words", is_required=True),
        Column("is_new", "flag", "too new to say: first order within the last quarter"),
        Column("is_override", "flag", "set by an analyst, not by the rule"),
    ),
)

# What customer_features would have been at earlier quarter ends, with what came next: the rows that
# a rolling back-test needs. Companies of few customers and fewer than eight such quarter ends learn
# from month ends as well, where "the last quarter" is the three months up to the origin and the
# quarter after it the three months on.
BACKTEST_ORIGINS = Table(
    "backtest_origins",
    "one customer at an earlier quarter end (or month end), and the quarter after it",
    ("origin", "customer_id"),
    (
        Column(
            "origin",
            "text",
            "quarter, or last day of a month, whose end is the as-of of the other columns",
        ),
        Column("horizon_days", "count", "days of the quarter after the origin", unit="days"),
        *CUSTOMER_FEATURES.columns,
        Column(
            "next_quarter_amount",
            "amount",
            "revenue of the quarter after the origin, as known now; 0 without a line",
            is_required=True,
        ),
        Column(
            "next_quarter_sale_amount",
            "amount",
            "sales of the quarter after the origin, as known now; 0 without a line",
            is_required=True,
        ),
    ),
)

# Kept as published: a run adds a version when its numbers differ, and never changes an earlier one.
FORECASTS = Table(
    "forecasts",
    "one number that a published run said of a time to come",
    (
        "cadence",
        "origin",
        "version",
        "scope",
        "scope_id",
        "measure",
        "horizon",
        "statistic",
    ),
    (
        Column("cadence", "text", "cadence of the run"),
        Column("origin", "text", "period of the run, at whose end the forecast was made"),
        Column("version", "count", "1 for what was published first; the first one is graded"),
        Column("scope", "text", "customer, company, or another level of growth's totals"),
        Column(
            "scope_id",
            "id",
            "customer, region, ...; empty for the company; pipeline, with the rule's name for one",
        ),
        Column(
            "measure",
            "text",
            "what the number is of",
            allowed=("revenue", "target", "potential", "won"),
        ),
        Column("horizon", "text", "how far ahead", allowed=("quarter", "year")),
        Column(
            "statistic",
            "text",
            "the number itself, or an end of its 80 % interval",
            allowed=("point", "low", "high"),
        ),
        Column("period", "text", "what it is a forecast of, for example 2026Q2", is_required=True),
        Column("starts_on", "day", "first day of that time", is_required=True),
        Column("ends_on", "day", "last day of that time", is_required=True),
        Column("value_amount", "amount", "the number", is_required=True),
        Column("segment_name", "text", "the customer's segment then; missing without segments"),
        Column("is_provisional", "flag", "the run's own period was not over; never graded"),
        Column("made_at", "moment", "start of the run that published it", is_required=True),
        Column("snapshot", "id", "loaded tables that it rests on", is_required=True),
        Column("code", "id", "hash of the code that made it", is_required=True),
        Column("reason", "text", "why there is this version, in words", is_required=True),
    ),
)

TABLES = (
    CUSTOMER_PERIODS,
    CUSTOMER_FEATURES,
    CUSTOMER_PRODUCTS,
    CUSTOMER_CATEGORIES,
    BACKTEST_ORIGINS,
    COMPANY_DAYS,
    COMPANY_PERIODS,
    CUSTOMER_KINDS,
    COMPANY_KINDS,
    SELLER_PERIODS,
    PRODUCT_PERIODS,
    CUSTOMER_GROWTH,
    SEGMENTS,
    FORECASTS,
)
