-- Money by day, kind of line and whether the customer is known. A document whose lines fall in
-- several of these rows is counted in each.
SELECT
    documents.day,
    documents.kind,
    documents.has_customer,
    SUM(documents.amount) AS amount,
    kinds.is_revenue,
    SUM(documents.line_count) AS line_count,
    COUNT(*) AS invoice_count
FROM (
    SELECT
        day,
        kind,
        customer_id IS NOT NULL AS has_customer,
        source_system,
        invoice_id,
        SUM(amount) AS amount,
        SUM(line_count) AS line_count
    FROM document_kinds
    GROUP BY day, kind, customer_id IS NOT NULL, source_system, invoice_id
) AS documents
INNER JOIN kinds ON kinds.kind = documents.kind
GROUP BY documents.day, documents.kind, documents.has_customer, kinds.is_revenue
