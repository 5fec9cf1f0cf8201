-- Which products a customer bought in which quarter, and the quarter in which that became known.
-- The lines are reduced before the second join, so that it meets few rows.
SELECT
    bought.customer_id,
    bought.product_id,
    bought.period_no,
    known_days.period_no AS known_no
FROM (
    SELECT
        known_lines.customer_id,
        known_lines.product_id,
        days.period_no,
        MIN(known_lines.known_on) AS known_on
    FROM known_lines
    INNER JOIN days ON days.day = known_lines.invoiced_on
    WHERE known_lines.kind = 'sale'
        AND known_lines.customer_id IS NOT NULL
        AND known_lines.product_id IS NOT NULL
    GROUP BY known_lines.customer_id, known_lines.product_id, days.period_no
) AS bought
INNER JOIN days AS known_days ON known_days.day = bought.known_on
