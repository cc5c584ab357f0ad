"""How a contact reacts to a message: what makes an account silent, an echo, or slow."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from app.sandbox import amendments, cards
from app.sandbox.amendments import Target
from app.sandbox.media import album, samples
from app.sandbox.media.attachments import Attachment
from app.sandbox.world import Account, Behavior, Endpoint

if TYPE_CHECKING:
    from app.sandbox.phone import Phone

ECHO_PREFIX = "Эхо: "
_THINKS = 1.5  # seconds


@dataclass(frozen=True, slots=True)
class Heard:
    """What a message said: its text or caption, and the file it brought, if any."""

    text: str
    attachment: Attachment | None = None
    file: Path | None = None


_Answer = Callable[["Phone", Account, Heard], Awaitable[object]]


async def _echo(phone: Phone, to: Account, heard: Heard) -> None:
    """Say the same; a file comes back as the same kind of message."""
    text = ECHO_PREFIX + heard.text if heard.text else ""
    if heard.attachment is None or heard.file is None:
        phone.send_text(to, text)
    elif heard.file.exists():  # else it has been dropped meanwhile
        await album.send(phone, to, replace(heard.attachment, caption=text), heard.file)


def _sending(sample: samples.Sample) -> _Answer:
    async def answer(phone: Phone, to: Account, heard: Heard) -> None:
        with phone.network.gallery.draft() as draft:
            draft.write_bytes(sample.content())
            await album.send(phone, to, sample.attachment, draft)

    return answer


async def _tell_place(phone: Phone, to: Account, heard: Heard) -> None:
    phone.send(to, cards.location(55.7539, 37.6208, "Красная площадь", "Москва"))


async def _think_again(phone: Phone, to: Account, heard: Heard) -> None:
    """Write, change it, write once more, and delete that for everybody."""
    promise = phone.send_text(to, "Буду в шесть")
    await asyncio.sleep(_THINKS)
    phone.send(to, amendments.edit(Target(to.lid, promise, from_me=True), "Буду в семь"))
    await asyncio.sleep(_THINKS)
    excuse = phone.send_text(to, "Хотя нет, не приду")
    await asyncio.sleep(_THINKS)
    phone.send(to, amendments.deletion(Target(to.lid, excuse, from_me=True)))


@dataclass(frozen=True, slots=True)
class Manner:
    """Seconds until the message is read and until it is answered, and how."""

    read_after: float
    answer_after: float
    answer: _Answer


# The answer leaves well after the sender is done with its own message: two opposite messages at
# one instant can make the engine lose one of them.
MANNERS: dict[Behavior, Manner | None] = {
    "silent": None,
    "echo": Manner(0.15, 0.4, _echo),
    "slow": Manner(3.0, 5.0, _echo),
    "picture": Manner(0.15, 0.4, _sending(samples.PICTURE)),
    "voice": Manner(0.15, 0.4, _sending(samples.VOICE)),
    "document": Manner(0.15, 0.4, _sending(samples.DOCUMENT)),
    "place": Manner(0.15, 0.4, _tell_place),
    "fickle": Manner(0.15, 0.4, _think_again),
}


def react(phone: Phone, sender: Endpoint, message_id: str, heard: Heard) -> None:
    """Read and answer a message as the account's behaviour says; delivery is already told."""
    manner = MANNERS[phone.account.behavior]
    if manner is None or not (heard.text or heard.file) or _is_answer(sender, heard, manner):
        return
    loop = asyncio.get_running_loop()
    loop.call_later(manner.read_after, phone.read, sender.account, [message_id])
    loop.call_later(
        manner.answer_after,
        lambda: phone.network.start(_answer(manner, phone, sender.account, heard)),
    )


async def _answer(manner: Manner, phone: Phone, to: Account, heard: Heard) -> None:
    await manner.answer(phone, to, heard)


def _is_answer(sender: Endpoint, heard: Heard, manner: Manner) -> bool:
    """Two contacts that answered each other's answers would never stop."""
    if heard.file or manner.answer is not _echo:
        return sender.account.behavior != "silent"
    return heard.text.startswith(ECHO_PREFIX)
