-- Each filter of the list walks an index that ends where its rows end. None of these holds a row of a delivery that went
-- well, so the way of most events writes none of them.
CREATE INDEX deliveries_ended_badly ON deliveries (endpoint_id, state, id) WHERE state IN ('failed', 'expired', 'cancelled');
CREATE INDEX deliveries_by_cause ON deliveries (account_id, cause, id) WHERE cause IS NOT NULL;
CREATE INDEX deliveries_of_tests ON deliveries (account_id, id) WHERE test = 1;
