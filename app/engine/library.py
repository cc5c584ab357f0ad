"""Loading the engine's library, once per process, and what it says through Python's logging."""

from __future__ import annotations

import ctypes.util
import importlib
import io
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any

from app.core.media import FileFacts, MediaKind
from app.engine.base import NO_CONTEXT, Context, Quotation

_PARTS = {
    MediaKind.IMAGE: "imageMessage",
    MediaKind.VIDEO: "videoMessage",
    MediaKind.AUDIO: "audioMessage",
    MediaKind.VOICE: "audioMessage",
    MediaKind.DOCUMENT: "documentMessage",
    MediaKind.GIF: "videoMessage",
    MediaKind.STICKER: "stickerMessage",
}
_QUOTED_PARTS = {kind.value: part for kind, part in _PARTS.items()}
_TYPES = {
    MediaKind.IMAGE: "MediaImage",
    MediaKind.VIDEO: "MediaVideo",
    MediaKind.AUDIO: "MediaAudio",
    MediaKind.VOICE: "MediaAudio",
    MediaKind.DOCUMENT: "MediaDocument",
    MediaKind.GIF: "MediaVideo",
    MediaKind.STICKER: "MediaImage",
}
_MIMES = {"audio/ogg": "audio/ogg; codecs=opus"}  # phones play no other kind of it

_client: Any = None
_loading = threading.Lock()


class KeyStoreWatch(logging.Handler):
    """Notices the engine's warning that it could not write a message's secret.

    It only warns and sends all the same (whatsmeow, send.go), so nobody could find that message's
    id after a crash: sending pauses for a while after each warning. One watch for the process.
    """

    PAUSE_SECONDS = 30.0
    _WARNING = "Failed to store message secret"

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        """Starts the pause at that warning."""
        if record.getMessage().startswith(self._WARNING):
            self._until = time.monotonic() + self.PAUSE_SECONDS

    @property
    def failing(self) -> bool:
        """Whether keys could not be written a moment ago."""
        return time.monotonic() < self._until


key_store_watch = KeyStoreWatch()


def load() -> Any:
    """Returns neonize's client module, loading the library at the first call.

    A process that has called this must not fork any more (starting other programs is fine).
    """
    global _client
    with _loading:
        if _client is None:
            _client = _load()
    return _client


def is_loaded() -> bool:
    """Returns whether this process carries the engine's library."""
    return _client is not None


def _load() -> Any:
    if ctypes.util.find_library("magic") is None:
        importlib.import_module("pylibmagic")  # puts its own copy where python-magic looks
    # neonize installs a handler of its own on the root logger unless there is one.
    root = logging.getLogger()
    placeholder = logging.NullHandler()
    root.addHandler(placeholder)
    level = root.level
    try:
        with _uname_without_shell():
            client = importlib.import_module("neonize.client")
    finally:
        root.removeHandler(placeholder)
        root.setLevel(level)
    # This logger's level is the level of the Go side too; unset it would send every debug line.
    logging.getLogger("neonize.utils.log").setLevel(logging.WARNING)
    logging.getLogger("whatsmeow.Client").addHandler(key_store_watch)
    return client


@contextmanager
def _uname_without_shell() -> Iterator[None]:
    """Answers what neonize asks when it is imported, `os.popen("uname -a").read()`, in its place
    (neonize/utils/platform.py): it never collects the shell, which would stay as a zombie."""
    popen = os.popen
    os.popen = lambda *_: io.StringIO(" ".join(os.uname()))  # type: ignore[assignment]
    try:
        yield
    finally:
        os.popen = popen


def jid_of(jid: str, *, with_device: bool = False) -> Any:
    """Returns neonize's form of a JID; the device number is dropped unless asked for."""
    user, _, server = jid.partition("@")
    user, _, told = user.partition(":")
    device = int(told) if with_device and told else 0
    kind = _proto("Neonize_pb2").JID
    return kind(User=user, Server=server, Device=device, RawAgent=0, Integrator=0, IsEmpty=not user)


def message(**fields: Any) -> Any:
    """Returns WhatsApp's Message with these fields."""
    return _proto("waE2E.WAWebProtobufsE2E_pb2").Message(**fields)


def text_message(text: str, context: Context) -> Any:
    """Returns WhatsApp's Message for a text, which has more room where it says more."""
    if context == NO_CONTEXT:
        return message(conversation=text)
    whole = message()
    whole.extendedTextMessage.text = text
    add_context(whole, context)
    return whole


def add_context(whole: Any, context: Context) -> None:
    """Says in `whole` what it answers, that it was passed on, and whom it names."""
    if context == NO_CONTEXT:
        return
    ((field, part),) = whole.ListFields()
    if field.name == "documentWithCaptionMessage":
        part = part.message.documentMessage
    info = part.contextInfo
    if context.quote is not None:
        info.stanzaID, info.participant = context.quote.id, context.quote.author
        _say_quoted(info.quotedMessage, context.quote)
    if context.forwarded:
        info.isForwarded, info.forwardingScore = True, context.forwarded
    info.mentionedJID.extend(context.mentions)


def _say_quoted(quoted: Any, quote: Quotation) -> None:
    """A file is quoted without itself, by kind and caption."""
    name = _QUOTED_PARTS.get(quote.kind)
    if name is None:
        quoted.conversation = quote.text
        return
    part = getattr(quoted, name)
    part.SetInParent()
    said = "fileName" if quote.kind == MediaKind.DOCUMENT else "caption"
    if quote.text and said in part.DESCRIPTOR.fields_by_name:
        setattr(part, said, quote.text)


def file_message(facts: FileFacts, caption: str, preview: bytes | None, upload: Any) -> Any:
    """Returns WhatsApp's Message for a file that `upload`, neonize's answer, says is there.

    A document with a caption is wrapped, as phones do it.
    """
    whole = message()
    inner = whole
    if facts.kind is MediaKind.DOCUMENT and caption:
        inner = whole.documentWithCaptionMessage.message
    part = getattr(inner, _PARTS[facts.kind])
    part.URL, part.directPath, part.mediaKey = upload.url, upload.DirectPath, upload.MediaKey
    part.fileEncSHA256, part.fileSHA256 = upload.FileEncSHA256, upload.FileSHA256
    part.fileLength, part.mediaKeyTimestamp = upload.FileLength, int(time.time())
    part.mimetype = _MIMES.get(facts.mime, facts.mime)
    said: dict[str, Any] = {
        "caption": caption,
        "fileName": facts.file_name,
        "title": facts.file_name,
    }
    said |= {"width": facts.width, "height": facts.height, "seconds": facts.seconds}
    said |= {"PTT": facts.kind is MediaKind.VOICE, "waveform": facts.waveform}
    said |= {"gifPlayback": facts.kind is MediaKind.GIF, "JPEGThumbnail": preview}
    said |= {"isAnimated": facts.animated}
    for name, value in said.items():
        if value and name in part.DESCRIPTOR.fields_by_name:
            setattr(part, name, value)
    return whole


def media_type(kind: MediaKind) -> Any:
    """Returns neonize's name for how a file of this kind is encrypted."""
    names = importlib.import_module("neonize.utils.enum").MediaType
    return getattr(names, _TYPES[kind])


def device_props(name: str) -> Any:
    """Returns how this device introduces itself when it is linked: `name` on the phone's list."""
    props = _proto("waCompanionReg.WACompanionReg_pb2").DeviceProps
    return props(os=name, platformType=props.DESKTOP, requireFullSync=False)


def ask_for_phone_code(client: Any, phone: str) -> str:
    """Returns the code to type on the phone with these digits; blocks until WhatsApp has answered.

    WhatsApp checks the name of the browser (whatsmeow, pair-code.go), so this is one it knows, in
    its usual spelling, whatever the device calls itself later.
    """
    browser, system = SimpleNamespace(name="Chrome", value=1), SimpleNamespace(name="Linux")
    code: str = client.PairPhone(phone, True, client_name=system, client_type=browser)
    return code


def proxy_settings(url: str | None) -> Any:
    """Returns neonize's form of a proxy URL; None for none."""
    return importlib.import_module("neonize._binder").ProxySettings(url) if url else None


def read_receipt() -> Any:
    """Returns neonize's name for a read receipt."""
    return importlib.import_module("neonize.utils.enum").ReceiptType.READ


def presence(available: bool) -> Any:
    """Returns neonize's name for being online or not."""
    names = importlib.import_module("neonize.utils.enum").Presence
    return names.AVAILABLE if available else names.UNAVAILABLE


def chat_state(composing: bool) -> tuple[Any, Any]:
    """Returns neonize's names for writing a text, or not any more."""
    names = importlib.import_module("neonize.utils.enum")
    states = names.ChatPresence
    state = states.CHAT_PRESENCE_COMPOSING if composing else states.CHAT_PRESENCE_PAUSED
    return state, names.ChatPresenceMedia.CHAT_PRESENCE_MEDIA_TEXT


def engine_exception() -> type[Exception]:
    """Returns the base of all errors that neonize raises."""
    base: type[Exception] = importlib.import_module("neonize.exc").NeonizeError
    return base


def _proto(module: str) -> Any:
    return importlib.import_module(f"neonize.proto.{module}")


def c_text(pointer: int) -> str:
    """Returns the C string at this address."""
    return ctypes.string_at(pointer).decode(errors="replace")
