-- How long an account's events are kept: bodies (payloads, answers) first, whole rows later. bodies_cleaned is the
-- position up to which bodies have been taken away.
ALTER TABLE accounts ADD COLUMN bodies_days BIGINT NOT NULL DEFAULT 30;
ALTER TABLE accounts ADD COLUMN rows_days BIGINT NOT NULL DEFAULT 90;
ALTER TABLE accounts ADD COLUMN bodies_cleaned TEXT NOT NULL DEFAULT '';
