-- Money and cost of the company by quarter, kind of line and whether the customer is known; the
-- same measure as customer_kinds, so that the two balance to the cent.
SELECT
    periods.period,
    document_kinds.kind,
    document_kinds.customer_id IS NOT NULL AS has_customer,
    periods.starts_on,
    SUM(document_kinds.amount) AS revenue_amount,
    SUM(CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.amount ELSE 0 END)
        AS with_cost_amount,
    SUM(CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.cost_amount ELSE 0 END)
        AS cost_amount,
    SUM(document_kinds.missing_cost_count) AS missing_cost_count
FROM document_kinds
INNER JOIN kinds ON kinds.kind = document_kinds.kind
INNER JOIN days ON days.day = document_kinds.day
INNER JOIN periods ON periods.period_no = days.period_no
WHERE kinds.is_revenue
GROUP BY
    periods.period,
    document_kinds.kind,
    document_kinds.customer_id IS NOT NULL,
    periods.starts_on
