-- Sign-ups whose email address is not proven yet: nothing else of them exists until their link is opened.
CREATE TABLE sign_ups (
    link_hash TEXT PRIMARY KEY,
    email TEXT NOT NULL,
    name TEXT NOT NULL,
    account TEXT NOT NULL,
    expires_ms BIGINT NOT NULL
);
CREATE INDEX sign_ups_expires ON sign_ups (expires_ms);
