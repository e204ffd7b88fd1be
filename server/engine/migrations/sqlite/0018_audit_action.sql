-- What was done is called an action, as in pages and REST. The stored values stay: the chains hash them, and not the
-- names of columns.
ALTER TABLE audit_log RENAME COLUMN deed TO action;
