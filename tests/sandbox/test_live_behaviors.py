"""Contacts that do more than answer with a text or a file, met by an unmodified engine."""

from __future__ import annotations

from typing import Any

from tests.sandbox.engine import Engine
from tests.waiting import wait_for

PLACE, FICKLE = "15551000016@s.whatsapp.net", "15551000017@s.whatsapp.net"


def _told_by(engine: Engine, jid: str, count: int) -> list[dict[str, Any]]:
    """What a contact has sent, once there are so many."""

    def told() -> list[dict[str, Any]]:
        return [one["content"] for one in engine.messages() if one["sender_alt"] == jid]

    wait_for(lambda: len(told()) >= count, 20, f"{count} of {jid}")
    return told()


def test_one_answers_with_a_place(engine: Engine) -> None:
    engine.do("send", to=PLACE, text="где ты?")
    [answer] = _told_by(engine, PLACE, 1)
    assert answer["locationMessage"]["name"] == "Красная площадь"


def test_one_changes_what_it_wrote_and_deletes_what_came_after(engine: Engine) -> None:
    engine.do("send", to=FICKLE, text="придёшь?")
    text, edit, excuse, deletion = _told_by(engine, FICKLE, 4)
    assert text["conversation"] == "Буду в шесть"
    assert edit["protocolMessage"]["editedMessage"] == {"conversation": "Буду в семь"}
    assert excuse["conversation"] == "Хотя нет, не приду"
    assert deletion["protocolMessage"].get("type", "REVOKE") == "REVOKE"
    first, second = edit["protocolMessage"]["key"]["ID"], deletion["protocolMessage"]["key"]["ID"]
    assert first != second
