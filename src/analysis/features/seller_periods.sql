-- Revenue of one customer by one seller in one fiscal quarter; an id that no line names is empty, so
-- that the rows of a quarter sum to the company's revenue to the cent.
SELECT
    COALESCE(document_kinds.customer_id, '') AS customer_id,
    COALESCE(document_kinds.rep_id, '') AS rep_id,
    periods.period,
    periods.starts_on,
    MIN(document_kinds.day) AS first_on,
    MAX(document_kinds.day) AS last_on,
    COUNT(DISTINCT document_kinds.day) AS day_count,
    SUM(document_kinds.amount) AS revenue_amount
FROM document_kinds
INNER JOIN kinds ON kinds.kind = document_kinds.kind
INNER JOIN days ON days.day = document_kinds.day
INNER JOIN periods ON periods.period_no = days.period_no
WHERE kinds.is_revenue
GROUP BY
    COALESCE(document_kinds.customer_id, ''),
    COALESCE(document_kinds.rep_id, ''),
    periods.period,
    periods.starts_on
