-- The part of one customer's document and day that one seller sold and that became known in one
-- quarter (known_no); nearly always the whole document. order_amount is what may make an order: see customer_days.sql.
SELECT
    document_kinds.customer_id,
    document_kinds.source_system,
    document_kinds.invoice_id,
    document_kinds.day,
    document_kinds.rep_id,
    days.day_no,
    days.period_no,
    known_days.period_no AS known_no,
    SUM(CASE WHEN kinds.is_revenue THEN document_kinds.amount ELSE 0 END) AS revenue_amount,
    SUM(CASE WHEN kinds.kind = 'sale' THEN document_kinds.amount ELSE 0 END) AS sale_amount,
    SUM(CASE WHEN kinds.kind = 'return' THEN -document_kinds.amount ELSE 0 END) AS return_amount,
    SUM(CASE WHEN kinds.is_order THEN document_kinds.amount ELSE 0 END) AS order_amount,
    MAX(CASE WHEN kinds.is_order THEN document_kinds.has_quantity ELSE 0 END) AS has_quantity,
    SUM(CASE WHEN kinds.is_revenue THEN document_kinds.cost_amount END) AS cost_amount,
    SUM(CASE WHEN kinds.is_revenue THEN document_kinds.missing_cost_count ELSE 0 END)
        AS missing_cost_count,
    SUM(CASE WHEN kinds.is_revenue THEN document_kinds.line_count ELSE 0 END)
        AS revenue_line_count,
    SUM(document_kinds.line_count) AS line_count
FROM document_kinds
INNER JOIN kinds ON kinds.kind = document_kinds.kind
INNER JOIN days ON days.day = document_kinds.day
INNER JOIN days AS known_days ON known_days.day = document_kinds.known_on
WHERE document_kinds.customer_id IS NOT NULL
GROUP BY
    document_kinds.rep_id,
    document_kinds.customer_id,
    document_kinds.source_system,
    document_kinds.invoice_id,
    document_kinds.day,
    days.day_no,
    days.period_no,
    known_days.period_no
