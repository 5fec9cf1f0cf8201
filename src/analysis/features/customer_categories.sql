-- What a customer bought of one category of products; products without a category are left out.
SELECT
    customer_products.customer_id,
    products.product_category,
    SUM(customer_products.sale_year_amount) AS sale_year_amount,
    SUM(customer_products.sale_year_before_amount) AS sale_year_before_amount,
    SUM(customer_products.line_year_count) AS line_year_count,
    SUM(customer_products.line_count) AS line_count,
    MIN(customer_products.first_sold_on) AS first_sold_on,
    MAX(customer_products.last_sold_on) AS last_sold_on
FROM customer_products
INNER JOIN products ON products.product_id = customer_products.product_id
WHERE products.product_category IS NOT NULL
GROUP BY customer_products.customer_id, products.product_category
