"""Connections to addresses that people typed in, of webhooks and of proxies: guarded, bounded in
time and size, never redirected."""
