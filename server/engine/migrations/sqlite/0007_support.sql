-- Staff of the provider who look into an account: why, and how long. ended_ms is NULL while a session runs, and after its
-- end until that is recorded.
CREATE TABLE support_sessions (
    id TEXT PRIMARY KEY,
    user_id TEXT NOT NULL,
    agent TEXT NOT NULL,
    account_id TEXT NOT NULL,
    reason TEXT NOT NULL,
    ticket TEXT NOT NULL,
    started_ms BIGINT NOT NULL,
    ends_ms BIGINT NOT NULL,
    ended_ms BIGINT
);
CREATE INDEX support_sessions_of_user ON support_sessions (user_id, id);
CREATE UNIQUE INDEX support_sessions_running ON support_sessions (account_id, user_id) WHERE ended_ms IS NULL;

-- Phone numbers that a session shows in full.
CREATE TABLE support_reveals (
    session_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    number TEXT NOT NULL,
    PRIMARY KEY (session_id, number)
);

-- What one person did in all accounts.
CREATE INDEX audit_log_of_person ON audit_log (who_id, id);
