"""Calls as far as signalling goes: a phone calls, devices ring, and the call ends. Nobody talks.

What the stanzas hold is what whatsmeow (call.go) reads of them; that other devices of an account
are told "rejected_elsewhere" is from knowledge, not seen.
"""

from __future__ import annotations

import asyncio
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from app.sandbox.clock import stamp
from app.sandbox.wire.node import Node, Value
from app.sandbox.world import Account, Endpoint

if TYPE_CHECKING:
    from app.sandbox.network import Network

RING_SECONDS = 45.0
"""How long a phone rings when nobody does anything."""
HUNG_UP, NO_ANSWER, REJECTED = "hung_up", "no_answer", "rejected"


@dataclass(frozen=True, slots=True)
class Call:
    """A call that rings. `timeout` ends it when nobody else does."""

    id: str
    caller: Account
    called: Account
    timeout: asyncio.TimerHandle


class Calls:
    """The calls that ring now, by id. Belongs to the network's event loop; a restart ends all."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._ringing: dict[str, Call] = {}

    def offer(
        self,
        caller: Account,
        called: Account,
        *,
        video: bool = False,
        seconds: float = RING_SECONDS,
    ) -> str:
        """Let `caller`'s phone call an account, all of whose devices ring; returns the call's id.

        It ends by itself after `seconds`.
        """
        call_id = secrets.token_hex(16).upper()
        timeout = asyncio.get_running_loop().call_later(seconds, self._end, call_id, NO_ANSWER)
        call = Call(call_id, caller, called, timeout)
        self._ringing[call_id] = call
        self._network.journal.append(
            "call", called.number, id=call_id, video=video, **{"from": caller.number}
        )
        for device in called.devices:
            self._tell(call, device, _offer(call, video))
        return call_id

    def hang_up(self, caller: Account, call_id: str) -> bool:
        """Let the caller give up; False when no such call of theirs rings."""
        call = self._ringing.get(call_id)
        return call is not None and call.caller is caller and self._end(call_id, HUNG_UP)

    def reject(self, by: Endpoint, call_id: str) -> None:
        """A device of the called account declines; a call that is over stays so."""
        call = self._ringing.get(call_id)
        if call is not None and call.called is by.account:
            self._end(call_id, REJECTED, by.device)

    def _end(self, call_id: str, reason: str, by: int | None = None) -> bool:
        """Ends the call for every device but `by`, the one that rejected it."""
        call = self._ringing.pop(call_id, None)
        if call is None:
            return False
        call.timeout.cancel()
        facts = {} if by is None else {"device": by}
        self._network.journal.append(
            "call_ended",
            call.called.number,
            id=call_id,
            reason=reason,
            **{"from": call.caller.number, **facts},
        )
        told = {NO_ANSWER: "timeout", REJECTED: "rejected_elsewhere"}.get(reason)
        for device in call.called.devices:
            if device != by:
                self._tell(call, device, _terminate(call, told))
        return True

    def _tell(self, call: Call, device: int, what: Node) -> None:
        attrs: dict[str, Value] = {"from": call.caller.lid, **stamp()}
        attrs |= {"platform": "android", "version": "2.26.10", "notify": call.caller.name}
        self._network.deliver(Endpoint(call.called, device), Node("call", attrs, [what]))


def _about(call: Call) -> dict[str, Value]:
    return {"call-id": call.id, "call-creator": call.caller.lid, "caller_pn": call.caller.jid}


def _offer(call: Call, video: bool) -> Node:
    media = [Node("audio", {"enc": "opus", "rate": "16000"}), Node("net", {"medium": "3"})]
    if video:
        media.insert(1, Node("video", {"enc": "vp8", "dec": "vp8", "orientation": "0"}))
    return Node("offer", _about(call), media)


def _terminate(call: Call, reason: str | None) -> Node:
    return Node("terminate", {**_about(call), **({"reason": reason} if reason else {})})
