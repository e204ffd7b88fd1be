-- Emails, written in the transaction that they report and sent by a worker. The text may contain a secret link: it is sealed,
-- and gone once the email was sent or has failed. `about` is the invitation that the email carries.
CREATE TABLE emails (
    id TEXT PRIMARY KEY,
    about TEXT,
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    text_sealed TEXT,
    unsubscribe TEXT,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'sent', 'failed')),
    attempts BIGINT NOT NULL DEFAULT 0,
    due_ms BIGINT,
    failure TEXT,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    ended_ms BIGINT
);
CREATE INDEX emails_due ON emails (due_ms) WHERE state = 'waiting';
CREATE INDEX emails_about ON emails (about) WHERE about IS NOT NULL;
CREATE INDEX emails_ended ON emails (ended_ms) WHERE ended_ms IS NOT NULL;
