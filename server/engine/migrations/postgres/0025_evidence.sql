-- On how many days attempts have failed since the first failure, each counted from the time of that one: silence between
-- two failures is no evidence. Runs of failures that began earlier are counted from now on.
ALTER TABLE endpoints ADD COLUMN failing_days BIGINT NOT NULL DEFAULT 0;
UPDATE endpoints SET failing_days = 1 WHERE failing_since_ms IS NOT NULL;
-- When the latest warning was given. It was never kept: the latest attempt is the latest that it can have been.
ALTER TABLE endpoints ADD COLUMN warned_ms BIGINT;
UPDATE endpoints SET warned_ms = last_attempt_ms WHERE warned > 0;
-- Whether an attempt has succeeded since the endpoint was resumed, or its URL changed.
ALTER TABLE endpoints ADD COLUMN proven BIGINT NOT NULL DEFAULT 0;
UPDATE endpoints SET proven = 1 WHERE last_success_ms >= state_since_ms;
-- When this node last tried whether the database can be written.
ALTER TABLE nodes ADD COLUMN probed_ms BIGINT;
