-- Which deliveries a phone number is in. Written behind the events, so that their way is as it was: number is a hash of
-- account and number, place the id of a delivery, or the position of an event that went to no endpoint.
CREATE TABLE called_numbers (
    number BIGINT NOT NULL,
    place TEXT NOT NULL,
    PRIMARY KEY (number, place)
);
-- How far each of the two has been followed.
CREATE TABLE numbers_followed (
    what TEXT PRIMARY KEY CHECK (what IN ('deliveries', 'unsent')),
    place TEXT NOT NULL
);
INSERT INTO numbers_followed (what, place) VALUES ('deliveries', ''), ('unsent', '');
-- Events that went nowhere, in the order in which they are followed.
CREATE INDEX events_unsent ON events (position) WHERE deliveries = 0;
