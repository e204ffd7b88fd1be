-- Phone systems that report calls. account_id is empty for a connector of the platform. secret_hash for a secret that the phone
-- system sends to us, secret_sealed for one that we send to it, neither for one that only the phone system's administrator needs.
CREATE TABLE connectors (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    system TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('beside', 'ari', 'ami', 'http')),
    country TEXT,
    trunks TEXT NOT NULL,
    include_internal BIGINT NOT NULL,
    ami_address TEXT,
    mapping TEXT,
    identity TEXT NOT NULL,
    paused_ms BIGINT,
    secret_hash TEXT,
    secret_sealed TEXT,
    secret_hint TEXT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    -- A deleted one stays until its gaps, routes and numbers are deleted.
    deleted_ms BIGINT,
    -- What it last reported.
    reported_ms BIGINT,
    connected_since_ms BIGINT,
    connected_ms BIGINT,
    last_event_ms BIGINT,
    calls_open BIGINT NOT NULL DEFAULT 0,
    lag_ms BIGINT,
    system_version TEXT,
    problem TEXT,
    detail TEXT,
    seen TEXT NOT NULL DEFAULT '',
    down_ms BIGINT
);
CREATE INDEX connectors_of_account ON connectors (account_id);

-- Times in which a connector did not see its phone system.
CREATE TABLE connector_gaps (
    connector_id TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT,
    reason TEXT NOT NULL,
    calls_closed BIGINT NOT NULL,
    filled BIGINT NOT NULL,
    incomplete BIGINT NOT NULL,
    PRIMARY KEY (connector_id, from_ms)
);

-- Which account a call belongs to, by its number.
CREATE TABLE connector_routes (
    connector_id TEXT NOT NULL,
    pattern TEXT NOT NULL,
    account_id TEXT NOT NULL,
    PRIMARY KEY (connector_id, pattern)
);

-- Numbers that calls had and no route.
CREATE TABLE connector_unrouted (
    connector_id TEXT NOT NULL,
    number TEXT NOT NULL,
    first_ms BIGINT NOT NULL,
    last_ms BIGINT NOT NULL,
    events BIGINT NOT NULL,
    PRIMARY KEY (connector_id, number)
);

-- The latest requests to HTTP connectors, to try a mapping on; for an hour at most.
CREATE TABLE connector_requests (
    id TEXT PRIMARY KEY,
    connector_id TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    request_sealed TEXT NOT NULL
);
CREATE INDEX connector_requests_of_connector ON connector_requests (connector_id, id);

-- The open calls of connectors that run inside the server, in a format of theirs.
CREATE TABLE connector_calls (
    connector_id TEXT PRIMARY KEY,
    snapshot BYTEA NOT NULL,
    saved_ms BIGINT NOT NULL
);

-- Alerts are about connectors, too.
ALTER TABLE alerts RENAME COLUMN endpoint_id TO object_id;
