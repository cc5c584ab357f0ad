"""What a session does besides sending: it answers questions, tells what was read, and keeps what
WhatsApp knows of people and groups."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from flask import Flask

from app.core.chat_states import Signal
from app.engine.base import EngineSession
from app.models import LinkedAccount
from app.sessions.blocking import Blocklist
from app.sessions.chat_settings import ChatSettingsChore
from app.sessions.contact_book import ContactBook
from app.sessions.group_book import GroupBook
from app.sessions.group_wishes import GroupWishes
from app.sessions.leases import Held
from app.sessions.number_checks import NumberChecks
from app.sessions.pictures import Pictures
from app.sessions.read_marks import ReadMarks
from app.sessions.reading import News, Reading
from app.sessions.signals import Signals


class Chores:
    """The chores of one session; all but the `hear` methods run on the session's own thread."""

    def __init__(self, app: Flask, held: Held, account: LinkedAccount) -> None:
        self._reading = Reading(app, held)
        self._signals = Signals()
        self._marks = ReadMarks(app, held, account)
        self._checks = NumberChecks(app, held)
        self._wishes = GroupWishes(app, held, account)
        self._groups = GroupBook(app, held, account)
        self._contacts = ContactBook(app, held, account)
        self._blocklist = Blocklist(app, held, account)
        self._pictures = Pictures(app, held)
        self._settings = ChatSettingsChore(app, held, account)

    def hear_messages(self, news: Sequence[News]) -> None:
        """People wrote what is to be marked as read."""
        self._reading.add(news)

    def hear_of_groups(self, group_ids: Collection[str]) -> None:
        """Something about these groups is unknown."""
        self._groups.hurry(group_ids)

    def hear_of_blocklist(self) -> None:
        """Others are blocked than before."""
        self._blocklist.hurry()

    def hear_signal(self, what: Signal, address: str) -> bool:
        """Somebody types, or looks at a chat; whether there is something to do."""
        return self._signals.hear(what, address)

    def urgent(self, session: EngineSession, *, online: bool) -> bool:
        """Does one thing that somebody waits for; whether there was one. `online`: whether the
        account is shown so. Raises LeaseLost, DBAPIError."""
        return (
            self._signals.tell(session, online=online)
            or self._reading.tell(session)
            or self._checks.answer(session)
            or self._wishes.answer(session)
            or self._marks.tell(session)
            or self._settings.tell(session)
        )

    def idle(
        self, session: EngineSession, *, contacts_at: datetime | None, connection: int
    ) -> bool:
        """Does one thing for which there is time; whether there was one. `contacts_at`: since when
        WhatsApp's contacts are wanted; `connection` counts the connections of this session. Raises
        LeaseLost, DBAPIError."""
        return (
            self._groups.step(session, connection=connection)
            or self._blocklist.step(session, connection=connection)
            or self._settings.step(session, connection=connection)
            or self._contacts.step(session, wanted_at=contacts_at, connection=connection)
            or self._pictures.step(session)
        )

    def wait_seconds(self) -> float:
        """How long until there is something to do, if nobody asks."""
        chores = self._contacts, self._groups, self._blocklist, self._pictures, self._settings
        return min(one.wait_seconds() for one in chores)
