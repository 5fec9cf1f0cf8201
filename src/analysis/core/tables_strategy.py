"""The tables of strategy: market, targets, improvements, the process and its actions."""

from analysis.core.tables import Column, Table
from analysis.core.tables_customers import CUSTOMER_STATES

TARGET_LEVELS = ("company", "region", "segment", "customer", "team", "rep")
IMPROVEMENT_KINDS = (
    "accounting_system",
    "database",
    "training",
    "automation",
    "process",
    "routing",
    "role_split",
)

MARKET_POTENTIAL = Table(
    "market_potential",
    "one estimate of one region's market for one range of products",
    ("region_id", "product_category", "period", "known_on"),
    (
        Column("region_id", "id", "region"),
        Column("product_category", "text", "range of products"),
        Column("period", "text", "fiscal year or quarter that the estimate is for"),
        Column("known_on", "day", "day from which the estimate was known"),
        Column("organisation_count", "count", "all possible customers", unit="organisations"),
        Column("regular_low_count", "number", "regular buyers, 10 % quantile"),
        Column("regular_mid_count", "number", "regular buyers, middle"),
        Column("regular_high_count", "number", "regular buyers, 90 % quantile"),
        Column("spend_low_amount", "amount", "a regular buyer's spend in a year, 10 % quantile"),
        Column("spend_mid_amount", "amount", "a regular buyer's spend in a year, middle"),
        Column("spend_high_amount", "amount", "a regular buyer's spend in a year, 90 % quantile"),
        Column("competitor_count", "count", "competitors who serve the region"),
        Column("source", "text", "where the numbers stand, so that a reader can look"),
        Column(
            "asked_count",
            "count",
            "organisations of the region behind the share of regular buyers; missing: not known",
            unit="organisations",
        ),
    ),
)

MARKET_COMPETITORS = Table(
    "market_competitors",
    "one company in one region, a competitor or our own, as known from one day",
    ("region_id", "competitor", "known_on"),
    (
        Column("region_id", "id", "region"),
        Column("competitor", "text", "name of the company"),
        Column("known_on", "day", "day from which it was known"),
        Column("is_own", "flag", "our own company; one row of each region", is_required=True),
        Column("coverage_share", "share", "regular buyers of the region that it calls on"),
        Column("site_count", "count", "branches; counts where coverage is missing", unit="sites"),
        Column("price_index", "number", "its prices over the usual ones of the region, 1 is equal"),
        Column("reps_count", "number", "people who sell in the region", unit="people"),
        Column("source", "text", "where the numbers stand, so that a reader can look"),
    ),
)

CUSTOMER_WALLETS = Table(
    "customer_wallets",
    "one answer of one customer to what he spends in all on what we sell",
    ("customer_id", "known_on"),
    (
        Column("customer_id", "id", "who was asked; best a random part of regular customers"),
        Column("known_on", "day", "day of the answer"),
        Column("wallet_amount", "amount", "spend of a year, with us and with all others"),
        Column("source", "text", "who asked, and how"),
    ),
)

MARKET_LISTINGS = Table(
    "market_listings",
    "one organisation in one outside list",
    ("list_name", "organisation_id"),
    (
        Column("list_name", "text", "list: a register, a directory of a fair, ..."),
        Column("organisation_id", "id", "the same in every list, after matching"),
        Column("region_id", "id", "region of its seat", is_required=True),
        Column("customer_id", "id", "our customer or prospect; missing when it is neither"),
        Column("listed_on", "day", "day of the list"),
    ),
)

TARGETS = Table(
    "targets",
    "one target for one level, metric and span of days",
    ("target_id",),
    (
        Column("target_id", "id", "our own id of the target"),
        Column("level", "text", "what it is set for", allowed=TARGET_LEVELS, is_required=True),
        Column("level_id", "id", "which region, segment, ...; missing for the company"),
        Column(
            "metric",
            "text",
            "what is to be reached. Company: revenue_amount, margin_amount, margin_share, "
            "market_share; region, customer: revenue_amount; rep: won_amount, revenue_amount, "
            "won_count, ended_count, given_count (docs/targets.md)",
        ),
        Column("starts_on", "day", "first day that counts", is_required=True),
        Column("ends_on", "day", "last day that counts", is_required=True),
        Column("low", "number", "least that is acceptable, in the metric's unit"),
        Column("value", "number", "target, in the metric's unit", is_required=True),
        Column("high", "number", "what would be excellent, in the metric's unit"),
        Column("set_by", "text", "who set it", is_personal=True),
        Column("set_on", "day", "when it was set; a run sees it from then"),
    ),
)

IMPROVEMENTS = Table(
    "improvements",
    "one improvement with its case",
    ("improvement_id",),
    (
        Column("improvement_id", "id", "our own id of the improvement"),
        Column("name", "text", "name for people"),
        Column("kind", "text", "what is changed", allowed=IMPROVEMENT_KINDS),
        Column("driver", "text", "number of the driver tree that it is to move"),
        Column("effect_low", "number", "promised relative change of the driver, 10 % quantile"),
        Column("effect_mid", "number", "promised relative change of the driver, middle"),
        Column("effect_high", "number", "promised relative change of the driver, 90 % quantile"),
        Column("cost_once_amount", "amount", "cost to put it in place"),
        Column("cost_month_amount", "amount", "cost of each month after"),
        Column("starts_on", "day", "first day of work on it"),
        Column("effective_on", "day", "first day that it is to work"),
        Column("owner", "text", "who answers for it", is_personal=True),
    ),
)

IMPROVEMENT_ASSIGNMENTS = Table(
    "improvement_assignments",
    "one unit that an improvement is given to",
    ("improvement_id", "unit_type", "unit_id"),
    (
        Column("improvement_id", "id", "improvement"),
        Column("unit_type", "text", "rep, team, region, customer, ..."),
        Column("unit_id", "id", "which"),
        Column("treated_from_on", "day", "first day with it", is_required=True),
        Column("treated_to_on", "day", "last day with it; missing while it lasts"),
    ),
)

PROCESS_STEPS = Table(
    "process_steps",
    "one step of one version of the process as it should be",
    ("model_version", "step_id"),
    (
        Column("model_version", "text", "version of the process"),
        Column("step_id", "id", "step"),
        Column("phase", "text", "part of the process"),
        Column("step_order", "count", "position, from 1"),
        Column("step_name", "text", "name for people"),
        Column("team_id", "id", "team that does it"),
        Column("customer_state", "text", "for whom", allowed=CUSTOMER_STATES),
        Column("activity_type", "text", "activity that shows that it was done"),
        Column("sla_hours", "number", "time allowed", unit="hours"),
        Column("objective", "text", "what it is to reach"),
        Column("tool", "text", "what it is done with"),
        Column("follow_up", "text", "what must come after"),
        Column("is_required", "flag", "may not be left out"),
    ),
)

PROCESS_EDGES = Table(
    "process_edges",
    "one allowed way from a step to the next",
    ("model_version", "from_step_id", "to_step_id"),
    (
        Column("model_version", "text", "version of the process"),
        Column("from_step_id", "id", "step before"),
        Column("to_step_id", "id", "step after"),
        Column("condition", "text", "when this way is taken"),
    ),
)

ROUTING_RULES = Table(
    "routing_rules",
    "one kind of contact and the team that must get it, from one day on",
    ("channel", "customer_state", "topic", "valid_from_on"),
    (
        Column("channel", "text", "way by which it comes"),
        Column("customer_state", "text", "relation at the time", allowed=CUSTOMER_STATES),
        Column("topic", "text", "what it is about"),
        Column("valid_from_on", "day", "first day of the rule"),
        Column("team_id", "id", "team that must get it", is_required=True),
    ),
)

ACTION_ITEMS = Table(
    "action_items",
    "one thing that somebody has undertaken to do",
    ("action_id",),
    (
        Column("action_id", "id", "our own id of the action"),
        Column("description", "text", "what is to be done"),
        Column("finding_id", "id", "published finding that it answers"),
        Column("owner", "text", "who does it", is_personal=True),
        Column("opened_on", "day", "when it was undertaken"),
        Column("due_on", "day", "when it is to be done"),
        Column("done_on", "day", "when it was done; missing while it is not"),
        Column("result", "text", "what came of it"),
    ),
)

FEEDBACK = Table(
    "feedback",
    "one answer of one customer",
    ("feedback_id",),
    (
        Column("feedback_id", "id", "our own id of the answer"),
        Column("customer_id", "id", "who answered"),
        Column("given_on", "day", "when", is_required=True),
        Column("topic", "text", "what it is about"),
        Column("score", "number", "0 to 10, higher is better"),
        Column("text", "text", "the customer's words; may name people", is_personal=True),
        Column("source_system", "id", "name of the source in project.toml"),
        Column("source_id", "id", "the customer's id in that source, before customer_links"),
    ),
)

TABLES = (
    MARKET_POTENTIAL,
    MARKET_LISTINGS,
    MARKET_COMPETITORS,
    CUSTOMER_WALLETS,
    TARGETS,
    IMPROVEMENTS,
    IMPROVEMENT_ASSIGNMENTS,
    PROCESS_STEPS,
    PROCESS_EDGES,
    ROUTING_RULES,
    ACTION_ITEMS,
    FEEDBACK,
)
