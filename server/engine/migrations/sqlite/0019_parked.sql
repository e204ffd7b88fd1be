-- Single items that a worker or the writer could not handle while everything around them went well. They are left alone
-- until an operator tries them again.
CREATE TABLE parked (
    worker TEXT NOT NULL,
    item TEXT NOT NULL,
    account_id TEXT,
    reason TEXT NOT NULL,
    parked_ms BIGINT NOT NULL,
    PRIMARY KEY (worker, item)
);
