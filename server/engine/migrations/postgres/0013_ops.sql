-- Accounts that the provider has suspended, and why; what an operator allows an account, NULL for what all may.
ALTER TABLE accounts ADD COLUMN suspended_ms BIGINT;
ALTER TABLE accounts ADD COLUMN suspend_reason TEXT;
ALTER TABLE accounts ADD COLUMN endpoints_max BIGINT;
ALTER TABLE accounts ADD COLUMN events_per_s BIGINT;
ALTER TABLE accounts ADD COLUMN retention_max_days BIGINT;
-- Few are suspended: whoever asks for due work reads these few.
CREATE INDEX accounts_suspended ON accounts (id) WHERE suspended_ms IS NOT NULL;

-- What operators decided in the browser, over what the environment says.
CREATE TABLE policies (
    name TEXT COLLATE "C" PRIMARY KEY,
    value TEXT NOT NULL,
    set_ms BIGINT NOT NULL,
    set_by TEXT NOT NULL
);

-- Invitations to the provider's staff; as those to accounts, only the hash of the link is kept.
CREATE TABLE staff_invitations (
    id TEXT COLLATE "C" PRIMARY KEY,
    email TEXT COLLATE "C" NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('support', 'operator')),
    invited_by TEXT NOT NULL,
    link_hash TEXT COLLATE "C" NOT NULL UNIQUE,
    created_ms BIGINT NOT NULL,
    expires_ms BIGINT NOT NULL,
    accepted_ms BIGINT,
    withdrawn_ms BIGINT
);
CREATE UNIQUE INDEX staff_invitations_open ON staff_invitations (email) WHERE accepted_ms IS NULL AND withdrawn_ms IS NULL;
CREATE INDEX users_staff ON users (email) WHERE staff_role IS NOT NULL;
