"""The client: a method for what programs do most, and `call` for the rest."""

from __future__ import annotations

import base64
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, cast
from urllib.parse import quote

from whatsapp_manager.errors import ApiError
from whatsapp_manager.shapes import (
    BatchResult,
    Chat,
    CheckedNumber,
    Contact,
    Event,
    Instance,
    Message,
    PhoneCode,
)
from whatsapp_manager.transport import Transport

Kind = Literal["voice", "sticker", "gif", "document"]
FileSource = str | Path | bytes


class Client:
    """Calls the API at `address`, such as https://whatsapp.example.com, with an API key."""

    def __init__(self, address: str, key: str, *, timeout: float = 30.0):
        self._transport = Transport(address, key, timeout)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connections."""
        self._transport.close()

    def call(self, method: str, path: str, *, wait: float = 0, **options: Any) -> Any:
        """What an operation answers: `path` begins behind /api; `json`, `params`, `headers` and
        `files` are as in requests. None where there is no content. Raises ApiError."""
        answer = self._transport.call(method, path, wait=wait, **options)
        return answer.json() if answer.content else None

    # Instances

    def instances(self) -> Iterator[Instance]:
        """All instances that the key is for, oldest first."""
        return cast(Iterator[Instance], self._pages("/instances"))

    def create_instance(self, name: str, **settings: Any) -> Instance:
        """A new instance. `settings` are called as in the API, such as webhookUrl."""
        return cast(Instance, self.call("POST", "/instances", json={"name": name, **settings}))

    def instance(self, instance_id: str) -> Instance:
        """One instance."""
        return cast(Instance, self.call("GET", _in(instance_id)))

    def change_instance(self, instance_id: str, **settings: Any) -> Instance:
        """The instance with other settings; what is not named stays."""
        return cast(Instance, self.call("PATCH", _in(instance_id), json=settings))

    def delete_instance(self, instance_id: str) -> None:
        """Deletes an instance with all that is in it, and unlinks its phone."""
        self.call("DELETE", _in(instance_id))

    def phone_code(self, instance_id: str, phone: str) -> PhoneCode:
        """The code to type on the phone with this number, to link it."""
        path = _in(instance_id, "pair-code")
        return cast(PhoneCode, self.call("POST", path, wait=30, json={"phone": phone}))

    # Messages

    def send_text(self, instance_id: str, to: str, text: str, **options: Any) -> Message:
        """Queues a text. `options`: idempotency_key, wait (seconds, for the outcome), and as in the
        API replyTo, sendAt and ttl."""
        return self._send(instance_id, {"to": to, "text": text}, options)

    def send_location(
        self, instance_id: str, to: str, latitude: float, longitude: float, **options: Any
    ) -> Message:
        """Queues a point on the map; `options` as of send_text, and name and address."""
        place: dict[str, Any] = {"latitude": latitude, "longitude": longitude}
        place |= {key: options.pop(key) for key in ("name", "address") if key in options}
        return self._send(instance_id, {"to": to, "location": place}, options)

    def send_file(
        self,
        instance_id: str,
        to: str,
        file: FileSource,
        *,
        caption: str = "",
        kind: Kind | None = None,
        name: str | None = None,
        **options: Any,
    ) -> Message:
        """Queues a file: the path of one here, its address (http or https), or its bytes, up to
        7 MB of them. `kind` says as what it is sent; `options` as of send_text."""
        if isinstance(file, str | Path) and not _is_address(file):
            return self._send_form(instance_id, to, Path(file), caption, kind, name, options)
        if isinstance(file, bytes):
            given = {"data": base64.b64encode(file).decode()}
        else:
            given = {"url": str(file)}
        if name is not None:
            given["name"] = name
        body: dict[str, Any] = {"to": to, "file": given, "caption": caption}
        return self._send(instance_id, body | ({"type": kind} if kind else {}), options)

    def send_batch(self, instance_id: str, messages: Iterable[dict[str, Any]]) -> list[BatchResult]:
        """Queues up to 100 messages, and tells what became of each."""
        body = {"messages": list(messages)}
        answer = self.call("POST", _in(instance_id, "send", "batch"), json=body)
        return cast(list[BatchResult], answer["items"])

    def message(self, instance_id: str, message_id: str) -> Message:
        """One message, with how far it has come."""
        return cast(Message, self.call("GET", _in(instance_id, "messages", message_id)))

    def media(self, instance_id: str, message_id: str) -> bytes:
        """The file of a message. Raises ApiError (409) while it is not here."""
        path = _in(instance_id, "messages", message_id, "media")
        return self._transport.call("GET", path).content

    # Chats and contacts

    def chats(self, instance_id: str, **query: Any) -> Iterator[Chat]:
        """The chats, those that are pinned first, then by the newest message."""
        return cast(Iterator[Chat], self._pages(_in(instance_id, "chats"), **query))

    def messages(self, instance_id: str, chat_id: str) -> Iterator[Message]:
        """The messages of a chat, newest first."""
        path = _in(instance_id, "chats", chat_id, "messages")
        return cast(Iterator[Message], self._pages(path, cursor="before", told="nextBefore"))

    def mark_read(self, instance_id: str, chat_id: str) -> None:
        """Marks a chat as read, here and for the other side."""
        self.call("POST", _in(instance_id, "chats", chat_id, "read"))

    def contacts(
        self, instance_id: str, source: Literal["whatsapp", "database"] = "whatsapp", **query: Any
    ) -> Iterator[Contact]:
        """Contacts by name: whom WhatsApp knows, or who is kept here."""
        path = _in(instance_id, "contacts")
        return cast(Iterator[Contact], self._pages(path, source=source, **query))

    def check_numbers(self, instance_id: str, phones: list[str]) -> list[CheckedNumber]:
        """Whether up to 20 numbers are on WhatsApp."""
        path = _in(instance_id, "contacts", "check")
        answer = self.call("POST", path, wait=20, json={"phones": phones})
        return cast(list[CheckedNumber], answer["items"])

    # Events

    def follow(
        self, instance_id: str, *, since: str | None = None, types: Iterable[str] = ()
    ) -> Iterator[Event]:
        """Events as they happen, for ever. Keep the id of the last one you have worked off, and
        begin with it as `since`. What is too old to be kept is left out."""
        query: dict[str, Any] = {"wait": 25}
        if names := ",".join(types):
            query["types"] = names
        while True:
            try:
                asked = query | ({"since": since} if since else {})
                path = _in(instance_id, "events")
                answer = self.call("GET", path, wait=25, params=asked)
            except ApiError as error:
                if error.code != "cursor_too_old":
                    raise
                since = str(error.problem["oldestCursor"])
                continue
            yield from answer["items"]
            since = answer["cursor"]

    def _send(self, instance_id: str, body: dict[str, Any], options: dict[str, Any]) -> Message:
        key, wait, rest = _options(options)
        answer = self.call(
            "POST",
            _in(instance_id, "send"),
            wait=wait,
            params={"wait": wait},
            headers={"Idempotency-Key": key},
            json=body | rest,
        )
        return cast(Message, answer["message"])

    def _send_form(
        self,
        instance_id: str,
        to: str,
        path: Path,
        caption: str,
        kind: Kind | None,
        name: str | None,
        options: dict[str, Any],
    ) -> Message:
        key, wait, rest = _options(options)
        fields = {"to": to, "caption": caption, **rest} | ({"type": kind} if kind else {})
        with path.open("rb") as file:
            answer = self.call(
                "POST",
                _in(instance_id, "send"),
                wait=wait,
                params={"wait": wait},
                headers={"Idempotency-Key": key},
                data=fields,
                files={"file": (name or path.name, file)},
            )
        return cast(Message, answer["message"])

    def _pages(
        self, path: str, *, cursor: str = "cursor", told: str = "nextCursor", **query: Any
    ) -> Iterator[Any]:
        while True:
            answer = self.call("GET", path, params=query)
            yield from answer["items"]
            if not answer[told]:
                return
            query[cursor] = answer[told]


def _in(instance_id: str, *parts: str) -> str:
    return "/" + "/".join(quote(part, safe="@") for part in ("instances", instance_id, *parts))


def _options(options: dict[str, Any]) -> tuple[str, int, dict[str, Any]]:
    """The idempotency key, a fresh one where none is given, how long to wait, and the rest."""
    rest = dict(options)
    key = rest.pop("idempotency_key", None) or uuid.uuid4().hex
    return key, rest.pop("wait", 0), rest


def _is_address(file: FileSource) -> bool:
    return isinstance(file, str) and file.startswith(("http://", "https://"))
