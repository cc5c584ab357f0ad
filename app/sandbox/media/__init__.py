"""Media: the host that keeps encrypted files, and what phones do to send and receive them."""
