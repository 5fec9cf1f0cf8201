"""What every room speaks: tables, periods, settings, paths, the Result, shared statistics."""
