-- Money and cost of one customer by kind of line, the last four quarters. Amounts with cost are of
-- documents all of whose lines of the kind have one; kinds that are no revenue are left out.
SELECT
    revenue_kinds.customer_id,
    revenue_kinds.kind,
    SUM(revenue_kinds.revenue_amount) AS revenue_amount,
    SUM(revenue_kinds.with_cost_amount) AS with_cost_amount,
    SUM(revenue_kinds.cost_amount) AS cost_amount,
    SUM(revenue_kinds.missing_cost_count) AS missing_cost_count
FROM revenue_kinds
CROSS JOIN origin
WHERE revenue_kinds.customer_id IS NOT NULL
    AND revenue_kinds.period_no > origin.period_no - 4
    AND revenue_kinds.period_no <= origin.period_no
GROUP BY revenue_kinds.customer_id, revenue_kinds.kind
