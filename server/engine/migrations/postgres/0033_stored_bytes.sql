-- Bytes of payloads and responses that accounts store, by the hour in which their events were accepted. A row is deleted with
-- the bodies of its hour.
CREATE TABLE stored_hours (
    account_id TEXT COLLATE "C" NOT NULL,
    hour_ms BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    PRIMARY KEY (account_id, hour_ms)
);
-- The most an account may store, in megabytes; NULL for the default.
ALTER TABLE accounts ADD COLUMN stored_mb_max BIGINT;
