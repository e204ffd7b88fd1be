-- Until when an endpoint's server requested a pause: on all nodes, and after a restart.
ALTER TABLE endpoints ADD COLUMN throttled_until_ms BIGINT;
