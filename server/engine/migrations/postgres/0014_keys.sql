-- Columns whose names end in _sealed hold what an instance key has sealed, and are sealed again when the key changes.
ALTER TABLE rotations RENAME COLUMN state TO state_sealed;

-- A session is kept under the hash of what its cookie holds, with its data sealed; those until now end.
DELETE FROM sessions;
ALTER TABLE sessions RENAME COLUMN data TO data_sealed;

-- What a test line received carries the auth token; requests until now are let go of.
DELETE FROM test_line_requests;
ALTER TABLE test_line_requests RENAME COLUMN headers TO headers_sealed;
ALTER TABLE test_line_requests RENAME COLUMN body TO body_sealed;
