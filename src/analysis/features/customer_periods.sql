-- One customer in one fiscal quarter with at least one line.
SELECT
    quarters.customer_id,
    periods.period,
    periods.starts_on,
    quarters.revenue_amount,
    quarters.sale_amount,
    quarters.return_amount,
    quarters.margin_amount,
    quarters.order_count,
    quarters.order_day_count,
    COALESCE(products.product_count, 0) AS product_count,
    quarters.line_count,
    quarters.first_order_on,
    quarters.last_order_on,
    MAX(quarters.last_order_on) OVER (
        PARTITION BY quarters.customer_id
        ORDER BY quarters.period_no
        ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
    ) AS previous_order_on
FROM (
    SELECT
        customer_id,
        period_no,
        SUM(revenue_amount) AS revenue_amount,
        SUM(sale_amount) AS sale_amount,
        SUM(return_amount) AS return_amount,
        CASE
            WHEN SUM(revenue_line_count) > 0 AND SUM(missing_cost_count) = 0
                THEN SUM(revenue_amount) - SUM(cost_amount)
        END AS margin_amount,
        SUM(order_count) AS order_count,
        SUM(CASE WHEN order_count > 0 THEN 1 ELSE 0 END) AS order_day_count,
        SUM(line_count) AS line_count,
        MIN(CASE WHEN order_count > 0 THEN day END) AS first_order_on,
        MAX(CASE WHEN order_count > 0 THEN day END) AS last_order_on
    FROM customer_days
    GROUP BY customer_id, period_no
) AS quarters
INNER JOIN periods ON periods.period_no = quarters.period_no
LEFT JOIN (
    SELECT customer_id, period_no, COUNT(*) AS product_count
    FROM product_quarters
    GROUP BY customer_id, period_no
) AS products
    ON products.customer_id = quarters.customer_id AND products.period_no = quarters.period_no
