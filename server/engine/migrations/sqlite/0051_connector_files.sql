-- Phone systems whose call record files are uploaded. time_zone is what their times without a zone mean; records is how the last
-- file was read, as JSON. SQLite can't change a constraint, so the table is written again.
CREATE TABLE connectors_new (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    system TEXT NOT NULL,
    way TEXT NOT NULL CHECK (way IN ('beside', 'ari', 'ami', 'http', 'files')),
    country TEXT,
    time_zone TEXT,
    trunks TEXT NOT NULL,
    include_internal BIGINT NOT NULL,
    ami_address TEXT,
    mapping TEXT,
    records TEXT,
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
INSERT INTO connectors_new (
    id, account_id, name, system, way, country, trunks, include_internal, ami_address, mapping, identity,
    paused_ms, secret_hash, secret_sealed, secret_hint, version, created_ms, deleted_ms, reported_ms,
    connected_since_ms, connected_ms, last_event_ms, calls_open, lag_ms, system_version, problem, detail,
    seen, down_ms
) SELECT
    id, account_id, name, system, way, country, trunks, include_internal, ami_address, mapping, identity,
    paused_ms, secret_hash, secret_sealed, secret_hint, version, created_ms, deleted_ms, reported_ms,
    connected_since_ms, connected_ms, last_event_ms, calls_open, lag_ms, system_version, problem, detail,
    seen, down_ms
FROM connectors;
DROP TABLE connectors;
ALTER TABLE connectors_new RENAME TO connectors;
CREATE INDEX connectors_of_account ON connectors (account_id);
