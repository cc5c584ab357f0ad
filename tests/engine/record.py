"""Records the payloads of test_translate.py from the real engine on the sandbox.

    python -m tests.engine.record

Run it again after an upgrade of the engine, and look at what changed.
"""

from __future__ import annotations

import secrets
import tempfile
from pathlib import Path
from typing import Any

from app.core.media import MediaKind
from app.engine.events import (
    CallEnded,
    CallOffered,
    Connected,
    Disconnected,
    LoggedOut,
    MessageReceived,
    ReceiptReceived,
    StreamReplaced,
)
from app.engine.raw import RawEvent
from app.engine.translate import translate
from app.sandbox.testing import Sandbox
from tests.engine.conftest import OWN_NUMBER, PEER, PEER_NUMBER
from tests.engine.driver import EngineProcess
from tests.waiting import wait_for

PAYLOADS = Path(__file__).with_name("payloads")
_LOGIN_FAILURES = {
    402: "TemporaryBan",
    403: "LoggedOut",
    405: "ClientOutdated",
    409: "ConnectFailure",
    418: "SessionEnded",
}


class Recorder:
    """One engine on one sandbox, paired anew for every scene that ends a session."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self._sandbox, self._folder = sandbox, folder
        self._number = 0

    def pair(self) -> dict[str, str]:
        """Links a new device and returns the arguments that open it."""
        self._number += 1
        process = EngineProcess(self._folder, self._sandbox.folder / "sandbox.json")
        store = str(self._folder / f"{self._number}.db")
        proxy = self._sandbox.announcement.proxy_url
        answer = process.start_doing("pair", store=store, proxy=proxy)
        self._sandbox.client.scan(process.wait_line("qr")["text"], OWN_NUMBER, "Owner")
        jid = process.answer(answer)["jid"]
        process.kill()
        return {"jid": jid, "store": store, "proxy": proxy}

    def open(self, opening: dict[str, str]) -> EngineProcess:
        """Opens it in a process of its own."""
        process = EngineProcess(self._folder, self._sandbox.folder / "sandbox.json")
        process.do("open", **opening)
        process.do("start", jid=opening["jid"])
        return process

    def conversation(self) -> None:
        """Texts both ways, receipts, a copy from the phone, a drop, a replacement."""
        opening = self.pair()
        process, client = self.open(opening), self._sandbox.client
        process.wait_event(Connected)
        client.send(PEER_NUMBER, OWN_NUMBER, "Привет, мир 👋")
        process.wait_event(MessageReceived)
        client.send(OWN_NUMBER, PEER_NUMBER, "From the phone")
        process.wait_event(MessageReceived, count=2)
        secret = secrets.token_hex(32)
        process.do("send", jid=opening["jid"], to=PEER, text="Read me", secret=secret)
        client.read(PEER_NUMBER, OWN_NUMBER)
        wait_for(lambda: {e.kind for e in process.events(ReceiptReceived)} >= {"delivered", "read"})
        client.set_faults(number=OWN_NUMBER, drop=True)
        process.wait_event(Disconnected)
        process.wait_event(Connected, count=2)
        client.set_faults(number=OWN_NUMBER, replace=True)
        process.wait_event(StreamReplaced)
        for raw in process.raw_events("Receipt"):
            keep(raw, f"receipt_{translate_one(raw).kind}")
        for raw in process.raw_events("Message"):
            from_me = translate_one(raw).from_me
            keep(raw, "message_from_phone" if from_me else "message_text")
        keep(process.raw_events("Connected")[0], "connected")
        keep(process.raw_events("Disconnected")[0], "disconnected")
        keep(process.raw_events("StreamReplaced")[0], "stream_replaced")
        process.kill()

    def files(self) -> None:
        """A file of every kind."""
        process, client = self.open(self.pair()), self._sandbox.client
        process.wait_event(Connected)
        for number, kind in enumerate(MediaKind, start=1):
            said = {"caption": "Подпись", "file_name": "a.pdf", "mime": "x/y"}
            client.send_media(PEER_NUMBER, OWN_NUMBER, kind, b"some file", **said)
            process.wait_event(MessageReceived, count=number)
        told = [raw for raw in process.raw_events("Message") if translate(raw)]
        for raw in told:  # the rest is between the account's own devices
            keep(raw, f"file_{translate_one(raw).content.facts.kind}")
        process.kill()

    def calls(self) -> None:
        """A call that is given up, and a video call."""
        process, client = self.open(self.pair()), self._sandbox.client
        process.wait_event(Connected)
        client.hang_up(PEER_NUMBER, client.call(PEER_NUMBER, OWN_NUMBER))
        client.call(PEER_NUMBER, OWN_NUMBER, video=True)
        process.wait_event(CallOffered, count=2)
        process.wait_event(CallEnded)
        audio, video = process.raw_events("CallOffer")
        keep(audio, "call_offered")
        keep(video, "call_offered_video")
        keep(process.raw_events("CallTerminate")[0], "call_ended")
        process.kill()

    def removal(self) -> None:
        """The phone unlinks the device."""
        opening = self.pair()
        process = self.open(opening)
        process.wait_event(Connected)
        device = int(opening["jid"].partition(":")[2].partition("@")[0])
        self._sandbox.client.remove_device(OWN_NUMBER, device)
        process.wait_event(LoggedOut)
        keep(process.raw_events("LoggedOut")[0], "logged_out_by_phone")
        process.kill()

    def refusal(self, code: int, kind: str) -> None:
        """The login is refused."""
        opening = self.pair()
        self._sandbox.client.set_faults(number=OWN_NUMBER, login_failure=code)
        process = self.open(opening)
        wait_for(
            lambda: process.raw_events(kind),
            what=f"{kind} after {code}, not {process.raw_events()}",
        )
        keep(process.raw_events(kind)[0], f"login_refused_{code}")
        self._sandbox.client.reset_faults()
        process.kill()


def translate_one(raw: RawEvent) -> Any:
    """Returns the one event that `raw` means."""
    (event,) = translate(raw)
    return event


def keep(raw: RawEvent, name: str) -> None:
    """Writes one payload."""
    (PAYLOADS / f"{name}.bin").write_bytes(raw.encode())


def main() -> None:
    """Records everything anew."""
    PAYLOADS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with Sandbox(folder / "sandbox") as sandbox:
            sandbox.client.add_account(PEER_NUMBER, "Peer")
            recorder = Recorder(sandbox, folder)
            recorder.conversation()
            recorder.files()
            recorder.calls()
            recorder.removal()
            for code, kind in _LOGIN_FAILURES.items():
                recorder.refusal(code, kind)


if __name__ == "__main__":
    main()
