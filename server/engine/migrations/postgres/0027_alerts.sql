-- Changes of an endpoint's state that its account's admins are alerted to. Written in the transaction that records the change;
-- deleted in the transaction that queues the emails.
CREATE TABLE alerts (
    id TEXT PRIMARY KEY,
    account_id TEXT NOT NULL,
    endpoint_id TEXT NOT NULL,
    action TEXT NOT NULL
);
