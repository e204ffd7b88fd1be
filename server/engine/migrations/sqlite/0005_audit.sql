-- Who did what. Records are only ever added; each carries the hash of the one before it in its chain. There is a chain
-- for each account, and one for the installation, whose account is ''.
CREATE TABLE audit_log (
    account_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    id TEXT NOT NULL UNIQUE,
    at_ms BIGINT NOT NULL,
    who_id TEXT,
    who TEXT,
    address TEXT,
    deed TEXT NOT NULL,
    object_id TEXT,
    object TEXT,
    changes TEXT NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (account_id, position)
);
CREATE INDEX audit_log_of_object ON audit_log (account_id, object_id, id);

-- The end of each chain. Whoever adds to a chain locks its row first.
CREATE TABLE audit_heads (
    account_id TEXT PRIMARY KEY,
    position BIGINT NOT NULL,
    hash TEXT NOT NULL
);

CREATE TRIGGER audit_log_stays BEFORE UPDATE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;
CREATE TRIGGER audit_log_remains BEFORE DELETE ON audit_log BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END;

-- The audit log tells what this one told, and more.
DROP TABLE account_log;

-- What an account's admins decide for it.
ALTER TABLE accounts ADD COLUMN developers_rotate BIGINT NOT NULL DEFAULT 0;
ALTER TABLE accounts ADD COLUMN support_access BIGINT NOT NULL DEFAULT 1;
