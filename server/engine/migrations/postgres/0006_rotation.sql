-- Running rotations of credentials; a row goes when its rotation is over. state is JSON with the times and both
-- credentials, sealed. due_ms is when it changes by itself.
CREATE TABLE rotations (
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    what TEXT NOT NULL CHECK (what IN ('auth_token', 'secret')),
    since_ms BIGINT NOT NULL,
    due_ms BIGINT,
    state TEXT NOT NULL,
    PRIMARY KEY (endpoint_id, what)
);
CREATE INDEX rotations_due ON rotations (due_ms) WHERE due_ms IS NOT NULL;

-- A test that carries the next of this credential.
ALTER TABLE deliveries ADD COLUMN proof TEXT CHECK (proof IN ('auth_token', 'secret'));
