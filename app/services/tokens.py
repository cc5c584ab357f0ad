"""Secrets that prove something by themselves: API keys, bearer tokens, links, browser sessions."""

from __future__ import annotations

import hashlib
import secrets


def new_token(prefix: str = "") -> str:
    """`prefix` and 256 random bits, in characters that stand in a URL as they are."""
    return prefix + secrets.token_urlsafe(32)


def digest(token: str) -> str:
    """What is kept of a token, and found by. SHA-256 is enough for 256 random bits."""
    return hashlib.sha256(token.encode()).hexdigest()
