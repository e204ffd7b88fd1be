-- Conventions: ids TEXT; times BIGINT Unix milliseconds in columns ending _ms; flags BIGINT 0 or 1; JSON as TEXT,
-- never queried inside; enums TEXT with CHECK. Both databases have the same tables under the same numbers.

CREATE TABLE accounts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    reference TEXT UNIQUE,
    created_ms BIGINT NOT NULL
);

CREATE TABLE users (
    id TEXT PRIMARY KEY,
    email TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    staff_role TEXT CHECK (staff_role IN ('support', 'operator')),
    created_ms BIGINT NOT NULL
);

CREATE TABLE memberships (
    user_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'admin')),
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (user_id, account_id)
);
CREATE INDEX memberships_of_account ON memberships (account_id);

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    data TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX sessions_by_expiry ON sessions (expires_ms);

-- Failed sign-ins in a row, by address and by client; the key says which.
CREATE TABLE sign_in_failures (
    key TEXT PRIMARY KEY,
    failures BIGINT NOT NULL,
    blocked_until_ms BIGINT NOT NULL
);

CREATE TABLE api_tokens (
    id TEXT PRIMARY KEY,
    account_id TEXT,
    name TEXT NOT NULL,
    hash TEXT NOT NULL UNIQUE,
    hint TEXT NOT NULL,
    scopes TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    last_used_ms BIGINT,
    revoked_ms BIGINT
);
CREATE INDEX api_tokens_of_account ON api_tokens (account_id);

CREATE TABLE endpoints (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    name TEXT NOT NULL,
    url TEXT NOT NULL,
    events TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('active', 'paused', 'disabled', 'deleted')),
    pause_reason TEXT CHECK (pause_reason IN ('person', 'gone')),
    state_since_ms BIGINT NOT NULL,
    failures_in_row BIGINT NOT NULL DEFAULT 0,
    failing_since_ms BIGINT,
    last_success_ms BIGINT,
    last_attempt_ms BIGINT,
    last_failure TEXT,
    timeout_ms BIGINT NOT NULL,
    rate_per_s BIGINT,
    deliver_late BIGINT NOT NULL,
    header_names TEXT NOT NULL,
    headers_sealed TEXT NOT NULL,
    auth_token_sealed TEXT NOT NULL,
    auth_token_masked TEXT NOT NULL,
    secret_sealed TEXT NOT NULL,
    secret_masked TEXT NOT NULL,
    test_line BIGINT NOT NULL,
    version BIGINT NOT NULL,
    created_ms BIGINT NOT NULL
);
CREATE INDEX endpoints_of_account ON endpoints (account_id, state);

-- position sorts by acceptance; id may be the caller's own.
CREATE TABLE events (
    account_id TEXT NOT NULL,
    id TEXT NOT NULL,
    position TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('IncomingCall', 'OutgoingCall', 'CallProcessed')),
    call_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    timestamp_s BIGINT NOT NULL,
    payload TEXT,
    digest TEXT NOT NULL,
    test BIGINT NOT NULL,
    deliveries BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    PRIMARY KEY (account_id, id)
);
CREATE INDEX events_by_position ON events (account_id, position);
CREATE INDEX events_of_call ON events (account_id, call_id);

-- due_ms is NULL while an earlier delivery of the same call and endpoint has not ended, and after the end.
-- lease_owner is the node that has the delivery in its hands.
CREATE TABLE deliveries (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    event_id TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('IncomingCall', 'OutgoingCall', 'CallProcessed')),
    call_id TEXT NOT NULL,
    caller TEXT NOT NULL,
    callee TEXT NOT NULL,
    test BIGINT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'retrying', 'delivered', 'failed', 'expired', 'cancelled')),
    end_reason TEXT,
    cause TEXT,
    failure TEXT,
    status_code BIGINT,
    duration_ms BIGINT,
    attempts BIGINT NOT NULL,
    attempts_before BIGINT NOT NULL,
    fresh_from_ms BIGINT NOT NULL,
    created_ms BIGINT NOT NULL,
    due_ms BIGINT,
    finished_ms BIGINT,
    lease_owner TEXT
);
CREATE INDEX deliveries_of_account ON deliveries (account_id, id);
CREATE INDEX deliveries_of_endpoint ON deliveries (endpoint_id, id);
CREATE INDEX deliveries_of_call ON deliveries (account_id, call_id);
CREATE INDEX deliveries_by_state ON deliveries (account_id, state, id) WHERE state <> 'delivered';
CREATE INDEX deliveries_in_lane ON deliveries (endpoint_id, call_id, id) WHERE state IN ('queued', 'retrying');
CREATE INDEX deliveries_due ON deliveries (endpoint_id, due_ms, id)
    WHERE state IN ('queued', 'retrying') AND lease_owner IS NULL AND due_ms IS NOT NULL;
CREATE INDEX deliveries_leased ON deliveries (lease_owner) WHERE lease_owner IS NOT NULL;

CREATE TABLE attempts (
    delivery_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    duration_ms BIGINT NOT NULL,
    timing TEXT NOT NULL,
    url TEXT NOT NULL,
    signature TEXT NOT NULL,
    status_code BIGINT,
    failure TEXT,
    response_head TEXT NOT NULL,
    response_body TEXT NOT NULL,
    response_cut BIGINT NOT NULL,
    PRIMARY KEY (delivery_id, number)
);

-- A node's single heartbeat keeps all of its leases.
CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    heartbeat_ms BIGINT NOT NULL
);

CREATE TABLE test_lines (
    account_id TEXT PRIMARY KEY,
    key TEXT NOT NULL UNIQUE,
    behaviour TEXT NOT NULL CHECK (behaviour IN ('ok', 'error', 'gone', 'slow', 'hang_up')),
    created_ms BIGINT NOT NULL
);

CREATE TABLE test_line_requests (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    received_ms BIGINT NOT NULL,
    headers TEXT NOT NULL,
    body TEXT NOT NULL,
    behaviour TEXT NOT NULL
);
CREATE INDEX test_line_requests_of_account ON test_line_requests (account_id, id);
