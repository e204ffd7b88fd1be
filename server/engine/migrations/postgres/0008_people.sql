-- Invitations to accounts. The link holds 256 random bits, of which only the hash is kept. One address has at most one
-- open invitation to an account.
CREATE TABLE invitations (
    id TEXT COLLATE "C" PRIMARY KEY,
    account_id TEXT COLLATE "C" NOT NULL,
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'developer', 'admin')),
    invited_by TEXT NOT NULL,
    link_hash TEXT NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    accepted_ms BIGINT,
    withdrawn_ms BIGINT
);
CREATE UNIQUE INDEX invitations_open ON invitations (account_id, email) WHERE accepted_ms IS NULL AND withdrawn_ms IS NULL;

-- Links that set a new password; again only hashes.
CREATE TABLE password_resets (
    link_hash TEXT PRIMARY KEY,
    user_id TEXT COLLATE "C" NOT NULL,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    used_ms BIGINT
);
CREATE INDEX password_resets_of_user ON password_resets (user_id, created_ms);

-- Whose session it is, and where: none while nobody is signed in.
ALTER TABLE sessions ADD COLUMN user_id TEXT;
ALTER TABLE sessions ADD COLUMN agent TEXT;
ALTER TABLE sessions ADD COLUMN address TEXT;
ALTER TABLE sessions ADD COLUMN created_ms BIGINT;
ALTER TABLE sessions ADD COLUMN seen_ms BIGINT;
CREATE INDEX sessions_of_user ON sessions (user_id);

-- Nobody knows whose the sessions until now are; their owners sign in once more.
DELETE FROM sessions;
