"""Customer segments, growth per customer and quarterly strategy from a company's own sales data."""
