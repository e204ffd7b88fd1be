-- What a phone system knows beyond the payload: a JSON object beside it, for endpoints that ask for it.
ALTER TABLE events ADD COLUMN details TEXT;
ALTER TABLE endpoints ADD COLUMN send_details BIGINT NOT NULL DEFAULT 0;
