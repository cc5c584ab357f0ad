"""HTTP to addresses that people typed in: guarded, bounded in time and size, never redirected."""
