"""The tables of selling: people, leads, opportunities, stages, activities, contacts, time."""

from analysis.core.tables import Column, Table
from analysis.core.tables_customers import CUSTOMER_STATES

ROLES = ("hunter", "farmer", "inside", "field", "service", "marketing", "manager")
STAGE_CATEGORIES = ("open", "won", "lost")
DEAL_TYPES = ("new", "expansion", "renewal")
SELLING_MODELS = ("transactional", "enterprise", "consultative")
DIRECTIONS = ("inbound", "outbound", "internal")

_SOURCE_SYSTEM = Column("source_system", "id", "name of the source in project.toml")
_SOURCE_ID = Column("source_id", "id", "the customer's id in that source, before customer_links")

REPS = Table(
    "reps",
    "one seller",
    ("rep_id",),
    (
        Column("rep_id", "id", "our own id of the seller"),
        Column("rep_name", "text", "name; a setting replaces it by a pseudonym", is_personal=True),
        Column("team_id", "id", "team now"),
        Column("role", "text", "what the person does", allowed=ROLES),
        Column("leader_rep_id", "id", "who leads the person"),
        Column("hired_on", "day", "first day at work; not the day the login was made"),
        Column("left_on", "day", "first day no longer at work; missing while employed"),
        Column("fte_share", "share", "part of a full-time position"),
    ),
)

TEAMS = Table(
    "teams",
    "one team",
    ("team_id",),
    (
        Column("team_id", "id", "our own id of the team"),
        Column("team_name", "text", "name for people"),
        Column("team_kind", "text", "what the team is for: direct sales, inside, service, ..."),
    ),
)

STAGES = Table(
    "stages",
    "one stage of one pipeline, as defined from one day on",
    ("pipeline_id", "stage_id", "valid_from_on"),
    (
        Column("pipeline_id", "id", "pipeline"),
        Column("stage_id", "id", "stage, as stage_events name it"),
        Column("valid_from_on", "day", "first day of this definition"),
        Column("stage_name", "text", "name for people"),
        Column("stage_order", "count", "position in the pipeline, from 1", is_required=True),
        Column(
            "stage_category",
            "text",
            "whether a deal in it is still open",
            allowed=STAGE_CATEGORIES,
            is_required=True,
        ),
        Column("default_win_share", "share", "the CRM's own chance of winning from here"),
        Column("objective", "text", "what the stage is to reach"),
        Column("exit_criteria", "text", "what must be true before a deal leaves it"),
        Column("sla_days", "number", "time that a deal should take at most", unit="days"),
    ),
)

LEADS = Table(
    "leads",
    "one enquiry or name that may become an opportunity",
    ("lead_id",),
    (
        Column("lead_id", "id", "our own id of the lead"),
        Column("customer_id", "id", "company behind the lead; missing until known"),
        Column("created_at", "moment", "when the lead came", is_required=True),
        Column("channel", "text", "way by which it came"),
        Column("campaign", "text", "campaign that it answers"),
        Column("product_id", "id", "what it asks for"),
        Column("rep_id", "id", "who works on it"),
        Column("status", "text", "where it stands, in the words of the source"),
        Column("converted_at", "moment", "when it became an opportunity; missing if it did not"),
        Column("opportunity_id", "id", "the opportunity that it became"),
        Column("quality_score", "number", "score before anybody worked on it, higher is better"),
        _SOURCE_SYSTEM,
        _SOURCE_ID,
    ),
)

OPPORTUNITIES = Table(
    "opportunities",
    "one deal, in its present state",
    ("opportunity_id",),
    (
        Column("opportunity_id", "id", "our own id of the deal"),
        Column("customer_id", "id", "buyer; missing when the source does not know"),
        Column("pipeline_id", "id", "pipeline"),
        Column("stage_id", "id", "stage now"),
        Column("rep_id", "id", "owner now; stage_events hold the owner at the time"),
        Column("created_at", "moment", "when the deal was opened; missing before it is worked on"),
        Column("closed_at", "moment", "when it was won or lost, by the system's clock"),
        Column("expected_close_on", "day", "the owner's own expectation, as last edited"),
        Column("is_closed", "flag", "won or lost", is_required=True),
        Column("is_won", "flag", "won; false while open", is_required=True),
        Column("value_amount", "amount", "value of the deal as last edited"),
        Column("currency", "text", "ISO 4217 code of original_amount"),
        Column("original_amount", "amount", "value in `currency`, before conversion"),
        Column("win_share", "share", "chance of winning as the source states it"),
        Column("forecast_category", "text", "category that the owner put it in"),
        Column("deal_type", "text", "first or further business", allowed=DEAL_TYPES),
        Column("selling_model", "text", "way of selling", allowed=SELLING_MODELS),
        Column("channel", "text", "way by which it came"),
        Column("product_id", "id", "main product"),
        Column("lost_reason", "text", "why it was lost"),
        _SOURCE_SYSTEM,
        _SOURCE_ID,
    ),
)

STAGE_EVENTS = Table(
    "stage_events",
    "one stay of one deal in one stage",
    ("opportunity_id", "event_no"),
    (
        Column("opportunity_id", "id", "deal"),
        Column("event_no", "count", "order of the stays, from 1"),
        Column("entered_at", "moment", "when the deal entered the stage", is_required=True),
        Column("exited_at", "moment", "when it left; missing while it is there"),
        Column("stage_id", "id", "stage", is_required=True),
        Column("previous_stage_id", "id", "stage before; missing for the first"),
        Column("rep_id", "id", "owner at the time"),
        Column("changed_by_rep_id", "id", "who moved the deal"),
        Column("value_amount", "amount", "value of the deal at the time"),
        Column("expected_close_on", "day", "expected close at the time"),
        Column("is_bulk", "flag", "moved together with others, so its time says little"),
        Column("is_reconstructed", "flag", "not recorded; inferred from other columns"),
        _SOURCE_SYSTEM,
    ),
)

OPPORTUNITY_LINES = Table(
    "opportunity_lines",
    "one line of a proposal",
    ("opportunity_id", "line_no"),
    (
        Column("opportunity_id", "id", "deal"),
        Column("line_no", "count", "position in the proposal, from 1"),
        Column("product_id", "id", "what is offered"),
        Column("quantity", "number", "units"),
        Column("value_amount", "amount", "value of the line"),
        Column("is_proposed", "flag", "the customer was offered it"),
        Column("is_accepted", "flag", "the customer took it; missing while undecided"),
    ),
)

KNOWN_AHEAD = Table(
    "known_ahead",
    "one fact about a customer's future, as it was known at one time",
    ("customer_id", "kind", "starts_on", "known_at"),
    (
        Column("customer_id", "id", "customer"),
        Column("kind", "text", "what is known", allowed=("contract", "price_change")),
        Column("starts_on", "day", "first day that it holds"),
        Column("ends_on", "day", "last day that it holds; missing without an end"),
        Column(
            "amount",
            "amount",
            "of a contract: revenue of all its days, of a quarter where it has no end",
        ),
        Column("change_share", "number", "of a price: new over old less 1, for example 0.05"),
        Column("known_at", "moment", "when we knew it; it tells nothing before"),
        _SOURCE_SYSTEM,
        _SOURCE_ID,
    ),
)

ACTIVITIES = Table(
    "activities",
    "one call, message, meeting or task",
    ("activity_id",),
    (
        Column("activity_id", "id", "our own id of the activity"),
        Column("activity_type", "text", "call, email, meeting, task, proposal, demo, admin, ..."),
        Column("direction", "text", "who reached whom", allowed=DIRECTIONS),
        Column("channel", "text", "medium"),
        Column("rep_id", "id", "who does it"),
        Column("team_id", "id", "team of that person at the time"),
        Column("customer_id", "id", "customer that it is about"),
        Column("lead_id", "id", "lead that it is about"),
        Column("opportunity_id", "id", "deal that it is about"),
        Column("stage_id", "id", "stage of the deal at the time"),
        Column("created_at", "moment", "when it was entered", is_required=True),
        Column("due_at", "moment", "deadline"),
        Column("started_at", "moment", "when it began"),
        Column("completed_at", "moment", "when it was done; missing while it is not"),
        Column("duration_minutes", "number", "time that it took", unit="minutes"),
        Column("template_id", "id", "template or script that it followed"),
        Column("is_automated", "flag", "done by a machine"),
        Column("is_selling", "flag", "time with or for a buyer, by the project's definition"),
        _SOURCE_SYSTEM,
        _SOURCE_ID,
    ),
)

INBOUND_CONTACTS = Table(
    "inbound_contacts",
    "one time that somebody reached us",
    ("contact_id",),
    (
        Column("contact_id", "id", "our own id of the contact"),
        Column("received_at", "moment", "when it came", is_required=True),
        Column("channel", "text", "phone, email, web form, ..."),
        Column("topic", "text", "what it is about"),
        Column("customer_id", "id", "who it is from; missing when unknown"),
        Column("customer_state", "text", "relation at the time", allowed=CUSTOMER_STATES),
        Column("routed_team_id", "id", "team that it was first given to"),
        Column("transfer_count", "count", "times that it was passed on", unit="transfers"),
        Column("first_response_at", "moment", "first answer by a person; missing if none yet"),
        Column("resolved_at", "moment", "when it was settled; missing while it is not"),
        Column("opportunity_id", "id", "deal that came of it"),
        _SOURCE_SYSTEM,
        _SOURCE_ID,
    ),
)

TIME_RECORDS = Table(
    "time_records",
    "one person's hours of one kind on one recorded day",
    ("rep_id", "worked_on", "category"),
    (
        Column("rep_id", "id", "who"),
        Column("worked_on", "day", "day"),
        Column("category", "text", "kind of work: selling, admin, travel, internal, absent, ..."),
        Column("worked_hours", "number", "hours worked", unit="hours", is_required=True),
        Column(
            "paid_hours",
            "number",
            "paid hours that fall to this kind; a day's rows sum to the paid hours of the day",
            unit="hours",
        ),
        _SOURCE_SYSTEM,
    ),
)

TABLES = (
    REPS,
    TEAMS,
    STAGES,
    LEADS,
    OPPORTUNITIES,
    STAGE_EVENTS,
    OPPORTUNITY_LINES,
    KNOWN_AHEAD,
    ACTIVITIES,
    INBOUND_CONTACTS,
    TIME_RECORDS,
)
