-- What a customer bought of one category of products; products without a category are left out.
SELECT
    product_quarters.customer_id,
    products.product_category,
    SUM(
        CASE
            WHEN origin.period_no - product_quarters.period_no < 4
                THEN product_quarters.sale_amount
            ELSE 0
        END
    ) AS sale_year_amount,
    SUM(
        CASE
            WHEN origin.period_no - product_quarters.period_no BETWEEN 4 AND 7
                THEN product_quarters.sale_amount
            ELSE 0
        END
    ) AS sale_year_before_amount,
    SUM(
        CASE
            WHEN origin.period_no - product_quarters.period_no < 4
                THEN product_quarters.line_count
            ELSE 0
        END
    ) AS line_year_count,
    SUM(product_quarters.line_count) AS line_count,
    MIN(product_quarters.first_sold_on) AS first_sold_on,
    MAX(product_quarters.last_sold_on) AS last_sold_on
FROM product_quarters
CROSS JOIN origin
INNER JOIN products ON products.product_id = product_quarters.product_id
WHERE products.product_category IS NOT NULL
GROUP BY product_quarters.customer_id, products.product_category
