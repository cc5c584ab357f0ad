"""When WhatsApp is told that messages were read."""

from __future__ import annotations

from enum import StrEnum


class ReadReceipts(StrEnum):
    """OFF: never. ARRIVAL: as soon as a message is stored. OPENING: when somebody opens its chat
    here."""

    OFF = "off"
    ARRIVAL = "arrival"
    OPENING = "opening"
