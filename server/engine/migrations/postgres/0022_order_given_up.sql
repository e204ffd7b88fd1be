-- Until when later events of its call wait for a delivery that fails, and why they no longer do. A delivery that never
-- failed has neither, and is in no index here.
ALTER TABLE deliveries ADD COLUMN order_until_ms BIGINT;
ALTER TABLE deliveries ADD COLUMN order_given_up TEXT CHECK (order_given_up IN ('rejected', 'no_success'));
CREATE INDEX deliveries_order_until ON deliveries (order_until_ms)
    WHERE order_until_ms IS NOT NULL AND lease_owner IS NULL AND state IN ('queued', 'retrying');
