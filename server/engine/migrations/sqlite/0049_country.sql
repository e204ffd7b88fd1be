-- Where an account dials, as an ISO 3166-1 alpha-2 code: it decides how national spellings of numbers are read.
ALTER TABLE accounts ADD COLUMN country TEXT;
