-- How many emails were written within an hour bounds how many may follow.
CREATE INDEX emails_created ON emails (created_ms);
