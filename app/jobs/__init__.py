"""RQ job functions, thin: each calls one service."""
