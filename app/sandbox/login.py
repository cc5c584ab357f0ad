"""From the client's first payload to the moment it is logged in, or told why not."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from app.sandbox import pairing
from app.sandbox.clock import unix_now
from app.sandbox.wire.jid import JID, USER_SERVER
from app.sandbox.wire.node import Node
from app.sandbox.world import PHONE, Endpoint

if TYPE_CHECKING:
    from app.sandbox.connection import Connection
    from app.sandbox.network import Network

UNKNOWN_DEVICE = 401
_FAILURE_CLOSES_AFTER = 0.3
_BAN_CODE = "101"
_BAN_SECONDS = "3600"
_TEMPORARY_BAN = 402


def admit(network: Network, connection: Connection, payload: Any, noise: bytes) -> None:
    """Start a pairing, log the device in, or refuse it."""
    if payload.HasField("devicePairingData"):
        refusal = network.faults.of(None).pairing_failure or 0
        if refusal:
            _refuse(connection, refusal)
            return
        pairing.offer(network, connection, noise, payload.devicePairingData)
        return
    number = str(payload.username)
    faults = network.faults.of(number)
    endpoint = network.endpoint(JID(number, USER_SERVER, payload.device))
    refusal = faults.login_failure or (0 if _is_linked(endpoint, noise) else UNKNOWN_DEVICE)
    if refusal or endpoint is None:
        network.journal.append("login_refused", number, code=refusal)
        # neonize starts to pump events only after its connect; a refusal that is faster than
        # that (no real server is) deletes the key store under it, and no event ever comes.
        delay = faults.refusal_delay_ms / 1000
        asyncio.get_running_loop().call_later(delay, _refuse, connection, refusal)
        return
    _log_in(network, connection, endpoint)


def _is_linked(endpoint: Endpoint | None, noise: bytes) -> bool:
    if endpoint is None or endpoint.device == PHONE:
        return False
    companion = endpoint.companion
    return companion is not None and companion.noise == noise


def _log_in(network: Network, connection: Connection, endpoint: Endpoint) -> None:
    before = network.connection(endpoint)
    if before:
        replace(before)
    connection.endpoint = endpoint
    network.connections[endpoint.account.number, endpoint.device] = connection
    network.journal.append("login", endpoint.account.number, device=endpoint.device)
    connection.send(Node("success", {"t": unix_now(), "lid": endpoint.lid, "props": "0"}))


def _refuse(connection: Connection, code: int) -> None:
    attrs = {"reason": str(code), "location": "sandbox"}
    if code == _TEMPORARY_BAN:
        attrs |= {"code": _BAN_CODE, "expire": _BAN_SECONDS}
    connection.send(Node("failure", dict(attrs)))
    connection.close_later(_FAILURE_CLOSES_AFTER)


def replace(connection: Connection) -> None:
    """Tell a connection that the same device has logged in elsewhere, and end it."""
    connection.send(Node("stream:error", {}, [Node("conflict", {"type": "replaced"})]))
    connection.active = False
    connection.close_later(_FAILURE_CLOSES_AFTER)


def remove_device(network: Network, endpoint: Endpoint) -> None:
    """The phone unlinks a device; raises NetworkError when it is not linked."""
    connection = network.connection(endpoint)
    network.remove_companion(endpoint.account, endpoint.device)
    network.journal.append("removed", endpoint.account.number, device=endpoint.device)
    if connection:
        conflict = Node("conflict", {"type": "device_removed"})
        connection.send(Node("stream:error", {"code": "401"}, [conflict]))
        connection.active = False
        connection.close_later(_FAILURE_CLOSES_AFTER)
