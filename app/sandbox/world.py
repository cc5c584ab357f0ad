"""Who is on the network: accounts, their phones' places, and the companions linked to them."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, get_args

from app.sandbox.appstate import AppState
from app.sandbox.mailbox import Mailbox
from app.sandbox.signal.session import SignalDevice
from app.sandbox.wire.jid import JID, LID_SERVER, USER_SERVER

Behavior = Literal["silent", "echo", "slow", "picture", "voice", "document", "place", "fickle"]
BEHAVIORS: tuple[Behavior, ...] = get_args(Behavior)
PHONE = 0
_REMEMBERED_IDS = 2000


def lid_of(number: str) -> JID:
    """Return the LID of a phone number, whether or not it is on the network."""
    digest = hashlib.sha256(f"lid:{number}".encode()).digest()
    return JID(str(10**14 + int.from_bytes(digest[:8], "big") % (9 * 10**14)), LID_SERVER)


@dataclass(slots=True)
class SignedPreKey:
    """The public half of a device's signed prekey."""

    id: int
    public: bytes
    signature: bytes


@dataclass(slots=True, eq=False)
class Companion:
    """A linked device: what the server knows of it and holds for it."""

    number: int
    identity: bytes
    noise: bytes
    key_index: int
    name: str
    linked_at: str
    registration_id: int = 0
    signed_prekey: SignedPreKey | None = None
    prekeys: OrderedDict[int, bytes] = field(default_factory=OrderedDict)
    welcomed: bool = False
    recent_ids: OrderedDict[str, None] = field(default_factory=OrderedDict)
    mailbox: Mailbox = field(default_factory=Mailbox)

    def first_time(self, message_id: str) -> bool:
        """Whether this companion sends `message_id` for the first time; remembers it."""
        if message_id in self.recent_ids:
            return False
        self.recent_ids[message_id] = None
        while len(self.recent_ids) > _REMEMBERED_IDS:
            self.recent_ids.popitem(last=False)
        return True

    def dump(self) -> dict[str, Any]:
        """Return everything but the mailbox, JSON-able."""
        skey = self.signed_prekey
        return {
            "number": self.number,
            "identity": self.identity.hex(),
            "noise": self.noise.hex(),
            "key_index": self.key_index,
            "name": self.name,
            "linked_at": self.linked_at,
            "registration_id": self.registration_id,
            "signed_prekey": [skey.id, skey.public.hex(), skey.signature.hex()] if skey else None,
            "prekeys": [[key_id, public.hex()] for key_id, public in self.prekeys.items()],
            "welcomed": self.welcomed,
            "recent_ids": list(self.recent_ids),
        }

    @classmethod
    def load(cls, data: dict[str, Any]) -> Companion:
        """Return the companion `dump` described."""
        skey = data["signed_prekey"]
        keys = [(key_id, bytes.fromhex(public)) for key_id, public in data["prekeys"]]
        return cls(
            number=data["number"],
            identity=bytes.fromhex(data["identity"]),
            noise=bytes.fromhex(data["noise"]),
            key_index=data["key_index"],
            name=data.get("name", ""),
            linked_at=data["linked_at"],
            registration_id=data["registration_id"],
            signed_prekey=skey
            and SignedPreKey(skey[0], bytes.fromhex(skey[1]), bytes.fromhex(skey[2])),
            prekeys=OrderedDict(keys),
            welcomed=data["welcomed"],
            recent_ids=OrderedDict.fromkeys(data["recent_ids"]),
        )


@dataclass(slots=True)
class Kept:
    """How an account keeps a chat. muted_until: milliseconds, -1 for good, 0 for not muted."""

    archived: bool = False
    pinned: bool = False
    muted_until: int = 0
    unread: bool = False


@dataclass(slots=True, eq=False)
class Account:
    """A phone number on the network. Its LID is derived from the number, so it never changes."""

    number: str
    name: str
    behavior: Behavior
    keys: SignalDevice = field(default_factory=SignalDevice)
    companions: dict[int, Companion] = field(default_factory=dict)
    next_device: int = 1
    appstate: AppState = field(default_factory=AppState)
    blocked: set[str] = field(default_factory=set)
    """The numbers that nothing comes from."""
    kept: dict[str, Kept] = field(default_factory=dict)
    """How its chats are kept, by JID; those that are not kept in any way may be missing."""

    @property
    def jid(self) -> JID:
        """The account by phone number."""
        return JID(self.number, USER_SERVER)

    @property
    def lid(self) -> JID:
        """The account by its LID, which is how chats are addressed."""
        return lid_of(self.number)

    @property
    def devices(self) -> list[int]:
        """The numbers of its devices, the phone (0) first."""
        return [PHONE, *sorted(self.companions)]

    def dump(self) -> dict[str, Any]:
        """Return the account without its keys and companions, JSON-able."""
        return {
            "number": self.number,
            "name": self.name,
            "behavior": self.behavior,
            "devices": sorted(self.companions),
            "next_device": self.next_device,
            "blocked": sorted(self.blocked),
            "kept": {jid: asdict(kept) for jid, kept in self.kept.items()},
        }


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One device of one account."""

    account: Account
    device: int

    @property
    def jid(self) -> JID:
        """The device by phone number."""
        return self.account.jid.on_device(self.device)

    @property
    def lid(self) -> JID:
        """The device by LID."""
        return self.account.lid.on_device(self.device)

    @property
    def companion(self) -> Companion | None:
        """The linked device; None for the phone and for a device that was removed."""
        return self.account.companions.get(self.device)

    @property
    def address(self) -> str:
        """The name of this device in everybody's Signal sessions."""
        return f"{self.account.lid.user}:{self.device}"
