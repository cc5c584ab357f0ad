"""What phones do with files: encrypt and upload one, download and check one.

A phone lives in the same process as the media host, so it goes to the host's files directly.
"""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.sandbox.groups.group import Group
from app.sandbox.media import attachments, crypto, pictures, tickets
from app.sandbox.media.attachments import Attachment, Place
from app.sandbox.media.crypto import MediaError, Seal
from app.sandbox.media.kinds import FORMS
from app.sandbox.media.shelf import TooLarge

if TYPE_CHECKING:
    from app.sandbox.network import Network
    from app.sandbox.phone import Phone
    from app.sandbox.world import Account

_PICTURES = ("image", "sticker")
_FILMS = ("video", "gif")


async def send(phone: Phone, to: Account | Group, attachment: Attachment, plain: Path) -> str:
    """Send the file `plain`; returns the message's id. Raises TooLarge."""
    network = phone.network
    attachment = await asyncio.to_thread(_with_look, attachment, plain)
    with network.media.draft() as draft:
        seal = await asyncio.to_thread(_seal, plain, draft, FORMS[attachment.kind].keys)
        name = tickets.name_of(seal.enc_sha256)
        network.media.keep(draft, name)
    # Faults of downloads are the reader's; those of a group are nobody's but the writer's own.
    owner = phone.account.number if isinstance(to, Group) else to.number
    place = Place(network.tickets.link(name, owner), seal)
    return phone.send(to, attachments.compose(attachment, place))


async def collect(network: Network, attachment: Attachment, place: Place) -> Path:
    """Download the file of a message and return it, plain; raises MediaError."""
    link = network.tickets.opened(place.direct_path)
    if link is None:
        raise MediaError("the link is not one of this network")
    sealed = network.media.find(link.name)
    if sealed is None:
        raise MediaError("the media host has no such file")
    with network.gallery.draft() as draft:
        purpose = FORMS[attachment.kind].keys
        await asyncio.to_thread(_unseal, sealed, draft, place.seal, purpose)
        try:
            return network.gallery.keep(draft, place.seal.sha256.hex())
        except TooLarge as error:
            raise MediaError(f"there is no room for it: {error}") from None


def _with_look(attachment: Attachment, plain: Path) -> Attachment:
    """Return the attachment with its small picture, and a picture's size unless it was told."""
    if attachment.kind in _FILMS:
        return replace(attachment, thumbnail=pictures.still())
    look = pictures.look_of(plain) if attachment.kind in _PICTURES else None
    if look is None:
        return attachment
    return replace(
        attachment,
        width=attachment.width or look.width,
        height=attachment.height or look.height,
        thumbnail=look.thumbnail,
    )


def _seal(plain: Path, draft: Path, purpose: str) -> Seal:
    with plain.open("rb") as source, draft.open("wb") as into:
        return crypto.seal(source, into, purpose)


def _unseal(sealed: Path, draft: Path, seal: Seal, purpose: str) -> None:
    try:
        with sealed.open("rb") as source, draft.open("wb") as into:
            crypto.unseal(source, into, seal, purpose)
    except FileNotFoundError:
        raise MediaError("the media host has just dropped the file") from None
