"""The network: finds accounts, holds who is connected, and hands stanzas to devices."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from app.sandbox import persistence
from app.sandbox.appstate import Collection
from app.sandbox.calls import Calls
from app.sandbox.clock import stamp
from app.sandbox.devices import device_hash
from app.sandbox.faults import FaultBoard
from app.sandbox.groups.registry import Groups
from app.sandbox.journal import Journal
from app.sandbox.media.faces import Faces
from app.sandbox.media.shelf import Shelf
from app.sandbox.media.tickets import Tickets
from app.sandbox.past import PastChat
from app.sandbox.phone import Phone
from app.sandbox.storage import Storage
from app.sandbox.wire.jid import JID, LID_SERVER, SERVER
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import PHONE, Account, Behavior, Companion, Endpoint

if TYPE_CHECKING:
    from app.sandbox.connection import Connection
    from app.sandbox.link_code import LinkCode
    from app.sandbox.pairing import PairingOffer


log = logging.getLogger(__name__)
# Bytes of all encrypted files on the media host, and again of all that phones have received.
MEDIA_LIMIT = 1 << 30


class NetworkError(Exception):
    """A wish the network cannot fulfil; the text is for a person."""


class Network:
    """All of the sandbox's state. Lives on one event loop and is touched from it alone."""

    def __init__(self, storage: Storage) -> None:
        self.storage = storage
        self.journal = Journal(storage.journal(), storage.append)
        self.faults = FaultBoard()
        self.calls = Calls(self)
        self.accounts: dict[str, Account] = persistence.load_accounts(storage)
        self.phones: dict[str, Phone] = {}
        self.connections: dict[tuple[str, int], Connection] = {}
        self.open_connections: set[Connection] = set()
        self.offers: dict[bytes, PairingOffer] = {}
        self.link_codes: dict[str, LinkCode] = {}
        self.unhandled: list[str] = []
        self._by_lid = {account.lid.user: account for account in self.accounts.values()}
        self._tasks: set[asyncio.Task[None]] = set()
        documents = storage.documents()
        self.media = Shelf(storage.folder / "media", MEDIA_LIMIT)
        self.faces = Faces(storage.folder / "faces")
        self.gallery = Shelf(storage.folder / "received", MEDIA_LIMIT)
        self.tickets = Tickets(_media_secret(storage, documents))
        for account in self.accounts.values():
            memory = documents.get(persistence.phone_name(account))
            self.phones[account.number] = phone = Phone(self, account, memory)
            kept = documents.get(persistence.past_name(account), ())
            phone.past = [PastChat.load(chat) for chat in kept]
        self.groups = Groups(self)

    def add_account(self, number: str, name: str, behavior: Behavior) -> Account:
        """Return a new account with a phone; raises NetworkError when the number is taken."""
        if number in self.accounts:
            raise NetworkError(f"{number} is already on the network")
        account = Account(number, name, behavior)
        account.appstate.set_push_name(name)
        self.accounts[number] = account
        self._by_lid[account.lid.user] = account
        self.phones[number] = Phone(self, account)
        self.save_account(account)
        self.save_phone(account)
        self.save_appstate(account)
        return account

    def account(self, number: str) -> Account:
        """Return the account of `number`; raises NetworkError when there is none."""
        if number not in self.accounts:
            raise NetworkError(f"{number} is not on the network")
        return self.accounts[number]

    def find(self, jid: JID) -> Account | None:
        """Return the account an address (by number or LID) belongs to, or None."""
        index = self._by_lid if jid.server == LID_SERVER else self.accounts
        return index.get(jid.user)

    def endpoint(self, jid: JID) -> Endpoint | None:
        """Return the existing device an address names, or None."""
        account = self.find(jid)
        if account is None or jid.device not in account.devices:
            return None
        return Endpoint(account, jid.device)

    def deliver(self, to: Endpoint, node: Node) -> None:
        """Give `node` to a device: at once to a phone, by its mailbox to a companion."""
        if to.device == PHONE:
            phone = self.phones[to.account.number]
            asyncio.get_running_loop().call_soon(phone.receive, node)
            return
        companion = to.companion
        if companion is None:
            return
        companion.mailbox.add(node)
        self.save_mailbox(to.account, companion)
        self.send_now(to, node)

    def send_now(self, to: Endpoint, node: Node) -> None:
        """Send `node` to a companion that is connected and active; otherwise drop it."""
        connection = self.connection(to)
        if connection and connection.active:
            connection.send(node)

    def connection(self, endpoint: Endpoint) -> Connection | None:
        """Return the device's live connection, or None."""
        return self.connections.get((endpoint.account.number, endpoint.device))

    def disconnected(self, connection: Connection) -> None:
        """A connection has ended; its codes stay known, as expired ones."""
        owner = connection.endpoint
        if owner and self.connection(owner) is connection:
            del self.connections[owner.account.number, owner.device]
            self.journal.append("disconnected", owner.account.number, device=owner.device)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        """Let something happen in the background; what goes wrong with it is reported."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("something in the background failed", exc_info=error)
            self.report_unhandled(f"failed in the background: {error!r}")

    def report_unhandled(self, what: str) -> None:
        """Remember a stanza nobody answers, once; GET /state shows it."""
        if what not in self.unhandled:
            self.unhandled.append(what)

    def add_companion(self, account: Account, companion: Companion) -> None:
        """Link a device and tell everybody else's devices."""
        account.companions[companion.number] = companion
        self.save_account(account)
        self.save_companion(account, companion)
        self._announce_device(account, companion.number, "add")

    def remove_companion(self, account: Account, device: int) -> None:
        """Unlink a device for good; raises NetworkError when the account has no such device."""
        companion = account.companions.pop(device, None)
        if companion is None:
            raise NetworkError(f"{account.number} has no linked device {device}")
        self.save_account(account)
        self.storage.forget(persistence.companion_name(account, companion))
        self.storage.forget(persistence.mailbox_name(account, companion))
        self.phones[account.number].keys.forget(Endpoint(account, device).address)
        self._announce_device(account, device, "remove", companion.key_index)

    def ask_for_prekeys(self, endpoint: Endpoint, left: int) -> None:
        """Tell a companion that its one-time keys run low (below 5 it uploads new ones)."""
        attrs: dict[str, Value] = {"type": "encrypt", "from": SERVER, **stamp()}
        count = Node("count", {"value": left})
        self.deliver(endpoint, Node("notification", attrs, [count]))

    def announce_appstate(self, author: Endpoint, collection: Collection) -> None:
        """Tell the account's other companions that a collection has a new version."""
        body = Node("collection", {"name": collection.name, "version": collection.version})
        for device in author.account.companions:
            if device != author.device:
                attrs: dict[str, Value] = {"type": "server_sync", "from": SERVER, **stamp()}
                to = Endpoint(author.account, device)
                self.deliver(to, Node("notification", attrs, [body]))

    def _announce_device(
        self, account: Account, device: int, change: str, key_index: int | None = None
    ) -> None:
        """Tell all companions; `from` is the LID because only LIDs are in the engine's cache."""
        if key_index is None:
            key_index = account.companions[device].key_index
        changed = Node("device", {"jid": account.lid.on_device(device), "key-index": key_index})
        hashed = device_hash([account.lid.on_device(d) for d in account.devices])
        for other in self.accounts.values():
            for number in list(other.companions):
                if (other, number) == (account, device):
                    continue
                body = Node(change, {"device_hash": hashed}, [changed])
                attrs: dict[str, Value] = {"type": "devices", "from": account.lid, **stamp()}
                self.deliver(Endpoint(other, number), Node("notification", attrs, [body]))

    def save_account(self, account: Account) -> None:
        """The account's own facts changed."""
        self.storage.mark(persistence.account_name(account), account.dump)

    def save_phone(self, account: Account) -> None:
        """The phone's sessions or memory changed."""
        phone = self.phones[account.number]
        self.storage.mark(persistence.phone_name(account), phone.dump)

    def save_past(self, account: Account) -> None:
        """What the phone remembers changed."""
        chats = [chat.dump() for chat in self.phones[account.number].past]
        self.storage.mark(persistence.past_name(account), lambda: chats)

    def save_appstate(self, account: Account) -> None:
        """A collection of the account has a new patch."""
        self.storage.mark(persistence.appstate_name(account), account.appstate.dump)

    def save_companion(self, account: Account, companion: Companion) -> None:
        """A linked device's keys or facts changed."""
        self.storage.mark(persistence.companion_name(account, companion), companion.dump)

    def save_mailbox(self, account: Account, companion: Companion) -> None:
        """What waits for a linked device changed."""
        self.storage.mark(persistence.mailbox_name(account, companion), companion.mailbox.dump)


def _media_secret(storage: Storage, documents: dict[str, Any]) -> bytes:
    """Return what the media host signs with, made at the first start."""
    known = documents.get(persistence.MEDIA_SECRET)
    secret = bytes.fromhex(known) if known else secrets.token_bytes(32)
    if not known:
        storage.mark(persistence.MEDIA_SECRET, secret.hex)
    return secret
