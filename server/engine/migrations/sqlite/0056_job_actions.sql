-- Jobs besides recoveries: what a job does, and to which deliveries. A job without an endpoint ('') works on those that match
-- a filter (its query string) or that were selected (a JSON list of ids).
ALTER TABLE recoveries ADD COLUMN action TEXT NOT NULL DEFAULT 'recover';
ALTER TABLE recoveries ADD COLUMN filter TEXT;
ALTER TABLE recoveries ADD COLUMN ids TEXT;

-- One of each kind at a time for an endpoint.
DROP INDEX recoveries_open;
CREATE UNIQUE INDEX recoveries_open ON recoveries (endpoint_id, action)
    WHERE state IN ('queued', 'running', 'paused') AND endpoint_id <> '';
