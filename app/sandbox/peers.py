"""Messages between a phone and its own companions that no person sees."""

from __future__ import annotations

import logging
import time
from typing import TYPE_CHECKING, Any

from app.sandbox.protos import E2EMessage
from app.sandbox.world import Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone

log = logging.getLogger(__name__)


def key_share(account: Account) -> bytes:
    """Return the message that gives a companion the key of the account's app state."""
    message = E2EMessage()
    protocol = message.protocolMessage
    protocol.type = protocol.APP_STATE_SYNC_KEY_SHARE
    shared = protocol.appStateSyncKeyShare.keys.add()
    shared.keyID.keyID = account.appstate.key_id
    shared.keyData.keyData = account.appstate.key
    shared.keyData.timestamp = int(time.time() * 1000)
    shared.keyData.fingerprint.rawID = 1
    shared.keyData.fingerprint.currentIndex = 0
    shared.keyData.fingerprint.deviceIndexes.extend(account.devices)
    return bytes(message.SerializeToString())


def receive(phone: Phone, sender: Endpoint, message: Any) -> None:
    """Answer a companion's request for the app state key; others are written down unanswered.

    A companion that was told of a message it does not get asks its phone for it. The only such
    messages here may be seen once, on the phone: it gives nothing.
    """
    protocol = message.protocolMessage
    kind = protocol.Type.Name(protocol.type)
    phone.network.journal.append("peer", phone.account.number, device=sender.device, type=kind)
    if protocol.type == protocol.APP_STATE_SYNC_KEY_REQUEST:
        phone.send_peer(sender.device, key_share(phone.account))
    elif not protocol.peerDataOperationRequestMessage.placeholderMessageResendRequest:
        log.warning("nobody answers the peer message %s of %s", kind, sender.jid)
        phone.network.report_unhandled(f"peer {kind}")
