"""A small client of the sandbox's control interface, for tests and the demo's phone page."""

from __future__ import annotations

import io
import json
import shutil
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from urllib.parse import quote, urlencode

_TIMEOUT_SECONDS = 30


class SandboxError(Exception):
    """The sandbox refused; the text is for a person, `status` is the HTTP status."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Linked:
    """A device that was linked by a scan: its addresses and its number."""

    jid: str
    lid: str
    device: int


class SandboxClient:
    """Every method raises SandboxError when the sandbox refuses, OSError when it is not there."""

    def __init__(self, control_url: str) -> None:
        self._url = control_url.rstrip("/")
        # A proxy of the environment is for the world outside, not for loopback.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def state(self) -> dict[str, Any]:
        """Return accounts with their devices, the faults in force, and unhandled stanzas."""
        return self._ask("GET", "/state")

    def account(self, number: str) -> dict[str, Any]:
        """Return one account as `state` shows it; raises KeyError when there is none."""
        found = [a for a in self.state()["accounts"] if a["number"] == number]
        if not found:
            raise KeyError(number)
        return dict(found[0])

    def block(self, number: str, other: str, *, on: bool = True) -> None:
        """Let the phone of `number` block another account, or unblock it."""
        self._ask("PUT", f"/accounts/{number}/blocked", {"number": other, "on": on})

    def add_account(self, number: str, name: str, behavior: str = "silent") -> dict[str, Any]:
        """Add a contact: "silent" only confirms delivery, "echo" answers, "slow" takes seconds."""
        body = {"number": number, "name": name, "behavior": behavior}
        return self._ask("POST", "/accounts", body)

    def save_contacts(self, number: str, contacts: Sequence[tuple[str, str]]) -> None:
        """Put contacts (number, name) into the address book of the phone of `number`."""
        self._ask("POST", f"/accounts/{number}/contacts", {"contacts": [*map(list, contacts)]})

    def remember(self, number: str, chats: Sequence[dict[str, Any]]) -> list[list[str]]:
        """Give the phone of `number` a past; returns the ids of the messages, by chat.

        A chat is `with` (a number or a group's JID), `name`, `unread` and `messages`, each with
        `text`, `at` (ISO 8601 with a zone), and `from_me` or in groups `from`, a number.
        """
        kept = self._ask("PUT", f"/accounts/{number}/past", {"chats": list(chats)})
        return [chat["ids"] for chat in kept["chats"]]

    def keep(self, number: str, chat: str, **how: bool | int) -> None:
        """Let the phone of `number` keep its chat with a number, or in the group of a JID:
        `archived`, `pinned`, `muted_until` (milliseconds, -1 for good, 0 not), `unread`."""
        self._ask("PUT", f"/accounts/{number}/kept", {"chat": chat, **how})

    def kept(self, number: str) -> dict[str, dict[str, Any]]:
        """Return how the account of `number` keeps its chats, by JID."""
        return dict(self.account(number)["kept"])

    def scan(self, qr: str, number: str | None = None, name: str | None = None) -> Linked:
        """Let the demo's phone, or that of `number`, scan a QR text."""
        body = {"qr": qr, "number": number, "name": name}
        answer = self._ask("POST", "/scan", {k: v for k, v in body.items() if v is not None})
        return Linked(answer["jid"], answer["lid"], answer["device"])

    def type_code(self, code: str, number: str | None = None) -> Linked:
        """Let the demo's phone, or that of `number`, link the device that shows this code."""
        body = {"code": code, **({"number": number} if number else {})}
        answer = self._ask("POST", "/pair-code", body)
        return Linked(answer["jid"], answer["lid"], answer["device"])

    def fail_to_link(self, outcome: str, number: str, *, qr: str = "", code: str = "") -> None:
        """Let the phone of `number` scan or type a code, and then "refuse" or "break_off"."""
        shown = {"qr": qr} if qr else {"code": code}
        path = "/scan" if qr else "/pair-code"
        self._ask("POST", path, {"number": number, "outcome": outcome, **shown})

    def send(self, number: str, to: str, text: str, quote: str = "", **more: Any) -> str:
        """Let the phone of `number` write to another account; returns the message's id.

        `quote` is the id of a message of either of the two that the text answers. `more` may have
        `forwarded`, how often the text was passed on, and `mentions`, numbers of who is named.
        """
        told = {"quote": quote} if quote else {}
        return self._say(number, "send", to, text=text, **told, **more)

    def react(self, number: str, to: str, message_id: str, emoji: str) -> str:
        """Let the phone of `number` react in its chat with `to`; "" takes the reaction back."""
        return self._say(number, "react", to, id=message_id, emoji=emoji)

    def edit(self, number: str, to: str, message_id: str, text: str, **more: Any) -> str:
        """Let the phone of `number` change a text it has sent; returns the change's own id.
        `mentions`: numbers of who is named in it."""
        return self._say(number, "edit", to, id=message_id, text=text, **more)

    def delete(self, number: str, to: str, message_id: str) -> str:
        """Let the phone of `number` delete what it has sent for everybody; returns an id."""
        return self._say(number, "delete", to, id=message_id)

    def play(self, number: str, author: str, message_id: str) -> None:
        """Let the phone of `number` listen to a voice note that `author` has sent."""
        self._ask("POST", f"/accounts/{number}/play", {"from": author, "id": message_id})

    def send_location(
        self, number: str, to: str, latitude: float, longitude: float, **named: str
    ) -> str:
        """Let the phone of `number` send a place (degrees); `named` may have name and address."""
        return self._say(number, "location", to, latitude=latitude, longitude=longitude, **named)

    def send_contact(self, number: str, to: str, name: str, phone: str) -> str:
        """Let the phone of `number` send somebody's contact card."""
        return self._say(number, "contact", to, name=name, phone=phone)

    def send_poll(
        self, number: str, to: str, question: str, options: list[str], choices: int = 1
    ) -> str:
        """Let the phone of `number` ask; one may choose so many options, 0 is any number."""
        return self._say(number, "poll", to, question=question, options=options, choices=choices)

    def vote(self, number: str, to: str, poll_id: str, options: list[str]) -> str:
        """Let the phone of `number` vote in a poll of its chat with `to`."""
        return self._say(number, "vote", to, id=poll_id, options=options)

    def call(
        self, number: str, to: str, *, video: bool = False, ring_seconds: float | None = None
    ) -> str:
        """Let the phone of `number` call another account; returns the call's id.

        It rings until it is rejected, hung up, or `ring_seconds` (45) are over.
        """
        body: dict[str, Any] = {"to": to, "video": video}
        if ring_seconds is not None:
            body["ring_seconds"] = ring_seconds
        return str(self._ask("POST", f"/accounts/{number}/call", body)["id"])

    def hang_up(self, number: str, call_id: str) -> None:
        """Let the phone of `number` give up a call it has made."""
        self._ask("POST", f"/accounts/{number}/hang-up", {"id": call_id})

    def groups(self) -> list[dict[str, Any]]:
        """Return every group: `jid`, `subject`, `members` (roles by number), `invite`."""
        return list(self._ask("GET", "/groups")["groups"])

    def create_group(self, by: str, subject: str, people: Sequence[str]) -> str:
        """Let the phone of `by` make a group; returns its JID."""
        body = {"by": by, "subject": subject, "people": list(people)}
        return str(self._ask("POST", "/groups", body)["jid"])

    def change_group(self, by: str, group: str, change: str, people: Sequence[str]) -> None:
        """Let an admin "add", "remove", "promote" or "demote" people (numbers)."""
        path = f"/groups/{group.partition('@')[0]}/{change}"
        self._ask("POST", path, {"by": by, "people": list(people)})

    def rename_group(self, by: str, group: str, subject: str) -> None:
        """Let an admin give the group another name."""
        path = f"/groups/{group.partition('@')[0]}/subject"
        self._ask("POST", path, {"by": by, "subject": subject})

    def typing(self, number: str, to: str, state: str = "composing") -> None:
        """Let the phone of `number` type in a chat; or "recording", or "paused"."""
        self._ask("POST", f"/accounts/{number}/typing", {"to": to, "state": state})

    def leave_group(self, by: str, group: str) -> None:
        """Let the phone of `by` leave the group."""
        self._ask("POST", f"/groups/{group.partition('@')[0]}/leave", {"by": by})

    def announce_group(self, by: str, group: str, *, on: bool) -> None:
        """Let only admins write, or everybody again."""
        path = f"/groups/{group.partition('@')[0]}/announce"
        self._ask("POST", path, {"by": by, "on": on})

    def _say(self, number: str, act: str, to: str, **body: Any) -> str:
        return str(self._ask("POST", f"/accounts/{number}/{act}", {"to": to, **body})["id"])

    def send_media(
        self, number: str, to: str, kind: str, file: bytes | Path, **described: str | int | bool
    ) -> str:
        """Let the phone of `number` send a file; returns the message's id.

        `kind` is image, video, gif, audio, voice, document or sticker; `described` may have mime,
        caption, file_name, seconds, width, height, view_once and animated.
        """
        query = {"to": to, "kind": kind} | {k: _written(v) for k, v in described.items()}
        path = f"/accounts/{number}/media?{urlencode(query)}"
        with io.BytesIO(file) if isinstance(file, bytes) else file.open("rb") as content:
            size = content.seek(0, io.SEEK_END)
            content.seek(0)
            with self._open("POST", path, content, {"Content-Length": str(size)}) as response:
                return str(json.load(response)["id"])

    def media(self, number: str) -> list[dict[str, Any]]:
        """Return what the phone of `number` has received and downloaded, oldest first."""
        return list(self._ask("GET", f"/accounts/{number}/media")["media"])

    def save_media(self, number: str, message_id: str, into: Path) -> None:
        """Write the plain file that a received message brought into a file."""
        path = f"/accounts/{number}/media/{quote(message_id, safe='')}"
        with self._open("GET", path) as response, into.open("wb") as file:
            shutil.copyfileobj(response, file)

    def set_picture(self, of: str, picture: bytes) -> str | None:
        """Give a number, or the group of a JID, a profile picture; b"" takes it away. Its id."""
        user, _, server = of.partition("@")
        path = f"/{'groups' if server == 'g.us' else 'accounts'}/{user}/picture"
        with self._open("PUT", path, picture) as response:
            answer: str | None = json.load(response)["id"]
            return answer

    def picture_url(self, number: str) -> str:
        """Return where the profile picture of `number` is, as an engine is told."""
        return str(self._ask("GET", f"/accounts/{number}/picture")["url"])

    def media_bytes(self, number: str, message_id: str) -> bytes:
        """Return the plain bytes of the file that a received message brought."""
        path = f"/accounts/{number}/media/{quote(message_id, safe='')}"
        with self._open("GET", path) as response:
            return bytes(response.read())

    def read(self, number: str, author: str, ids: list[str] | None = None) -> list[str]:
        """Let the phone of `number` read what `author` wrote (these, or all); returns the ids."""
        body: dict[str, Any] = {"from": author}
        if ids is not None:
            body["ids"] = ids
        return list(self._ask("POST", f"/accounts/{number}/read", body)["ids"])

    def remove_device(self, number: str, device: int) -> None:
        """Let the phone of `number` unlink a device."""
        self._ask("DELETE", f"/accounts/{number}/devices/{device}")

    def log(self, since: int = 0) -> list[dict[str, Any]]:
        """Return the journal's entries after number `since`."""
        return list(self._ask("GET", f"/log?since={since}")["entries"])

    def faults(self) -> dict[str, Any]:
        """Return the faults in force."""
        return self._ask("GET", "/faults")

    def set_faults(self, number: str | None = None, **faults: Any) -> dict[str, Any]:
        """Set faults for everybody or one number; `drop` and `replace` act once, at once."""
        return self._ask("PUT", "/faults", faults | ({"number": number} if number else {}))

    def reset_faults(self) -> None:
        """Everything works again."""
        self._ask("DELETE", "/faults")

    def _ask(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        data = json.dumps(body).encode() if body is not None else None
        with self._open(method, path, data, {"Content-Type": "application/json"}) as response:
            answer: dict[str, Any] = json.load(response)
            return answer

    def _open(
        self,
        method: str,
        path: str,
        data: bytes | BinaryIO | None = None,
        headers: dict[str, str] | None = None,
    ) -> Any:
        """Return the response, to be read and closed."""
        request = urllib.request.Request(  # noqa: S310  # the scheme is the caller's http
            self._url + path, method=method, data=data, headers=headers or {}
        )
        try:
            return self._opener.open(request, timeout=_TIMEOUT_SECONDS)
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(error.code, _reason(error)) from None


def _written(value: str | int | bool) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError):
        return f"HTTP {error.code}"
