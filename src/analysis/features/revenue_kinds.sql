-- Money of each document and kind that is revenue, with its quarter. A document counts as having
-- a cost when all of its lines of the kind have one.
SELECT
    document_kinds.customer_id,
    document_kinds.kind,
    days.period_no,
    document_kinds.amount AS revenue_amount,
    CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.amount ELSE 0 END
        AS with_cost_amount,
    CASE WHEN document_kinds.missing_cost_count = 0 THEN document_kinds.cost_amount ELSE 0 END
        AS cost_amount,
    document_kinds.missing_cost_count
FROM document_kinds
INNER JOIN kinds ON kinds.kind = document_kinds.kind
INNER JOIN days ON days.day = document_kinds.day
WHERE kinds.is_revenue
