-- PostgreSQL drops an index here; SQLite keeps it, as a start looks for the leases of the run before.
SELECT 1;
