"""A small client of the sandbox's control interface, for tests and the demo's phone page."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from dataclasses import dataclass
from typing import Any

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

    def add_account(self, number: str, name: str, behavior: str = "silent") -> dict[str, Any]:
        """Add a contact: "silent" only confirms delivery, "echo" answers, "slow" takes seconds."""
        body = {"number": number, "name": name, "behavior": behavior}
        return self._ask("POST", "/accounts", body)

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

    def send(self, number: str, to: str, text: str) -> str:
        """Let the phone of `number` write to another account; returns the message's id."""
        return str(self._ask("POST", f"/accounts/{number}/send", {"to": to, "text": text})["id"])

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
        request = urllib.request.Request(  # noqa: S310  # the scheme is the caller's http
            self._url + path,
            method=method,
            data=json.dumps(body).encode() if body is not None else None,
            headers={"Content-Type": "application/json"},
        )
        try:
            with self._opener.open(request, timeout=_TIMEOUT_SECONDS) as response:
                answer: dict[str, Any] = json.load(response)
                return answer
        except urllib.error.HTTPError as error:
            with error:
                raise SandboxError(error.code, _reason(error)) from None


def _reason(error: urllib.error.HTTPError) -> str:
    try:
        return str(json.load(error)["error"])
    except (ValueError, KeyError):
        return f"HTTP {error.code}"
