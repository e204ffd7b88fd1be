-- Limits of an account beside those for endpoints, events and retention; NULL for the default.
ALTER TABLE accounts ADD COLUMN endpoints_per_host_max BIGINT;
ALTER TABLE accounts ADD COLUMN members_max BIGINT;
ALTER TABLE accounts ADD COLUMN tokens_max BIGINT;
