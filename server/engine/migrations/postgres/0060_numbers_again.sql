-- The index of phone numbers had the spelling that was sent, but for its prefix; now it has the digits alone. Rows up to here
-- are indexed again in the background; searches also look for their old entries.
CREATE TABLE numbers_again (
    what TEXT COLLATE "C" PRIMARY KEY CHECK (what IN ('deliveries', 'unsent')),
    place TEXT COLLATE "C" NOT NULL,
    until TEXT COLLATE "C" NOT NULL
);
INSERT INTO numbers_again (what, place, until) SELECT what, '', place FROM numbers_followed WHERE place <> '';
