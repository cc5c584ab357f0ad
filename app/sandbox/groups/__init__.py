"""Groups: who is in them, what the server tells of them, and how messages travel in them."""
