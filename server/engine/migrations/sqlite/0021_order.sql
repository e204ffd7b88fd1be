-- On PostgreSQL, the order of acceptance is a sequence. SQLite has one writing process, whose ids only grow: there the
-- number stays 0, and ids decide.
ALTER TABLE events ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;
ALTER TABLE deliveries ADD COLUMN seq BIGINT NOT NULL DEFAULT 0;

-- Whether an ordering key has anything open, whether any of it is due, and what comes next: each is one step in this index,
-- however many deliveries wait.
CREATE INDEX deliveries_of_key ON deliveries (endpoint_id, call_id, due_ms, seq, id) WHERE state IN ('queued', 'retrying');
DROP INDEX deliveries_in_lane;
