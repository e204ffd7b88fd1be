-- When an import last had done rows, and how often it was tried since then: one that never gets further ends.
ALTER TABLE record_imports ADD COLUMN progressed_ms BIGINT NOT NULL DEFAULT 0;
ALTER TABLE record_imports ADD COLUMN tries BIGINT NOT NULL DEFAULT 0;
UPDATE record_imports SET progressed_ms = COALESCE(started_ms, created_ms);
