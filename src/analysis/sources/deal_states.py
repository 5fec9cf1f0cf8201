"""Deals whose source states no end: stage, owner and end as their last stage event says.

For an event log, in which a deal is nothing but its events (`state_from_events` of a preset).
"""

import duckdb

_STATES = "is_closed, is_won, closed_at, stage_id, rep_id"


def take_from_events(con: duckdb.DuckDBPyConnection, files: list[int]) -> None:
    """Give the deals of these files the state of their last event, in `final_opportunities`.

    Events of stages that the deal's pipeline does not have are passed over, as the analyses do; a
    deal without any other keeps what its row states. The last definition of a stage counts.
    """
    columns = [row[0] for row in con.execute("DESCRIBE final_opportunities").fetchall()]
    others = ", ".join(f"o.{column}" for column in columns if column not in _STATES.split(", "))
    con.execute(
        f"""
CREATE TABLE ended_opportunities AS
WITH kinds AS (
    SELECT pipeline_id, stage_id, arg_max(stage_category, valid_from_on) AS category
    FROM final_stages GROUP BY ALL
), events AS (
    SELECT e.opportunity_id, e.event_no, e.entered_at, e.stage_id, e.rep_id, k.category
    FROM final_stage_events e
    JOIN final_opportunities o ON o.opportunity_id = e.opportunity_id
    JOIN kinds k ON k.pipeline_id = o.pipeline_id AND k.stage_id = e.stage_id
), latest AS (
    SELECT opportunity_id, arg_max(entered_at, event_no) AS entered_at,
        arg_max(stage_id, event_no) AS stage_id, arg_max(category, event_no) AS category,
        arg_max(rep_id, event_no) AS rep_id
    FROM events GROUP BY opportunity_id
)
SELECT {others},
    CASE WHEN l.category IS NULL THEN o.is_closed ELSE l.category <> 'open' END AS is_closed,
    CASE WHEN l.category IS NULL THEN o.is_won ELSE l.category = 'won' END AS is_won,
    CASE WHEN l.category IS NULL THEN o.closed_at
        WHEN l.category <> 'open' THEN l.entered_at END AS closed_at,
    coalesce(l.stage_id, o.stage_id) AS stage_id, coalesce(l.rep_id, o.rep_id) AS rep_id
FROM final_opportunities o LEFT JOIN latest l
    ON l.opportunity_id = o.opportunity_id AND o._file IN ({", ".join(map(str, files))})"""
    )
    kind = con.execute(
        "SELECT 'TABLE' FROM duckdb_tables() WHERE table_name = 'final_opportunities'"
    ).fetchall()
    con.execute(f"DROP {'TABLE' if kind else 'VIEW'} final_opportunities")
    con.execute("ALTER TABLE ended_opportunities RENAME TO final_opportunities")
