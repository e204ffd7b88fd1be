-- Which runs of a program reported a connector lately, as JSON: two that take turns are a problem.
ALTER TABLE connectors ADD COLUMN reporters TEXT;
