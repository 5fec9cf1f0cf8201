-- The as-of rule: a line counts when its day lies before the end of the period and the source knew
-- it by then. known_on is the first day on which it counts: the later of its day and of the day on
-- which the source knew it.
SELECT
    invoice_lines.customer_id,
    invoice_lines.source_system,
    invoice_lines.invoice_id,
    invoice_lines.product_id,
    invoice_lines.rep_id,
    invoice_lines.invoiced_on,
    invoice_lines.kind,
    invoice_lines.quantity,
    invoice_lines.revenue_amount,
    invoice_lines.cost_amount,
    GREATEST(
        invoice_lines.invoiced_on,
        CAST(COALESCE(invoice_lines.known_at, invoice_lines.invoiced_on) AS DATE)
    ) AS known_on
FROM invoice_lines
CROSS JOIN scope
WHERE invoice_lines.invoiced_on < scope.ends_before
    AND CAST(COALESCE(invoice_lines.known_at, invoice_lines.invoiced_on) AS DATE)
        < scope.ends_before
