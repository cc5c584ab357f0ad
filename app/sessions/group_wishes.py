"""Does what people want done about groups, and about people, on the session's own thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import structlog
from flask import Flask

from app.core.groups import OF_PERSONS, GroupFacts, GroupMember, MemberAct, WishedAct
from app.engine.base import EngineSession, GroupCalls
from app.engine.errors import EngineError
from app.models import LinkedAccount
from app.services import blocking, chats, group_wishes, groups
from app.sessions.blocking import change
from app.sessions.leases import Held, holding

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Done:
    """What came of a wish: what to answer, and what the group is now."""

    result: dict[str, Any]
    facts: GroupFacts | None = None
    left: str = ""  # the id of the group that was left
    person: tuple[str | None, str | None] | None = None  # number and LID of who it was about
    blocked: bool = False  # whether that person is now


class GroupWishes:
    """The open wishes about one session's groups."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._app = app
        self._held = held
        self._account_id = account.id

    def answer(self, session: EngineSession) -> bool:
        """Does the oldest wish; whether there was one. Raises LeaseLost, DBAPIError."""
        with self._app.app_context():
            wish = group_wishes.next_open(self._held.instance_id)
            if wish is None:
                return False
            wish_id, act = wish.id, WishedAct(wish.act)
            group = f"{wish.group_id}@g.us" if wish.group_id else ""
            name, people = wish.name, list(wish.people or ())
        with self._app.app_context(), holding(self._held):
            if not group_wishes.take(wish_id):
                return True
        try:
            if act in OF_PERSONS:
                person = change(session, act, people[0])
                done = _Done({}, person=person, blocked=act is WishedAct.BLOCK)
            else:
                done = _do(session.groups, act, group, name, people)
        except EngineError as error:
            log.warning("wish.not_done", act=act, error=str(error))
            with self._app.app_context(), holding(self._held):
                group_wishes.answer(wish_id, failure=error.slug)
            return True
        self._write(wish_id, done)
        return True

    def _write(self, wish_id: str, done: _Done) -> None:
        with self._app.app_context(), holding(self._held) as rows:
            account = rows.get_one(LinkedAccount, self._account_id)
            if done.facts is not None:
                groups.learn(account, done.facts)
            if done.left:
                groups.leave(chats.group(account, done.left))
            if done.person is not None:
                phone, lid = done.person
                blocking.done(account, phone=phone, lid=lid, blocked=done.blocked)
            group_wishes.answer(wish_id, result=done.result)


def _do(calls: GroupCalls, act: WishedAct, group: str, name: str, people: list[str]) -> _Done:
    """Does it, and asks what the group is then: the device that changed it gets no notice."""
    if act is WishedAct.CREATE:
        facts = calls.create(name, people)
        return _Done({"group": facts.id}, _whole(calls, facts))
    if act is WishedAct.LEAVE:
        calls.leave(group)
        return _Done({}, left=group.partition("@")[0])
    if act in (WishedAct.LINK, WishedAct.RENEW):
        return _Done({"link": calls.link(group, renew=act is WishedAct.RENEW)})
    refused: list[GroupMember] = []
    if act is WishedAct.RENAME:
        calls.rename(group, name)
    else:
        said = calls.change(group, MemberAct(act.value), people)
        refused = [one for one in said if one.refused]
    return _Done({"refused": [one.phone or one.lid for one in refused]}, calls.one(group))


def _whole(calls: GroupCalls, made: GroupFacts) -> GroupFacts:
    """The new group as others see it; what the answer said, where it cannot be asked for."""
    try:
        return calls.one(f"{made.id}@g.us")
    except EngineError:
        return made
