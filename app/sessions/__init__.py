"""Live sessions: hosts and their leases, spools, the drain of the outbox, ingest, pairing."""
