"""What the receiver's log says of every event: whether it arrived as it is due, who signed it, and
why it came again."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import time
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.stage import Stage
from tests.receiver import Receiver, Request

_WRITTEN_AFTER = 0.1  # seconds after which a sender writes down what was delivered
_LATE = 0.9  # seconds by which a busy machine has the receiver note a request too late
_NOTICED = 5.0  # seconds until the receiver has seen that a connection is over
_FRESH = 30.0  # seconds between a try's time, as it is signed, and its arrival


@dataclass(frozen=True)
class Kill:
    """A sender was killed between these moments of the monotonic clock."""

    began: float
    done: float

    def may_have_ended(self, connection_ended: float) -> bool:
        """Whether a connection that was over then can have been this sender's."""
        return self.began <= connection_ended < self.done + _NOTICED


class Log:
    """Every request that came whole; `bodies` is what arrived, by webhook-id. `recorded` is how
    many tries of each the product has written down."""

    def __init__(self, receiver: Receiver, kills: list[Kill], recorded: dict[str, int]):
        self.requests = [one for one in list(receiver.requests) if one.is_whole]
        self.after_lost = self.after_kills = 0
        self._ended, self._kills = dict(receiver.ended), kills
        self._recorded = recorded
        self._tries: dict[str, list[Request]] = defaultdict(list)
        self._last: dict[int, Request] = {}
        for one in self.requests:
            self._tries[_headers(one)["webhook-id"]].append(one)
            self._last[one.connection] = one
        self.bodies = {one: tries[0].body for one, tries in self._tries.items()}

    @property
    def lost_answers(self) -> int:
        """How many requests got none."""
        return sum(one.answered_at is None for one in self.requests)

    def wrongly_signed(self, secrets: dict[str, str]) -> list[str]:
        """webhook-ids of requests with a signature that is not that of their instance's secret, or
        with the time of another moment."""
        apart = time.time() - time.monotonic()
        return [
            _headers(one)["webhook-id"]
            for one in self.requests
            if not _is_signed(one, secrets[json.loads(one.body)["instanceId"]], apart)
        ]

    def unexplained(self) -> list[str]:
        """webhook-ids of requests that came again without a reason; counts those with one."""
        self.after_lost = self.after_kills = 0
        strange = []
        for webhook_id, tries in self._tries.items():
            forgotten = len(tries) - self._recorded.get(webhook_id, 0)
            for former, again in pairwise(tries):
                if former.body != again.body:
                    strange.append(webhook_id)
                elif former.answered_at is None:
                    self.after_lost += 1
                elif forgotten and self._was_cut_short(former):
                    self.after_kills += 1
                else:
                    strange.append(webhook_id)
        return strange

    def _was_cut_short(self, one: Request) -> bool:
        """Whether its sender was killed before it could write it down: it is among the last
        requests of a connection that ended with a kill."""
        ended = self._ended.get(one.connection)
        killed = ended is not None and any(kill.may_have_ended(ended) for kill in self._kills)
        return killed and self._last[one.connection].at - one.at < _WRITTEN_AFTER + _LATE

    def tell(self, webhook_id: str) -> str:
        """When its tries came and how their connections ended, for who looks into it."""
        tries = [
            f"at {one.at:.2f}, answered {one.answered_at}, the last of its connection"
            f" {self._last[one.connection].at:.2f}, over {self._ended.get(one.connection)}"
            for one in self._tries[webhook_id]
        ]
        return f"{webhook_id}: {'; '.join(tries)}; recorded {self._recorded.get(webhook_id, 0)}"


def secrets_of(stage: Stage) -> dict[str, str]:
    """The secret of each phone's webhook, by the instance's id."""
    secrets = {}
    for line in stage.lines:
        place = f"/instances/{line.instance_id}?include=webhookSecret"
        secrets[line.instance_id] = str(stage.ask("GET", place)[1]["webhookSecret"])
    return secrets


def due(stage: Stage) -> dict[str, bytes]:
    """The body of everything that was ever due to the receiver, by its id."""
    return {one: bytes(body) for one, body in stage.rows("select id, body from deliveries")}


def recorded(stage: Stage) -> dict[str, int]:
    """How many tries of each delivery the product has written down."""
    return dict(stage.rows("select delivery_id, count(*) from attempts group by delivery_id"))


def _headers(one: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in one.headers.items()}


def _is_signed(one: Request, secret: str, apart: float) -> bool:
    headers = _headers(one)
    simple = hmac.new(secret.encode(), one.body, hashlib.sha256).hexdigest()
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + one.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    standard = base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    fresh = abs(one.at + apart - int(headers["webhook-timestamp"])) < _FRESH
    same = headers["x-webhook-signature"] == simple
    return fresh and same and headers["webhook-signature"] == f"v1,{standard}"
