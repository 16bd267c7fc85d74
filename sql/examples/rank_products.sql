-- Which products bring the most revenue? From the rollups, so it reads no events.
-- Columns: product_id, revenue, purchases, quantity, events
select
    product_stats.product_id,
    product_stats.revenue,
    product_stats.purchases,
    product_stats.quantity,
    product_stats.events
from ingest.product_stats
-- '' is the sum of products without their own row, from batches with very many products.
where product_stats.grain = 'total' and product_stats.product_id <> ''
order by product_stats.revenue desc, product_stats.events desc, product_stats.product_id
limit 20;
