-- The second factor of those who have one: the key is sealed with the instance key for its person. No code of a time step
-- up to last_step is accepted, so that each works once.
CREATE TABLE second_factors (
    user_id TEXT PRIMARY KEY,
    secret_sealed TEXT NOT NULL,
    last_step BIGINT NOT NULL,
    on_ms BIGINT NOT NULL
);

-- What lets them in when the app is gone; only hashes of 80 random bits.
CREATE TABLE recovery_codes (
    user_id TEXT NOT NULL,
    code_hash TEXT NOT NULL,
    used_ms BIGINT,
    PRIMARY KEY (user_id, code_hash)
);
