"""A process with our engine, driven by JSON lines: commands come in, answers and events go out.

Started by driver.py with the environment that the engine needs at exec.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
from pathlib import Path
from typing import Any

from app.engine import process
from app.engine.base import OpenRequest
from app.engine.errors import EngineError
from app.engine.raw import RawEvent

_channel = os.fdopen(os.dup(1), "w", buffering=1)
_lock = threading.Lock()
_sessions: dict[str, Any] = {}


def tell(event: str, **facts: Any) -> None:
    """Writes one line for whoever drives this process."""
    with _lock:
        _channel.write(json.dumps({"event": event, **facts}) + "\n")


def main(log: str) -> None:
    """Obeys until the input ends; each command has a thread of its own."""
    process.die_with_parent()
    process.prepare_process(Path(log))
    tell("ready")
    for line in sys.stdin:
        threading.Thread(target=_obey, args=(json.loads(line),), daemon=True).start()
    os._exit(0)


def _obey(command: dict[str, Any]) -> None:
    number, what = command.pop("n"), command.pop("do")
    try:
        result = globals()[f"do_{what}"](**command)
    except EngineError as error:
        facts = {"permanent": error.permanent, "may_have_left": error.may_have_left}
        tell("answer", n=number, error=error.slug, detail=str(error), **facts)
    except Exception as error:
        tell("answer", n=number, error=type(error).__name__, detail=repr(error))
    else:
        tell("answer", n=number, result=result)
    if what == "pair":
        os._exit(0)  # at once, as the product does: the rest is for the session's host


def do_pair(store: str, proxy: str) -> dict[str, Any]:
    from app.engine.pairing import Paired, PairingRequest, pair

    outcome = pair(
        PairingRequest(store, proxy),
        lambda code: tell("qr", text=code.text, expires_at=code.expires_at.isoformat()),
    )
    if not isinstance(outcome, Paired):
        return {"failed": outcome.reason, "detail": outcome.detail}
    account = outcome.account
    return {
        "jid": account.jid,
        "lid": account.address.lid,
        "phone": account.address.phone,
        "platform": account.platform,
    }


def do_open(jid: str, store: str, proxy: str, close_on: str = "") -> None:
    from app.engine.neonize import NeonizeEngine

    engine = NeonizeEngine()

    def on_event(raw: RawEvent) -> None:
        events = engine.translate(raw)
        tell(
            "raw",
            kind=raw.kind,
            encoded=base64.b64encode(raw.encode()).decode(),
            translated=[repr(event) for event in events],
        )
        if raw.kind == close_on:
            _sessions[jid].close()
            tell("closed_in_handler")

    _sessions[jid] = engine.open(OpenRequest(jid, store, proxy), on_event)


def do_start(jid: str) -> None:
    _sessions[jid].start()


def do_close(jid: str) -> None:
    _sessions[jid].close()


def do_logout(jid: str) -> None:
    _sessions[jid].logout()


def do_send(jid: str, to: str, text: str, secret: str) -> dict[str, Any]:
    sent = _sessions[jid].send_text(to, text, secret=bytes.fromhex(secret))
    return {"id": sent.id, "timestamp": sent.timestamp.isoformat()}


def do_find(jid: str, secret: str) -> str | None:
    found: str | None = _sessions[jid].find_sent_id(bytes.fromhex(secret))
    return found


def do_mark_read(jid: str, ids: list[str], chat: str, sender: str) -> None:
    _sessions[jid].mark_read(ids, chat=chat, sender=sender)


def do_available(jid: str, available: bool) -> None:
    _sessions[jid].set_available(available)


def do_resources() -> dict[str, int]:
    return {
        "threads": threading.active_count(),
        "files": len(list(Path("/proc/self/fd").iterdir())),
    }


def do_break_pump(jid: str) -> None:
    """Makes the engine leave the session as it does at an event it cannot encode."""
    _sessions[jid]._client.stop()


if __name__ == "__main__":
    main(sys.argv[1])
