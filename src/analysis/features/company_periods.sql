-- Orders and active customers of every day, fortnight, quarter and year, and what was posted late.
-- The revenue of a period is the sum of company_days.
SELECT
    spans.cadence,
    spans.period,
    spans.starts_on,
    COALESCE(orders.order_count, 0) AS order_count,
    COALESCE(orders.active_count, 0) AS active_count,
    spans.late_amount,
    spans.late_count
FROM (
    SELECT
        cadence_days.cadence,
        cadence_days.period,
        cadence_days.starts_on,
        SUM(
            CASE
                WHEN kinds.is_revenue AND document_kinds.known_on >= cadence_days.ends_before
                    THEN document_kinds.amount
                ELSE 0
            END
        ) AS late_amount,
        SUM(
            CASE
                WHEN document_kinds.known_on >= cadence_days.ends_before
                    THEN document_kinds.line_count
                ELSE 0
            END
        ) AS late_count
    FROM document_kinds
    INNER JOIN kinds ON kinds.kind = document_kinds.kind
    INNER JOIN cadence_days ON cadence_days.day = document_kinds.day
    GROUP BY cadence_days.cadence, cadence_days.period, cadence_days.starts_on
) AS spans
LEFT JOIN (
    SELECT
        cadence_days.cadence,
        cadence_days.period,
        SUM(customer_days.order_count) AS order_count,
        COUNT(DISTINCT customer_days.customer_id) AS active_count
    FROM customer_days
    INNER JOIN cadence_days ON cadence_days.day = customer_days.day
    WHERE customer_days.order_count > 0
    GROUP BY cadence_days.cadence, cadence_days.period
) AS orders
    ON orders.cadence = spans.cadence AND orders.period = spans.period
