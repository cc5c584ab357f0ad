"""Questions about numbers are answered by whoever holds the session."""

from __future__ import annotations

import pytest

from app.clock import utcnow
from app.engine.errors import EngineError
from app.extensions import db
from app.models import Instance, NumberCheck
from app.services import number_checks
from app.sessions.host import SessionHost
from app.transaction import transaction
from tests.sessions.scripted.engine import ScriptedEngine
from tests.sessions.scripted.look import PATIENCE, Look
from tests.waiting import wait_for


def asked(look: Look, phone: str) -> str:
    with look.app.app_context(), transaction() as session:
        return number_checks.ask(session.get_one(Instance, look.id), phone).id


def answer(look: Look, check_id: str) -> tuple[bool | None, str | None]:
    def found() -> NumberCheck | None:
        with look.app.app_context():
            check = db.session.get_one(NumberCheck, check_id)
            return check if check.answered_at is not None else None

    wait_for(lambda: found() is not None, PATIENCE, "there is an answer")
    check = found()
    assert check is not None
    return check.registered, check.lid


def test_a_host_tells_who_is_on_whatsapp(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    engine.lids = {"79161234567": "900"}
    assert answer(look, asked(look, "79161234567")) == (True, "900")
    assert answer(look, asked(look, "79160000000")) == (False, None)


@pytest.mark.parametrize("slug", ["lookup_failed", "connection_lost"])
def test_what_whatsapp_does_not_say_stays_open(
    opened: SessionHost, look: Look, engine: ScriptedEngine, slug: str
) -> None:
    engine.lid_errors = [EngineError(slug)]
    assert answer(look, asked(look, "79161234567")) == (None, None)


def test_a_question_nobody_waits_for_is_not_answered(
    opened: SessionHost, look: Look, engine: ScriptedEngine
) -> None:
    with look.app.app_context():
        with transaction() as session:
            late = number_checks.ask(session.get_one(Instance, look.id), "79161234567")
            late.asked_at = utcnow() - number_checks.GOOD_FOR
        assert number_checks.next_open(look.id) is None
