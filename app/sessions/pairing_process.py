"""The program that links one phone: `python -m app.sessions.pairing_process --log FILE`,
with PAIRING_KEY_STORE in its environment, a new file or the URL of a database, and PAIRING_PROXY,
the way to WhatsApp, which may be empty.

An unpaired client of the engine cannot be cancelled, so every attempt has this process of its own,
which its parent may kill at any moment, and which the kernel kills with its parent. It knows
neither database nor Redis: it says on its standard output what happens, a JSON object a line, with
`event` code, paired or failed.

Right after "paired" it is gone: what follows, keys and history, belongs to the session host.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import Any

from app.engine.pairing import Paired, PairingFailed, PairingRequest, PairingStep, pair
from app.engine.process import die_with_parent, prepare_process
from app.engine.reach import Typed


def main(arguments: list[str]) -> None:
    """Runs one attempt and ends the process: threads of the engine would hold it for ever."""
    die_with_parent()
    options = _parser().parse_args(arguments)
    said = os.dup(1)
    prepare_process(options.log)
    request = PairingRequest(
        store=os.environ["PAIRING_KEY_STORE"],
        proxy=os.environ.get("PAIRING_PROXY") or None,
        typed=Typed(options.typed_proxy == "any") if options.typed_proxy else None,
        phone=options.phone,
    )
    outcome = pair(request, lambda step: _say(said, **_code(step)))
    _say(said, **(_paired(outcome) if isinstance(outcome, Paired) else _failed(outcome)))
    os._exit(0)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m app.sessions.pairing_process")
    parser.add_argument("--log", required=True, type=Path, help="takes the engine's own output")
    parser.add_argument(
        "--typed-proxy",
        choices=("any", "public"),
        help="the proxy is the instance's own, and may be at any address, or at public ones only",
    )
    parser.add_argument("--phone", help="digits of the number to link by a code; else by QR")
    return parser


def _code(step: PairingStep) -> dict[str, Any]:
    return {"event": "code", "text": step.text, "expires_at": step.expires_at.isoformat()}


def _paired(outcome: Paired) -> dict[str, Any]:
    account = outcome.account
    return {
        "event": "paired",
        "jid": account.jid,
        "lid": account.address.lid,
        "push_name": account.push_name,
    }


def _failed(outcome: PairingFailed) -> dict[str, Any]:
    return {"event": "failed", "reason": outcome.reason, "detail": outcome.detail}


def _say(said: int, **message: Any) -> None:
    os.write(said, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    main(sys.argv[1:])
