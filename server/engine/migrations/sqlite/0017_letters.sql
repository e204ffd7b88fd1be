-- Whether a person wants letters about endpoints that fail, in accounts of which they are an admin.
ALTER TABLE users ADD COLUMN failing_letters BIGINT NOT NULL DEFAULT 1;
