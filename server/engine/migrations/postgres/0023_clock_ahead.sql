-- How far the node's clock is ahead of the database's, measured with each heartbeat. NULL before the first measurement.
ALTER TABLE nodes ADD COLUMN clock_ahead_ms BIGINT;
