"""The tables that tell who the customers are and what was invoiced to them."""

from analysis.core.tables import Column, Table

LINE_KINDS = ("sale", "return", "fee", "postage", "write_off", "bad_debt", "adjustment")
CUSTOMER_STATES = ("prospect", "customer", "former")

CUSTOMERS = Table(
    "customers",
    "one customer",
    ("customer_id",),
    (
        Column("customer_id", "id", "our own id of the customer"),
        Column("customer_name", "text", "name as invoiced", is_personal=True),
        Column("parent_customer_id", "id", "the group that this customer belongs to"),
        Column(
            "customer_state",
            "text",
            "where the relation stands",
            allowed=CUSTOMER_STATES,
        ),
        Column("business_model", "text", "company or consumer", allowed=("b2b", "b2c")),
        Column("industry", "text", "line of business, as the source spells it"),
        Column("region_id", "id", "region of the customer's seat"),
        Column("employee_count", "count", "people employed", unit="people"),
        Column("annual_revenue_amount", "amount", "the customer's own revenue in a year"),
        Column("rep_id", "id", "who looks after the customer now"),
        Column("created_on", "day", "when the source first knew the customer"),
        Column("first_won_on", "day", "first deal won"),
    ),
)

REGIONS = Table(
    "regions",
    "one region",
    ("region_id",),
    (
        Column("region_id", "id", "our own id of the region"),
        Column("region_name", "text", "name for people"),
        Column("parent_region_id", "id", "the region that holds this one"),
    ),
)

PRODUCTS = Table(
    "products",
    "one good or service that is sold",
    ("product_id",),
    (
        Column("product_id", "id", "our own id of the product"),
        Column("product_name", "text", "name; the most frequent where a source spells several"),
        Column("product_category", "text", "the range that it belongs to"),
        Column("list_price_amount", "amount", "price per unit before discount"),
        Column("unit_cost_amount", "amount", "cost per unit"),
        Column("is_service", "flag", "a service, not a good"),
    ),
)

PRODUCT_ELIGIBILITY = Table(
    "product_eligibility",
    "one product for one kind of customer",
    ("product_id", "segment"),
    (
        Column("product_id", "id", "product"),
        Column("segment", "text", "industry or size class that the rule is for"),
        Column("is_eligible", "flag", "this kind of customer can use the product"),
        Column("target_services_count", "count", "services such a customer should have"),
    ),
)

INVOICE_LINES = Table(
    "invoice_lines",
    "one line of an invoice or credit note",
    ("source_system", "invoice_id", "line_no"),
    (
        Column("invoice_id", "id", "document number", is_required=True),
        Column("line_no", "count", "position on the document, from 1", is_required=True),
        Column("customer_id", "id", "buyer; missing when the source does not know"),
        Column("product_id", "id", "what was sold"),
        Column("invoiced_on", "day", "date of the document", is_required=True),
        Column("quantity", "number", "units; negative when they come back"),
        Column("revenue_amount", "amount", "net of tax; negative for credits", is_required=True),
        Column("cost_amount", "amount", "cost of what was sold; missing when unknown"),
        Column("rep_id", "id", "seller at the time"),
        Column("currency", "text", "ISO 4217 code of original_amount", is_required=True),
        Column("original_amount", "amount", "in `currency`, before conversion", is_required=True),
        Column("kind", "text", "what the line is, by the preset's rules", "", LINE_KINDS, True),
        Column("known_at", "moment", "when the source knew the line; missing = on its day"),
        Column("source_system", "id", "name of the source in project.toml", is_required=True),
        Column("source_id", "id", "the buyer's id in that source, before customer_links"),
    ),
)

CUSTOMER_LINKS = Table(
    "customer_links",
    "one id of one source",
    ("source_system", "source_id"),
    (
        Column("source_system", "id", "name of the source in project.toml"),
        Column("source_id", "id", "the id that the source uses"),
        Column("customer_id", "id", "our own id", is_required=True),
        Column("matched_by", "text", "rule or person that matched them"),
        Column("confirmed_by", "text", "person who confirmed the match", is_personal=True),
    ),
)

EXCHANGE_RATES = Table(
    "exchange_rates",
    "one currency from one day until the next that is given",
    ("currency", "valid_on"),
    (
        Column("currency", "text", "ISO 4217 code"),
        Column("valid_on", "day", "first day of the rate"),
        Column(
            "company_currency_per_unit",
            "number",
            "what one unit is worth",
            unit="company currency per unit",
            is_required=True,
        ),
    ),
)

CONTROL_TOTALS = Table(
    "control_totals",
    "one measure of one period, as finance states it",
    ("period", "measure"),
    (
        Column("period", "text", "text of a fiscal period, for example 2026Q3"),
        Column("measure", "text", "what is stated", allowed=("revenue_amount",)),
        Column("value_amount", "amount", "the total", is_required=True),
        Column("source", "text", "where the number stands"),
    ),
)

COMMENTS = Table(
    "comments",
    "one signed remark of an analyst",
    ("comment_id",),
    (
        Column("comment_id", "id", "id of the remark"),
        Column("period", "text", "text of the period that it is about"),
        Column("about", "text", "table, metric or customer that it is about"),
        Column("text", "text", "the remark"),
        Column("author", "text", "who signs it", is_personal=True),
        Column("written_on", "day", "when"),
        Column("is_one_off", "flag", "the event will not come again"),
    ),
)

TABLES = (
    CUSTOMERS,
    REGIONS,
    PRODUCTS,
    PRODUCT_ELIGIBILITY,
    INVOICE_LINES,
    CUSTOMER_LINKS,
    EXCHANGE_RATES,
    CONTROL_TOTALS,
    COMMENTS,
)
