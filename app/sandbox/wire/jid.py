"""Addresses of WhatsApp: users, their devices, and the server itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

USER_SERVER = "s.whatsapp.net"
LID_SERVER = "lid"
GROUP_SERVER = "g.us"


@dataclass(frozen=True, slots=True)
class JID:
    """One address; `device` 0 is the phone (or the user as a whole), companions count from 1."""

    user: str
    server: str
    device: int = 0

    @property
    def bare(self) -> JID:
        """The same user without a device."""
        return replace(self, device=0)

    def on_device(self, device: int) -> JID:
        """The same user at `device`."""
        return replace(self, device=device)

    def __str__(self) -> str:
        if not self.user:
            return self.server
        suffix = f":{self.device}" if self.device else ""
        return f"{self.user}{suffix}@{self.server}"

    @classmethod
    def parse(cls, text: str) -> JID:
        """Return the address written in `text`; raises ValueError when it is none."""
        user, at, server = text.rpartition("@")
        if not at:
            return cls("", server)
        user, _, device = user.partition(":")
        if not user or not server:
            raise ValueError(f"not an address: {text!r}")
        return cls(user, server, int(device or 0))


SERVER = JID("", USER_SERVER)
