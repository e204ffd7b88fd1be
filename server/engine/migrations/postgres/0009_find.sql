-- The sender finds what belongs to an event by the event, whose ids grow: their pages are at the end of the index, and a
-- group commit touches few of them. An index over calls grew at random places.
CREATE INDEX deliveries_of_event ON deliveries (account_id, event_id);
DROP INDEX deliveries_of_call;

-- How fast held events go out after a resume, per second; NULL for as fast as the endpoint takes them.
ALTER TABLE endpoints ADD COLUMN drain_per_s BIGINT;
