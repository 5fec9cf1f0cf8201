-- What a customer bought of a product in one quarter, and the quarter in which that became known.
-- The lines are reduced before the second join, so that it meets few rows. An earlier origin asks
-- only whether a product was bought by then; the amounts are those known at the run's as-of.
SELECT
    bought.customer_id,
    bought.product_id,
    bought.period_no,
    known_days.period_no AS known_no,
    bought.sale_amount,
    bought.line_count,
    bought.first_sold_on,
    bought.last_sold_on
FROM (
    SELECT
        known_lines.customer_id,
        known_lines.product_id,
        days.period_no,
        MIN(known_lines.known_on) AS known_on,
        CAST(SUM(known_lines.revenue_amount) AS DECIMAL(18, 4)) AS sale_amount,
        COUNT(*) AS line_count,
        MIN(known_lines.invoiced_on) AS first_sold_on,
        MAX(known_lines.invoiced_on) AS last_sold_on
    FROM known_lines
    INNER JOIN days ON days.day = known_lines.invoiced_on
    WHERE known_lines.kind = 'sale'
        AND known_lines.customer_id IS NOT NULL
        AND known_lines.product_id IS NOT NULL
    GROUP BY known_lines.customer_id, known_lines.product_id, days.period_no
) AS bought
INNER JOIN days AS known_days ON known_days.day = bought.known_on
