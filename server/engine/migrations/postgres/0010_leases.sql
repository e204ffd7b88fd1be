-- Leases are asked for by their owner only when a node has died or leaves, which may walk what waits; an index over them was
-- written three times for each delivery.
DROP INDEX deliveries_leased;
