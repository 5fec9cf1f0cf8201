-- Money and cost of the company by quarter, kind of line and whether the customer is known; the
-- same measure as customer_kinds, so that the two balance to the cent.
SELECT
    periods.period,
    revenue_kinds.kind,
    revenue_kinds.customer_id IS NOT NULL AS has_customer,
    periods.starts_on,
    SUM(revenue_kinds.revenue_amount) AS revenue_amount,
    SUM(revenue_kinds.with_cost_amount) AS with_cost_amount,
    SUM(revenue_kinds.cost_amount) AS cost_amount,
    SUM(revenue_kinds.missing_cost_count) AS missing_cost_count
FROM revenue_kinds
INNER JOIN periods ON periods.period_no = revenue_kinds.period_no
GROUP BY
    periods.period,
    revenue_kinds.kind,
    revenue_kinds.customer_id IS NOT NULL,
    periods.starts_on
