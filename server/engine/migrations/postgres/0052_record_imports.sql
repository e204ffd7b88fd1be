-- Call record files that were uploaded. account_id is empty for a connector of the platform. The file is kept in sealed pieces until
-- its import ends, and what was not understood for as long as the import is shown.
CREATE TABLE record_imports (
    id TEXT PRIMARY KEY,
    connector_id TEXT NOT NULL,
    account_id TEXT NOT NULL,
    file_name TEXT NOT NULL,
    file_bytes BIGINT NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('uploading', 'ready', 'running', 'done', 'cancelled', 'failed')),
    -- How the file is read, as JSON.
    reading TEXT,
    created_by TEXT NOT NULL,
    created_ms BIGINT NOT NULL,
    started_ms BIGINT,
    ended_ms BIGINT,
    -- How far it is: the events and bad rows that are done, and the bytes that were read for them.
    items BIGINT NOT NULL DEFAULT 0,
    bytes_read BIGINT NOT NULL DEFAULT 0,
    rows_read BIGINT NOT NULL DEFAULT 0,
    imported BIGINT NOT NULL DEFAULT 0,
    known BIGINT NOT NULL DEFAULT 0,
    ignored BIGINT NOT NULL DEFAULT 0,
    not_understood BIGINT NOT NULL DEFAULT 0,
    unrouted BIGINT NOT NULL DEFAULT 0,
    rejected BIGINT NOT NULL DEFAULT 0,
    -- Why it waits or has failed.
    problem TEXT,
    -- Which run imports it, and until when no other may.
    lease TEXT,
    leased_until_ms BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX record_imports_of_connector ON record_imports (connector_id, id);
CREATE INDEX record_imports_open ON record_imports (state) WHERE state IN ('uploading', 'ready', 'running');

CREATE TABLE record_import_pieces (
    import_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    piece_sealed TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);

CREATE TABLE record_import_rows (
    import_id TEXT NOT NULL,
    number BIGINT NOT NULL,
    rows_sealed TEXT NOT NULL,
    PRIMARY KEY (import_id, number)
);
