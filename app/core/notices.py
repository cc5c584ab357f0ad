"""Notices: what somebody ought to see and to act on, in words.

A notice stands for as long as what it tells of lasts. Sentences are msgids; `%(name)s` placeholders
are filled from its detail.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from app.core.texts import N_


class NoticeKind(StrEnum):
    """What a notice is about."""

    INSTANCE_DOWN = "instance_down"
    ACCOUNT_RESTRICTED = "account_restricted"
    WEBHOOK_PAUSED = "webhook_paused"
    WEBHOOK_GONE = "webhook_gone"
    DISK_NEARLY_FULL = "disk_nearly_full"
    ENGINE_OUTDATED = "engine_outdated"


@dataclass(frozen=True, slots=True)
class Words:
    """What happened, and what to do. Where it is about an instance that has a reason, the words of
    the reason say more and are told instead."""

    sentence: str
    hint: str


WORDS = {
    NoticeKind.INSTANCE_DOWN: Words(
        N_("The instance “%(instance)s” is not connected"),
        N_("Open the instance: it says why, and what helps."),
    ),
    NoticeKind.ACCOUNT_RESTRICTED: Words(
        N_("WhatsApp has restricted the number of the instance “%(instance)s”"),
        N_("Wait until it is over, then press Reconnect. Write only to people who expect it."),
    ),
    NoticeKind.WEBHOOK_PAUSED: Words(
        N_("The webhook %(host)s is paused, because it keeps failing"),
        N_("Look at its log and mend the receiver. What is due is kept, and goes out by itself."),
    ),
    NoticeKind.WEBHOOK_GONE: Words(
        N_("The webhook %(host)s is switched off: its address answered “gone”"),
        N_("Give it its new address and switch it on, or delete it."),
    ),
    NoticeKind.DISK_NEARLY_FULL: Words(
        N_("The server's disk is nearly full: %(free)s left"),
        N_("Free room, or keep files for a shorter time (MEDIA_KEEP_DAYS): a full disk stops all."),
    ),
    NoticeKind.ENGINE_OUTDATED: Words(
        N_("WhatsApp no longer accepts this version"),
        N_("Update WhatsApp API Manager, then press Reconnect in the instances concerned."),
    ),
}
