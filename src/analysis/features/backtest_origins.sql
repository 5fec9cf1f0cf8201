-- The features at the origin with what came in the quarter after it, as known at the run's as-of.
SELECT
    origin.period AS origin,
    origin.horizon_days,
    features.*,
    COALESCE(coming.revenue_amount, 0) AS next_quarter_amount,
    COALESCE(coming.sale_amount, 0) AS next_quarter_sale_amount
FROM origin_features AS features
CROSS JOIN origin
LEFT JOIN (
    SELECT
        documents.customer_id,
        SUM(documents.revenue_amount) AS revenue_amount,
        SUM(documents.sale_amount) AS sale_amount
    FROM documents
    CROSS JOIN origin
    WHERE documents.period_no = origin.period_no + 1
    GROUP BY documents.customer_id
) AS coming ON coming.customer_id = features.customer_id
