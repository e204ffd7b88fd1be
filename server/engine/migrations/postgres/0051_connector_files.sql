-- Phone systems whose call record files are uploaded. time_zone is what their times without a zone mean; records is how the last
-- file was read, as JSON.
ALTER TABLE connectors ADD COLUMN time_zone TEXT;
ALTER TABLE connectors ADD COLUMN records TEXT;
ALTER TABLE connectors DROP CONSTRAINT connectors_way_check;
ALTER TABLE connectors ADD CONSTRAINT connectors_way_check CHECK (way IN ('beside', 'ari', 'ami', 'http', 'files'));
