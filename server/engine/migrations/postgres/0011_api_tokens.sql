-- Who made a token, until when it is good, from where it was used last, and what took its place.
ALTER TABLE api_tokens ADD COLUMN created_by TEXT;
ALTER TABLE api_tokens ADD COLUMN expires_ms BIGINT;
ALTER TABLE api_tokens ADD COLUMN last_used_from TEXT;
ALTER TABLE api_tokens ADD COLUMN replaced_by TEXT;
