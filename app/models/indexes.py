"""Indexes that are made beside the migrations."""

from __future__ import annotations

from app.models.contact_grams import PREFIX
from app.models.message_text import INDEX


def is_of_index(name: str | None) -> bool:
    """Whether a table or an index of the database with this name belongs to one of them."""
    return name is not None and name.startswith((INDEX, PREFIX))
