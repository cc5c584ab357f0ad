"""Whom a message is from or to. WhatsApp names a person by LID or by phone number: keep both."""

from __future__ import annotations

from dataclasses import dataclass

PHONE_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"
BROADCAST_SERVER = "broadcast"
CHANNEL_SERVER = "newsletter"
STATUS_JID = "status@broadcast"

# Other names of the same two servers: accounts hosted by Meta, and the web's old one.
_KINDS = {
    PHONE_SERVER: ("phone", PHONE_SERVER),
    "c.us": ("phone", PHONE_SERVER),
    "hosted": ("phone", PHONE_SERVER),
    LID_SERVER: ("lid", LID_SERVER),
    "hosted.lid": ("lid", LID_SERVER),
}


@dataclass(frozen=True, slots=True)
class Address:
    """One person, group or channel, without a device number.

    A person has `lid` ("123@lid"), `phone` ("15551000001@s.whatsapp.net") or both; anything else
    has `other` ("120363@g.us", "status@broadcast", "1@newsletter").
    """

    lid: str | None = None
    phone: str | None = None
    other: str | None = None

    @classmethod
    def of(cls, *jids: str | None) -> Address:
        """Returns the address that these JIDs of one party name together; empty ones are skipped.

        Device numbers are dropped; the first JID of each kind wins.
        """
        found: dict[str, str] = {}
        for jid in jids:
            user, _, server = (jid or "").partition("@")
            kind, server = _KINDS.get(server, ("other", server))
            if kind != "other":
                user = user.partition(":")[0].partition(".")[0]
            if user and server:
                found.setdefault(kind, f"{user}@{server}")
        return cls(found.get("lid"), found.get("phone"), found.get("other"))

    @property
    def jid(self) -> str:
        """The JID shown outside: the phone's where known, else the LID; "" for nobody."""
        return self.other or self.phone or self.lid or ""

    @property
    def number(self) -> str | None:
        """The phone number's digits, where known."""
        return self.phone.partition("@")[0] if self.phone else None

    @property
    def is_group(self) -> bool:
        """Whether this is a group."""
        return self._server == GROUP_SERVER

    @property
    def is_status(self) -> bool:
        """Whether this is the place of status updates, which are no conversation."""
        return self.other == STATUS_JID

    @property
    def is_channel(self) -> bool:
        """Whether this is a channel (newsletter)."""
        return self._server == CHANNEL_SERVER

    @property
    def _server(self) -> str:
        return (self.other or "").partition("@")[2]
