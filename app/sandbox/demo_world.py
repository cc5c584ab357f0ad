"""The world of a new sandbox: the demo's phone and three contacts. Numbers and names never change.

They stand in the range 555-1xx, which belongs to nobody.
"""

from __future__ import annotations

from app.sandbox.network import Network
from app.sandbox.world import Behavior

DEMO_PHONE = "15551000002"

_CAST: tuple[tuple[str, str, Behavior], ...] = (
    (DEMO_PHONE, "Алиса", "silent"),
    ("15551000010", "Эхо", "echo"),
    ("15551000011", "Черепаха", "slow"),
    ("15551000012", "Молчун", "silent"),
)


def settle(network: Network) -> None:
    """Add the cast to a network that has nobody yet."""
    if network.accounts:
        return
    accounts = [network.add_account(*entry) for entry in _CAST]
    for account in accounts:
        for other in accounts:
            if other is not account:
                account.appstate.set_contact(str(other.jid), other.name)
