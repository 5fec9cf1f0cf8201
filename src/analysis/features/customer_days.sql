-- One customer and day, as known at the origin (the end of one quarter).
--
-- An order is a document of one day whose order lines (kinds sale, fee, postage and adjustment, as
-- far as they count as revenue) sum to more than zero, or to zero with a quantity above zero: free
-- goods. A credit note is none. An order that is cancelled later stays an order; what was cancelled
-- on the same day is taken off the day's order_amount, never below zero, so that a giant order
-- entered by mistake does not look like the customer's usual one.
SELECT
    customer_id,
    day,
    day_no,
    period_no,
    SUM(is_order) AS order_count,
    GREATEST(
        SUM(CASE WHEN is_order = 1 THEN order_amount ELSE 0 END) - SUM(return_amount), 0
    ) AS order_amount,
    SUM(revenue_amount) AS revenue_amount,
    SUM(sale_amount) AS sale_amount,
    SUM(return_amount) AS return_amount,
    SUM(cost_amount) AS cost_amount,
    SUM(missing_cost_count) AS missing_cost_count,
    SUM(revenue_line_count) AS revenue_line_count,
    SUM(line_count) AS line_count
FROM (
    SELECT
        documents.customer_id,
        documents.day,
        documents.day_no,
        documents.period_no,
        CASE
            WHEN SUM(documents.order_amount) > 0 THEN 1
            WHEN SUM(documents.order_amount) = 0 AND MAX(documents.has_quantity) = 1 THEN 1
            ELSE 0
        END AS is_order,
        SUM(documents.order_amount) AS order_amount,
        SUM(documents.revenue_amount) AS revenue_amount,
        SUM(documents.sale_amount) AS sale_amount,
        SUM(documents.return_amount) AS return_amount,
        SUM(documents.cost_amount) AS cost_amount,
        SUM(documents.missing_cost_count) AS missing_cost_count,
        SUM(documents.revenue_line_count) AS revenue_line_count,
        SUM(documents.line_count) AS line_count
    FROM documents
    CROSS JOIN origin
    WHERE documents.known_no <= origin.period_no
    GROUP BY
        documents.customer_id,
        documents.source_system,
        documents.invoice_id,
        documents.day,
        documents.day_no,
        documents.period_no
) AS known_documents
GROUP BY customer_id, day, day_no, period_no
