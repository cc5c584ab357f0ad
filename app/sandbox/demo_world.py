"""The world of a new sandbox: the demo's phone and its contacts. Numbers and names never change.

They stand in the range 555-1xx, which belongs to nobody.
"""

from __future__ import annotations

import itertools

from app.sandbox.network import Network
from app.sandbox.world import Behavior

DEMO_PHONE = "15551000002"

_CAST: tuple[tuple[str, str, Behavior], ...] = (
    (DEMO_PHONE, "Алиса", "silent"),
    ("15551000010", "Эхо", "echo"),
    ("15551000011", "Черепаха", "slow"),
    ("15551000012", "Молчун", "silent"),
    ("15551000013", "Художник", "picture"),
    ("15551000014", "Диктор", "voice"),
    ("15551000015", "Архивариус", "document"),
    ("15551000016", "Штурман", "place"),
    ("15551000017", "Передумкин", "fickle"),
)


def settle(network: Network) -> None:
    """Add those of the cast that are not there yet, and let all of them know each other."""
    new = [network.add_account(*entry) for entry in _CAST if entry[0] not in network.accounts]
    cast = [network.account(entry[0]) for entry in _CAST]
    for account, other in itertools.permutations(cast, 2):
        if account in new or other in new:
            account.appstate.set_contact(str(other.jid), other.name)
            network.save_appstate(account)
