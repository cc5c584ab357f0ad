"""Reactions: an emoji on another message; "" takes one back."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from app.engine.events import Amendment, Change, Content

READERS: dict[str, Callable[[Any], Content | None]] = {
    "reactionMessage": lambda value: Amendment(Change.REACTION, value.key.ID, value.text),
}
