-- The lines of one document, day, kind and seller in one row: the only pass over the lines that reads
-- money. All sums of the other tables are sums of this one.
SELECT
    customer_id,
    source_system,
    invoice_id,
    invoiced_on AS day,
    known_on,
    kind,
    rep_id,
    CAST(SUM(revenue_amount) AS DECIMAL(18, 4)) AS amount,
    CAST(SUM(cost_amount) AS DECIMAL(18, 4)) AS cost_amount,
    SUM(CASE WHEN cost_amount IS NULL THEN 1 ELSE 0 END) AS missing_cost_count,
    MAX(CASE WHEN quantity > 0 THEN 1 ELSE 0 END) AS has_quantity,
    COUNT(*) AS line_count
FROM known_lines
GROUP BY customer_id, source_system, invoice_id, invoiced_on, known_on, kind, rep_id
