-- Many events sent to one endpoint again. position is how far the work has come: what lies at or before it is done.
-- paced_ms is the moment from which the rate has not been used yet.
CREATE TABLE recoveries (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    from_ms BIGINT NOT NULL,
    to_ms BIGINT NOT NULL,
    kinds TEXT NOT NULL,
    which TEXT NOT NULL CHECK (which IN ('failed', 'also_never_sent')),
    rate_per_s BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'running', 'paused', 'done', 'cancelled')),
    total BIGINT NOT NULL,
    done BIGINT NOT NULL,
    position TEXT NOT NULL,
    paced_ms BIGINT NOT NULL,
    who TEXT,
    created_ms BIGINT NOT NULL,
    finished_ms BIGINT
);
CREATE INDEX recoveries_of_account ON recoveries (account_id, id);
-- One at a time for an endpoint.
CREATE UNIQUE INDEX recoveries_open ON recoveries (endpoint_id) WHERE state IN ('queued', 'running', 'paused');

-- The latest recovery that put a delivery back, so that it can say what became of them.
ALTER TABLE deliveries ADD COLUMN recovered_by TEXT;
CREATE INDEX deliveries_recovered ON deliveries (recovered_by, state) WHERE recovered_by IS NOT NULL;
