"""Marks sentences for translation where no request, and so no language, exists yet."""

from __future__ import annotations


def N_(text: str) -> str:  # noqa: N802 - gettext's customary name for "translate later"
    """`text` itself; only the catalogue extractor takes notice of the call."""
    return text
