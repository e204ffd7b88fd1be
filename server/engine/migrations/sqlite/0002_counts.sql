-- What endpoints did by the hour, written in the transaction that records it. upto_… and longer are the cells of a
-- histogram of how long attempts took, in milliseconds.
CREATE TABLE endpoint_hours (
    endpoint_id TEXT NOT NULL,
    hour_ms BIGINT NOT NULL,
    account_id TEXT NOT NULL,
    delivered BIGINT NOT NULL,
    retrying BIGINT NOT NULL,
    failed BIGINT NOT NULL,
    expired BIGINT NOT NULL,
    upto_5 BIGINT NOT NULL,
    upto_10 BIGINT NOT NULL,
    upto_25 BIGINT NOT NULL,
    upto_50 BIGINT NOT NULL,
    upto_100 BIGINT NOT NULL,
    upto_250 BIGINT NOT NULL,
    upto_500 BIGINT NOT NULL,
    upto_1000 BIGINT NOT NULL,
    upto_2500 BIGINT NOT NULL,
    upto_5000 BIGINT NOT NULL,
    upto_10000 BIGINT NOT NULL,
    longer BIGINT NOT NULL,
    PRIMARY KEY (endpoint_id, hour_ms)
);
CREATE INDEX endpoint_hours_by_age ON endpoint_hours (hour_ms);

-- What happened to an account's endpoints by themselves or by a person: state changes, for people and for alerts.
CREATE TABLE account_log (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    what TEXT NOT NULL,
    endpoint_id TEXT,
    who TEXT
);
CREATE INDEX account_log_of_account ON account_log (account_id, id);

-- How far the customer has been told of a row of failures: 0 not, 1 failing, 2 after a day, 3 after four days.
ALTER TABLE endpoints ADD COLUMN warned BIGINT NOT NULL DEFAULT 0;
