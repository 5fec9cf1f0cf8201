-- Units, money and cost of each product by quarter, lines of kind sale that count as revenue. Lines
-- without a product stand under an empty id; lines without a quantity above zero are counted beside
-- the others, because no price can be told from them.
SELECT
    COALESCE(known_lines.product_id, '') AS product_id,
    periods.period,
    periods.starts_on,
    SUM(CASE WHEN known_lines.quantity > 0 THEN known_lines.quantity ELSE 0 END) AS unit_number,
    SUM(CASE WHEN known_lines.quantity > 0 THEN known_lines.revenue_amount ELSE 0 END)
        AS priced_amount,
    SUM(known_lines.revenue_amount) AS sale_amount,
    SUM(COALESCE(known_lines.cost_amount, 0)) AS cost_amount,
    COUNT(*) - COUNT(known_lines.cost_amount) AS missing_cost_count,
    SUM(CASE WHEN known_lines.quantity > 0 THEN 0 ELSE 1 END) AS missing_quantity_count,
    COUNT(*) AS line_count
FROM known_lines
INNER JOIN kinds ON kinds.kind = known_lines.kind
INNER JOIN days ON days.day = known_lines.invoiced_on
INNER JOIN periods ON periods.period_no = days.period_no
WHERE kinds.is_revenue AND known_lines.kind = 'sale'
GROUP BY COALESCE(known_lines.product_id, ''), periods.period, periods.starts_on
