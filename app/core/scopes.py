"""What an API key may be used for."""

from __future__ import annotations

from enum import StrEnum

from app.core.texts import N_


class Scope(StrEnum):
    """A part of what its owner may do. None of them contains another."""

    READ = "read"
    SEND = "send"
    MANAGE = "manage"


NAMES = {
    Scope.READ: N_("Reading (read)"),
    Scope.SEND: N_("Sending (send)"),
    Scope.MANAGE: N_("Managing (manage)"),
}
EXPLAINED = {
    Scope.READ: N_("See instances, chats, messages, files, contacts and events."),
    Scope.SEND: N_("Send messages, react, edit, delete and mark as read."),
    Scope.MANAGE: N_("Link and set up instances, webhooks, contacts and groups."),
}
