"""Whether a linked account is shown as online."""

from __future__ import annotations

from enum import StrEnum


class Presence(StrEnum):
    """ONLINE: always, while connected; messages are ticked as delivered at once, and the phone is
    silent. NEVER: receipts go out as "inactive", and the phone rings as it did before."""

    ONLINE = "online"
    NEVER = "never"
