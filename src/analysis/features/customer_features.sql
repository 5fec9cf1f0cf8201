-- One customer who has ordered at least once, as known at the origin (the end of one quarter, or
-- of the run's period). "The last four quarters" end with the quarter that the origin lies in.
WITH order_days AS (
    SELECT
        customer_id,
        day,
        day_no,
        order_amount,
        day_no - LAG(day_no) OVER (PARTITION BY customer_id ORDER BY day_no) AS gap_days
    FROM customer_days
    WHERE order_count > 0
),

-- The first order day has no gap; all others are repeats.
orders AS (
    SELECT
        customer_id,
        MIN(day) AS first_order_on,
        MAX(day) AS last_order_on,
        MIN(day_no) AS first_day_no,
        MAX(day_no) AS last_day_no,
        COUNT(*) AS order_day_count,
        MEDIAN(gap_days) AS median_gap_days,
        SUM(order_amount) AS order_amount,
        SUM(CASE WHEN gap_days IS NOT NULL THEN order_amount END) AS repeat_amount
    FROM order_days
    GROUP BY customer_id
),

quarters AS (
    SELECT
        customer_days.customer_id,
        origin.period_no - customer_days.period_no AS quarters_ago,
        SUM(customer_days.revenue_amount) AS revenue_amount,
        SUM(customer_days.sale_amount) AS sale_amount,
        SUM(customer_days.return_amount) AS return_amount,
        SUM(customer_days.cost_amount) AS cost_amount,
        SUM(customer_days.missing_cost_count) AS missing_cost_count,
        SUM(customer_days.revenue_line_count) AS revenue_line_count,
        SUM(customer_days.order_count) AS order_count,
        SUM(CASE WHEN customer_days.order_count > 0 THEN 1 ELSE 0 END) AS order_day_count
    FROM customer_days
    CROSS JOIN origin
    GROUP BY customer_days.customer_id, origin.period_no - customer_days.period_no
),

sums AS (
    SELECT
        customer_id,
        SUM(order_count) AS order_count,
        SUM(revenue_amount) AS revenue_amount,
        SUM(CASE WHEN quarters_ago = 0 THEN revenue_amount ELSE 0 END) AS revenue_quarter_amount,
        SUM(CASE WHEN quarters_ago < 4 THEN revenue_amount ELSE 0 END) AS revenue_year_amount,
        SUM(CASE WHEN quarters_ago BETWEEN 4 AND 7 THEN revenue_amount ELSE 0 END)
            AS revenue_year_before_amount,
        SUM(CASE WHEN quarters_ago < 4 THEN sale_amount ELSE 0 END) AS sale_year_amount,
        SUM(CASE WHEN quarters_ago < 4 THEN return_amount ELSE 0 END) AS return_year_amount,
        SUM(CASE WHEN quarters_ago < 4 THEN cost_amount ELSE 0 END) AS cost_year_amount,
        SUM(CASE WHEN quarters_ago < 4 THEN missing_cost_count ELSE 0 END)
            AS missing_cost_year_count,
        SUM(CASE WHEN quarters_ago < 4 THEN revenue_line_count ELSE 0 END)
            AS revenue_line_year_count,
        SUM(CASE WHEN quarters_ago < 4 THEN order_count ELSE 0 END) AS order_year_count,
        SUM(CASE WHEN quarters_ago < 4 THEN order_day_count ELSE 0 END) AS order_day_year_count,
        SUM(CASE WHEN quarters_ago < 4 AND order_count > 0 THEN 1 ELSE 0 END)
            AS active_quarter_year_count
    FROM quarters
    GROUP BY customer_id
),

products AS (
    SELECT customer_id, COUNT(*) AS product_year_count
    FROM (
        SELECT product_quarters.customer_id, product_quarters.product_id
        FROM product_quarters
        CROSS JOIN origin
        WHERE product_quarters.known_no <= origin.period_no
            AND product_quarters.period_no > origin.period_no - 4
        GROUP BY product_quarters.customer_id, product_quarters.product_id
    ) AS bought
    GROUP BY customer_id
),

-- Who sold most to the customer in the last four quarters; of equals the first by id. The owner that
-- the source names now (customers.rep_id) is not asked: he may have taken over after the origin.
sellers AS (
    SELECT
        sold.customer_id,
        sold.rep_id,
        ROW_NUMBER() OVER (
            PARTITION BY sold.customer_id
            ORDER BY sold.revenue_amount DESC, sold.rep_id
        ) AS place
    FROM (
        SELECT
            documents.customer_id,
            documents.rep_id,
            SUM(documents.revenue_amount) AS revenue_amount
        FROM documents
        CROSS JOIN origin
        WHERE documents.rep_id IS NOT NULL
            AND documents.known_no <= origin.period_no
            AND documents.period_no <= origin.period_no
            AND documents.period_no > origin.period_no - 4
        GROUP BY documents.customer_id, documents.rep_id
    ) AS sold
)

SELECT
    orders.customer_id,
    orders.first_order_on,
    orders.last_order_on,
    origin.day_no - orders.first_day_no AS tenure_days,
    origin.day_no - orders.last_day_no AS recency_days,
    sums.order_count,
    orders.order_day_count,
    orders.order_day_count - 1 AS repeat_count,
    orders.last_day_no - orders.first_day_no AS repeat_span_days,
    orders.median_gap_days,
    CAST(orders.order_amount AS DOUBLE) / orders.order_day_count AS mean_order_day_amount,
    CASE
        WHEN orders.order_day_count > 1
            THEN CAST(orders.repeat_amount AS DOUBLE) / (orders.order_day_count - 1)
    END AS mean_repeat_amount,
    sums.revenue_amount,
    sums.revenue_quarter_amount,
    sums.revenue_year_amount,
    sums.revenue_year_before_amount,
    sums.sale_year_amount,
    sums.return_year_amount,
    CASE
        WHEN sums.revenue_line_year_count > 0 AND sums.missing_cost_year_count = 0
            THEN sums.revenue_year_amount - sums.cost_year_amount
    END AS margin_year_amount,
    sums.order_year_count,
    sums.order_day_year_count,
    COALESCE(products.product_year_count, 0) AS product_year_count,
    sums.active_quarter_year_count,
    customers.customer_name,
    customers.region_id,
    customers.industry,
    customers.business_model,
    sellers.rep_id
FROM orders
CROSS JOIN origin
INNER JOIN sums ON sums.customer_id = orders.customer_id
LEFT JOIN products ON products.customer_id = orders.customer_id
LEFT JOIN customers ON customers.customer_id = orders.customer_id
LEFT JOIN sellers ON sellers.customer_id = orders.customer_id AND sellers.place = 1
