"""`make chaos`: the whole product is shot at on the test network, and judged by that network's own
log and by what the webhooks' receiver got. Run by hand; pytest collects nothing here."""
