"""The network as GET /state shows it."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from app.sandbox.network import Network
from app.sandbox.world import PHONE, Account, Endpoint


def describe(network: Network) -> dict[str, Any]:
    """Return accounts with their devices, the faults in force, and what nobody answered."""
    return {
        "accounts": [describe_account(network, a) for a in network.accounts.values()],
        "faults": network.faults.dump(),
        "unhandled": list(network.unhandled),
    }


def describe_account(network: Network, account: Account) -> dict[str, Any]:
    """Return one account with its linked devices (the phone, always on, is not listed)."""
    return {
        "number": account.number,
        "name": account.name,
        "lid": str(account.lid),
        "behavior": account.behavior,
        "blocked": sorted(account.blocked),
        "kept": {jid: asdict(kept) for jid, kept in account.kept.items()},
        "devices": [
            _describe_device(network, Endpoint(account, device))
            for device in account.devices
            if device != PHONE
        ],
    }


def _describe_device(network: Network, endpoint: Endpoint) -> dict[str, Any]:
    companion = endpoint.account.companions[endpoint.device]
    connection = network.connection(endpoint)
    return {
        "device": companion.number,
        "jid": str(endpoint.jid),
        "lid": str(endpoint.lid),
        "name": companion.name,
        "linked_at": companion.linked_at,
        "online": bool(connection and connection.active),
        "available": bool(connection and connection.available),
        "pending": len(companion.mailbox),
        "prekeys": len(companion.prekeys),
    }
