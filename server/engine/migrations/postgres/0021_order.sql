-- The order of acceptance. Ids begin with the time of a node's clock, and clocks differ; this sequence is the database's.
-- A delivery has the number of its event. What was stored before has 0 and keeps the order of its ids; what a node of the
-- previous version stores gets a number from the default.
CREATE SEQUENCE acceptance;
ALTER TABLE events ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE events ALTER COLUMN seq SET DEFAULT nextval('acceptance');
ALTER TABLE deliveries ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ALTER COLUMN seq SET DEFAULT nextval('acceptance');

-- Whether an ordering key has anything open, whether any of it is due, and what comes next: each is one step in this index,
-- however many deliveries wait.
CREATE INDEX deliveries_of_key ON deliveries (endpoint_id, call_id, due_ms, seq, id) WHERE state IN ('queued', 'retrying');
DROP INDEX deliveries_in_lane;
