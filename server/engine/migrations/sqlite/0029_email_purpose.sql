-- Emails are counted by what they are for, so that those that one person causes use up nothing that another one needs.
ALTER TABLE emails ADD COLUMN purpose TEXT NOT NULL DEFAULT 'notice'
    CHECK (purpose IN ('sign_up', 'reset', 'invitation', 'notice'));
