"""The journal's kinds of lines: a sentence and a group for each.

A kind is "source:subject:what" in small words; its sentence is a msgid whose `%(name)s` are
filled from the line's detail.
"""

from __future__ import annotations

from enum import StrEnum

from app.core.texts import N_

STATE_CHANGED = "instance:state:changed"
"""Has no sentence of its own: it is told by the state's word and the reason's sentence."""


class Group(StrEnum):
    """What a line is about. PEOPLE: whatever a person or their program did."""

    CONNECTION = "connection"
    LINKING = "linking"
    MESSAGES = "messages"
    SETTINGS = "settings"
    WEBHOOKS = "webhooks"
    CONTACTS = "contacts"
    SIGN_INS = "sign_ins"
    ACCOUNT = "account"
    PEOPLE = "people"


SENTENCES = {
    "instance:settings:created": N_("Instance created"),
    "instance:settings:changed": N_("Settings changed"),
    "instance:proxy:changed": N_("Proxy changed"),
    "instance:presence:changed": N_("Presence changed"),
    "instance:pace:changed": N_("Sending pace changed"),
    "instance:read_receipts:off": N_("Read receipts: never"),
    "instance:read_receipts:arrival": N_("Read receipts: as soon as a message arrives"),
    "instance:read_receipts:opening": N_("Read receipts: when somebody opens the chat here"),
    "instance:auto_read:on": N_("Auto-read switched on"),  # of former versions, as the next
    "instance:auto_read:off": N_("Auto-read switched off"),
    "instance:reject_calls:on": N_("Rejecting calls switched on"),
    "instance:reject_calls:off": N_("Rejecting calls switched off"),
    "instance:settings:deleted": N_("Instance %(name)s deleted"),
    "instance:phone:linked": N_("Phone %(phone)s linked"),
    "instance:phone:other": N_("The code was made for %(asked)s, but %(phone)s was linked"),
    "session:event:set_aside": N_("A received event could not be read; it was set aside"),
    "webhook:endpoint:disabled": N_("Webhook switched off: its address answered “gone”"),
    "webhook:endpoint:paused": N_("Webhook paused, because it keeps failing"),
    "webhook:endpoint:resumed": N_("Webhook goes on, it answers again"),
    "webhook:endpoint:saved": N_("Webhook changed"),
    "webhook:endpoint:deleted": N_("Webhook removed"),
    "webhook:secret:replaced": N_("Webhook secret replaced"),
    "webhook:secret:forgotten": N_("Former webhook secret ended"),
    "webhook:delivery:failed": N_("A webhook delivery was given up"),
    "instance:session:reconnected": N_("Reconnect asked for"),
    "instance:session:stopped": N_("Stop asked for"),
    "instance:session:signed_out": N_("Log-out asked for"),
    "message:unconfirmed:resent": N_("Unconfirmed message sent again"),
    "message:unconfirmed:dismissed": N_("Unconfirmed message left as it is"),
    "message:queue:cancelled": N_("Messages taken out of the queue: %(count)s"),
    "contacts:import:started": N_("Import of contacts started"),
    "contacts:import:finished": N_("Contacts imported: %(count)s"),
    "contacts:person:merged": N_("Contacts merged into one: %(count)s"),
    "contacts:task:tag": N_("Tag “%(tag)s” added, contacts: %(count)s"),
    "contacts:task:untag": N_("Tag “%(tag)s” taken off, contacts: %(count)s"),
    "contacts:task:delete": N_("Contacts deleted: %(count)s"),
    "contacts:person:erased": N_("All that was known of one contact was erased"),
    "call:voice:received": N_("Call from %(caller)s"),
    "call:voice:rejected": N_("Call from %(caller)s, rejected"),
    "call:video:received": N_("Video call from %(caller)s"),
    "call:video:rejected": N_("Video call from %(caller)s, rejected"),
    "call:group:received": N_("Group call from %(caller)s"),
    "call:group:rejected": N_("Group call from %(caller)s, rejected"),
    "message:queue:paused": N_("Queue paused: %(why)s"),
    "message:queue:resumed": N_("Queue resumed"),
    "user:sign_in:begun": N_("Signed in: %(device)s"),
    "user:sign_in:token": N_("A program signed in"),
    "user:sign_in:failed": N_("Somebody tried to sign in with a wrong password"),
    "user:sign_in:ended": N_("Signed out"),
    "user:sign_in:one_ended": N_("Another browser signed out: %(device)s"),
    "user:sign_in:all_ended": N_("All browsers signed out"),
    "user:sign_in:others_ended": N_("All other browsers signed out"),
    "user:api_key:rotated": N_("API key replaced"),
    "user:api_key:ended": N_("Former API keys ended"),
    "user:api_key:created": N_("API key created: %(name)s"),
    "user:api_key:revoked": N_("API key revoked: %(name)s"),
    "user:password:changed": N_("Password changed"),
    "user:password:reset_offered": N_("Link for a new password made: %(user)s"),
    "user:password:reset": N_("New password set with a link"),
    "user:invitation:created": N_("Invitation made: %(email)s"),
    "user:invitation:taken_back": N_("Invitation taken back: %(email)s"),
    "user:role:changed": N_("Role changed: %(user)s"),
    "user:limit:changed": N_("Limit of instances changed: %(user)s"),
    "user:account:created": N_("Account created"),
    "user:account:renamed": N_("Name changed"),
    "user:account:disabled": N_("Account disabled: %(user)s"),
    "user:account:enabled": N_("Account enabled again: %(user)s"),
    "user:account:deleted": N_("Account deleted: %(user)s"),
}

PREFIXES = {
    Group.CONNECTION: ("instance:state:", "instance:session:", "session:"),
    Group.LINKING: ("instance:phone:",),
    Group.MESSAGES: ("message:", "call:"),
    Group.SETTINGS: (
        "instance:settings:",
        "instance:proxy:",
        "instance:presence:",
        "instance:pace:",
        "instance:auto_read:",
        "instance:read_receipts:",
        "instance:reject_calls:",
    ),
    Group.WEBHOOKS: ("webhook:",),
    Group.CONTACTS: ("contacts:",),
    Group.SIGN_INS: ("user:sign_in:",),
    Group.ACCOUNT: (
        "user:account:",
        "user:api_key:",
        "user:password:",
        "user:invitation:",
        "user:role:",
        "user:limit:",
    ),
}
"""How the kinds of a group begin. PEOPLE has none: there it counts who did it."""
OF_ACCOUNTS = frozenset({Group.SIGN_INS, Group.ACCOUNT})
"""Groups of which no instance has lines."""


def group_of(kind: str) -> Group | None:
    """What a line of `kind` is about; None for what nobody knows any more."""
    for group, prefixes in PREFIXES.items():
        if kind.startswith(prefixes):
            return group
    return None
