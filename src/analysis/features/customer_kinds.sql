-- Money and cost of one customer by kind of line, the last four quarters. Amounts with cost are of
-- documents all of whose lines of the kind have one; kinds that are no revenue are left out.
SELECT
    document_kinds.customer_id,
    document_kinds.kind,
    SUM(document_kinds.amount) AS revenue_amount,
    SUM(CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.amount ELSE 0 END)
        AS with_cost_amount,
    SUM(CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.cost_amount ELSE 0 END)
        AS cost_amount,
    SUM(document_kinds.missing_cost_count) AS missing_cost_count
FROM document_kinds
INNER JOIN kinds ON kinds.kind = document_kinds.kind
INNER JOIN days ON days.day = document_kinds.day
CROSS JOIN origin
WHERE document_kinds.customer_id IS NOT NULL
    AND kinds.is_revenue
    AND days.period_no > origin.period_no - 4
    AND days.period_no <= origin.period_no
GROUP BY document_kinds.customer_id, document_kinds.kind
