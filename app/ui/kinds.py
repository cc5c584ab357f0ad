"""The kinds of messages in words and pictures: what stands for one that has no text."""

from __future__ import annotations

from dataclasses import dataclass

from flask_babel import gettext

from app.core.media import MediaKind
from app.core.texts import N_

NOTE_WORDS = {
    "group_created": N_("The group was made"),
    "group_added": N_("Added to the group"),
    "group_joined": N_("Joined by the link"),
    "group_removed": N_("Removed from the group"),
    "group_left": N_("Left the group"),
    "group_promoted": N_("Made an admin"),
    "group_demoted": N_("Not an admin any more"),
    "group_renamed": N_("The group has a new name"),
    "group_described": N_("The group has a new description"),
    "group_admins_write": N_("Only admins may write now"),
    "group_all_write": N_("Everybody may write now"),
    "group_picture_changed": N_("The group has a new picture"),
    "group_picture_removed": N_("The picture of the group was removed"),
    "group_deleted": N_("The group was deleted"),
}
"""What happened in a group; the names of those it happened to, or the new name, follow."""


@dataclass(frozen=True, slots=True)
class Kind:
    """How a kind of message is called, and its icon of the sprite."""

    word: str
    icon: str


# By what messages.kind holds: kinds of files, and WhatsApp's own names for the rest.
KINDS = {
    "image": Kind(N_("Photo"), "photo"),
    "video": Kind(N_("Video"), "video"),
    "gif": Kind(N_("GIF"), "gif"),
    "audio": Kind(N_("Audio"), "music"),
    "voice": Kind(N_("Voice message"), "microphone"),
    "document": Kind(N_("Document"), "file"),
    "sticker": Kind(N_("Sticker"), "sticker"),
    "location": Kind(N_("Location"), "map-pin"),
    "live_location": Kind(N_("Live location"), "map-pin"),
    "contacts": Kind(N_("Contact card"), "user"),
    "poll": Kind(N_("Poll"), "chart-bar"),
    **{note: Kind(words, "users") for note, words in NOTE_WORDS.items()},
    # As they were stored before their content was.
    "contact": Kind(N_("Contact card"), "user"),
    "contacts_array": Kind(N_("Contact cards"), "users"),
    "poll_creation": Kind(N_("Poll"), "chart-bar"),
    "poll_update": Kind(N_("Vote in a poll"), "chart-bar"),
    "reaction": Kind(N_("Reaction"), "mood-smile"),
    "edit": Kind(N_("Edited text"), "pencil"),
    "vote": Kind(N_("Vote in a poll"), "chart-bar"),
    "delete": Kind(N_("Deletion"), "trash"),
    "deleted": Kind(N_("This message was deleted"), "trash"),
    "unavailable": Kind(N_("Open this message on the phone"), "device-mobile"),
}
_NAMED = frozenset(
    {"location", "live_location", "contacts", "poll", "reaction", "edit", "vote", *NOTE_WORDS}
)
"""Their text alone would be taken for something that was written."""
SOME_KIND = Kind(N_("This kind of message is not shown yet"), "help-circle")


def kind_of(kind: str) -> Kind:
    """The word and the icon of `kind`."""
    return KINDS.get(kind, SOME_KIND)


def kind_words(kind: str) -> str:
    """What stands for a message without a text."""
    return str(gettext(kind_of(kind).word))


def line_words(kind: str, text: str) -> str:
    """A message in one line of a list: its text or caption, a document by its name, else its
    kind."""
    if kind == MediaKind.DOCUMENT and text:
        return str(gettext("Document: %(name)s", name=text))
    if kind in _NAMED and text:
        return f"{kind_words(kind)}: {text}"
    return text or kind_words(kind)
