-- Sessions with phone systems inside the server. Not in connector_calls: holding a connector must not touch its open calls,
-- which are large.
CREATE TABLE connector_sessions (
    connector_id TEXT PRIMARY KEY,
    -- The number of the session that began last.
    session BIGINT NOT NULL,
    -- Until when no other session may begin.
    held_until_ms BIGINT NOT NULL
);

-- Snapshots are compressed from now on, and their sessions have another place.
DELETE FROM connector_calls;
