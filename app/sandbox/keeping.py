"""How an account keeps its chats (archived, pinned, muted, marked unread), on all of its devices.

It is app state: whichever device changes it sends a patch, and the others fetch that. Names and
versions of the records are those of whatsmeow's appstate package (encode.go, keys.go).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from app.sandbox.appstate import REGULAR_HIGH, REGULAR_LOW, Record, new_value
from app.sandbox.world import PHONE, Account, Endpoint, Kept

if TYPE_CHECKING:
    from app.sandbox.network import Network

FOR_GOOD = -1
_ARCHIVE, _PIN, _MUTE, _READ = "archive", "pin_v1", "mute", "markChatAsRead"
_PLACES = {
    "archived": (REGULAR_LOW, _ARCHIVE, 3),
    "pinned": (REGULAR_LOW, _PIN, 5),
    "muted_until": (REGULAR_HIGH, _MUTE, 2),
    "unread": (REGULAR_LOW, _READ, 3),
}


def change(network: Network, account: Account, chat: str, what: str, to: bool | int) -> None:
    """Let the phone keep a chat otherwise, and tell its linked devices; archiving unpins."""
    name, index, version = _PLACES[what]
    if what == "archived" and to:
        change(network, account, chat, "pinned", False)
    record: Record = [index, chat], _value(what, to)
    account.appstate.set_record(name, record, version)
    network.save_appstate(account)
    phone = Endpoint(account, PHONE)
    network.announce_appstate(phone, account.appstate.collection(name))
    take_over(network, phone, [record])


def take_over(network: Network, author: Endpoint, records: Iterable[Record]) -> None:
    """Make what a device has changed true for the account, and write it down."""
    account = author.account
    for index, value in records:
        found = _told(index[0], value)
        if found is None:
            continue
        what, to = found
        kept = account.kept.setdefault(index[1], Kept())
        setattr(kept, what, to)
        facts = {"device": author.device, "chat": index[1], **asdict(kept)}
        network.journal.append("kept", account.number, changed=what, **facts, **_range(value))
    network.save_account(account)


def _value(what: str, to: bool | int) -> Any:
    value = new_value()
    if what == "archived":
        value.archiveChatAction.archived = bool(to)
    elif what == "pinned":
        value.pinAction.pinned = bool(to)
    elif what == "unread":
        value.markChatAsReadAction.read = not to
    else:
        value.muteAction.muted = bool(to)
        value.muteAction.muteEndTimestamp = int(to)
    return value


def _told(index: str, value: Any) -> tuple[str, bool | int] | None:
    """What a record says of a chat; None where it is about something else."""
    if index == _ARCHIVE:
        return "archived", value.archiveChatAction.archived
    if index == _PIN:
        return "pinned", value.pinAction.pinned
    if index == _READ:
        return "unread", not value.markChatAsReadAction.read
    if index == _MUTE:
        return "muted_until", value.muteAction.muteEndTimestamp if value.muteAction.muted else 0
    return None


def _range(value: Any) -> dict[str, Any]:
    """The last message that a record about archiving or reading speaks of, where it does."""
    for action in (value.archiveChatAction, value.markChatAsReadAction):
        if action.messageRange.messages:
            key = action.messageRange.messages[0].key
            return {"last": {"id": key.ID, "from_me": key.fromMe, "chat": key.remoteJID}}
    return {}
