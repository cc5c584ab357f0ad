"""A process with our engine, driven by JSON lines: commands come in, answers and events go out.

Started by driver.py with the environment that the engine needs at exec.
"""

from __future__ import annotations

import base64
import json
import os
import sys
import threading
import time
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.core.chat_settings import Aspect, LastMessage
from app.core.groups import GroupFacts, MemberAct
from app.engine import mending, process
from app.engine.base import OpenRequest
from app.engine.errors import EngineError
from app.engine.raw import RawEvent

_channel = os.fdopen(os.dup(1), "w", buffering=1)
_lock = threading.Lock()
_sessions: dict[str, Any] = {}


def tell(event: str, **facts: Any) -> None:
    """Writes one line for whoever drives this process."""
    with _lock:
        _channel.write(json.dumps({"event": event, **facts}, default=str) + "\n")


def _call(client: Any, method: str) -> None:
    """Makes one of the calls that sessions make, with something for its arguments."""
    from app.engine import library
    from app.engine.chat_settings import _patch

    peer = library.jid_of("15550002000@s.whatsapp.net")
    if method in ("get_group_invite_link", "set_group_name", "leave_group"):
        group = library.jid_of("120363000000000000@g.us")
        getattr(client, method)(group, *(["x"] if method == "set_group_name" else []))
    elif method == "send_message":
        client.send_message(peer, library.message(conversation="x"))
    elif method == "mark_read":
        client.mark_read("1", chat=peer, sender=peer, receipt=library.read_receipt())
    elif method == "reject_call":
        client.reject_call(peer, "1")
    elif method == "upload":
        client.upload(b"x")
    elif method == "send_app_state":
        client.send_app_state(_patch(str(peer.User), Aspect.PINNED, True, None, None))
    elif method == "get_profile_picture":
        client.get_profile_picture(peer)
    elif method == "is_on_whatsapp":
        client.is_on_whatsapp("+15551000002")
    elif method == "send_presence":
        client.send_presence(library.presence(True))
    else:
        getattr(client, method)()


def main(log: str) -> None:
    """Obeys until the input ends; each command has a thread of its own."""
    process.die_with_parent()
    process.prepare_process(Path(log))
    mending.mend()
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


def do_reject_call(jid: str, call_id: str, caller: str) -> None:
    _sessions[jid].reject_call(call_id, caller=caller)


def do_lid_of(jid: str, phone: str) -> str | None:
    lid: str | None = _sessions[jid].lid_of(phone)
    return lid


def do_groups(jid: str, method: str, **arguments: Any) -> Any:
    groups = _sessions[jid].groups
    if "act" in arguments:
        arguments["act"] = MemberAct(arguments["act"])
    done = getattr(groups, method)(**arguments)
    if isinstance(done, list):
        return [asdict(one) for one in done]
    return asdict(done) if isinstance(done, GroupFacts) else done


def do_people(jid: str, method: str, about: str = "") -> Any:
    done = getattr(_sessions[jid].people, method)(*([about] if about else []))
    return asdict(done) if is_dataclass(done) else done


def do_keeping(jid: str, method: str, **arguments: Any) -> Any:
    chats = _sessions[jid].chat_settings
    if method == "tell":
        until, last = arguments.pop("until", None), arguments.pop("last", None)
        aspect, chat = Aspect(arguments.pop("aspect")), arguments.pop("chat")
        told = LastMessage(last["id"], last["from_me"], _moment(last["at"])) if last else None
        moment = _moment(until) if until else None
        return chats.tell(chat, aspect, on=arguments["on"], until=moment, last=told)
    if method == "stamp":
        return repr(chats.stamp())
    return [
        asdict(one) | {"muted_until": one.muted_until and one.muted_until.timestamp()}
        for one in chats.known()
    ]


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def do_check(jid: str, limit: float) -> float:
    began = time.monotonic()
    _sessions[jid].check(limit)
    return time.monotonic() - began


def do_call_closed(jid: str, method: str) -> str:
    """Makes one of the engine's calls where the gate would not let it through."""
    try:
        _call(_sessions[jid]._client, method)
    except Exception as error:
        return str(getattr(error.args[0], "Error", error.args[0]))
    return "answered"


def do_hold_events(jid: str) -> None:
    """From now on no event is taken."""
    _sessions[jid]._tap._sink = lambda raw: threading.Event().wait()


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
