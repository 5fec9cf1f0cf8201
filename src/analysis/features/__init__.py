"""One SQL file per derived table, and the engine that runs it."""
