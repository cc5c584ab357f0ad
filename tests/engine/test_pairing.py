"""How an attempt to link ends, by what the engine says; the engine itself is in test_session.py."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.engine import library, pairing
from app.engine.address import Address
from app.engine.base import Account
from app.engine.pairing import Outcome, Paired, PairingFailed, PairingRequest, PhoneCode, QrCode
from app.engine.protos import message_class
from app.engine.raw import RawEvent

Says = Iterable[tuple[str, Any]]
Play = Callable[..., tuple[Outcome, list[QrCode]]]


def jid(user: str, server: str) -> Any:
    kind = message_class("neonize.JID")
    return kind(User=user, Server=server, Device=7, RawAgent=0, Integrator=0, IsEmpty=False)


def device() -> bytes:
    """What the engine tells first in a session: the account."""
    made = message_class("neonize.Device")(
        JID=jid("1555", "s.whatsapp.net"),
        LID=jid("77", "lid"),
        Platform="android",
        BussinessName="",
        PushName="",
        Initialized=True,
    )
    return bytes(made.SerializeToString())


def status(name: str, error: str = "") -> RawEvent:
    message = message_class("neonize.PairStatus")(
        ID=jid("1555", "s.whatsapp.net"),
        BusinessName="Shop",
        Platform="android",
        Status=name,
        Error=error,
    )
    return RawEvent("PairStatus", message.SerializeToString(), datetime.now(UTC))


@pytest.fixture
def play(monkeypatch: pytest.MonkeyPatch) -> Play:
    """Runs an attempt in which the engine says what the test tells it to."""

    def run(*says: tuple[str, Any]) -> tuple[Outcome, list[QrCode]]:
        def connect(attempt: Any) -> None:
            for reaction, value in says:
                attempt._said.put((getattr(attempt, f"_on_{reaction}"), value))

        monkeypatch.setattr(pairing._Attempt, "_connect", connect)
        codes: list[QrCode] = []
        return pairing._Attempt(PairingRequest("keys.db"), codes.append).run(), codes

    return run


def test_success_tells_the_account_with_both_its_names(play: Play):
    outcome, _ = play(
        ("code", b"qr"), ("ending", "success"), ("device", device()), ("status", status("SUCCESS"))
    )
    address = Address(lid="77@lid", phone="1555@s.whatsapp.net")
    assert outcome == Paired(Account("1555:7@s.whatsapp.net", address, "Shop", "android"))


def test_first_code_lasts_a_minute_and_the_others_20_seconds(play: Play):
    _, codes = play(("code", b"a"), ("code", b"b"), ("code", b"c"), ("ending", "error"))
    lasting = [
        round((code.expires_at - datetime.now(UTC)) / timedelta(seconds=1)) for code in codes
    ]
    assert [(code.text, code.number) for code in codes] == [("a", 1), ("b", 2), ("c", 3)]
    assert lasting == [60, 20, 20]


def phone_attempt(
    monkeypatch: pytest.MonkeyPatch, answer: Callable[[], str], *says: tuple[str, Any]
) -> tuple[Outcome, list[PhoneCode]]:
    """An attempt by a code, for which WhatsApp answers with `answer`."""

    def connect(attempt: Any) -> None:
        for reaction, value in says:
            attempt._said.put((getattr(attempt, f"_on_{reaction}"), value))

    monkeypatch.setattr(pairing._Attempt, "_connect", connect)
    monkeypatch.setattr(library, "ask_for_phone_code", lambda client, phone: answer())
    monkeypatch.setattr(library, "engine_exception", lambda: LookupError)
    steps: list[Any] = []
    request = PairingRequest("keys.db", phone="79161234567")
    return pairing._Attempt(request, steps.append).run(), steps


def test_phone_code_is_asked_for_once_and_lasts_as_long_as_all_qr_codes(
    monkeypatch: pytest.MonkeyPatch,
):
    says = [("code", b"a"), ("code", b"b"), ("ending", "error")]
    _, [step] = phone_attempt(monkeypatch, lambda: "ABCD-1234", *says)
    assert step.text == "ABCD-1234"
    assert round((step.expires_at - datetime.now(UTC)) / timedelta(seconds=1)) == 160


def test_phone_code_that_nobody_typed_has_expired(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairing, "_PHONE_CODE_SECONDS", 0)
    says = [("code", b"a"), ("ending", "timeout")]
    outcome, _ = phone_attempt(monkeypatch, lambda: "ABCD-1234", *says)
    assert outcome == PairingFailed("code_expired")


def test_phone_code_whose_connection_ends_early_was_cut_off(monkeypatch: pytest.MonkeyPatch):
    says = [("code", b"a"), ("ending", "timeout")]
    outcome, _ = phone_attempt(monkeypatch, lambda: "ABCD-1234", *says)
    assert outcome == PairingFailed("pairing_cut_off")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("info query returned status 404: item-not-found", "number_refused"),
        ("info query returned status 400: bad-request", "number_refused"),
        ("phone number too short", "number_refused"),
        ("info query returned status 429: rate-overlimit", "too_many_codes"),
        ("info query timed out", "pairing_cut_off"),
    ],
)
def test_phone_code_that_is_not_given_has_a_reason(
    monkeypatch: pytest.MonkeyPatch, text: str, reason: str
):
    def refuse() -> str:
        raise LookupError(text)

    outcome, steps = phone_attempt(monkeypatch, refuse, ("code", b"a"))
    assert outcome == PairingFailed(reason, text)
    assert steps == []


def test_end_of_the_last_code_is_an_expiry(play: Play, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairing, "_FIRST_CODE_SECONDS", 0)
    outcome, _ = play(("code", b"qr"), ("ending", "timeout"))
    assert outcome == PairingFailed("qr_expired")


@pytest.mark.parametrize(
    ("says", "reason"),
    [
        ([("code", b"qr"), ("ending", "timeout")], "pairing_cut_off"),
        ([("ending", "timeout")], "pairing_cut_off"),
        ([("code", b"qr"), ("ending", "error")], "pairing_refused"),
        ([("code", b"qr"), ("ending", "err-scanned-without-multidevice")], "pairing_refused"),
        ([("ending", "err-client-outdated")], "client_outdated"),
        ([("ending", "success"), ("status", status("ERROR", "bad hmac"))], "pairing_refused"),
        ([("failure", "failed to dial whatsapp web websocket")], "network_unreachable"),
        ([("failure", "failed to upgrade database: disk is full")], "key_store_unwritable"),
    ],
)
def test_failure_has_a_reason(play: Play, says: Says, reason: str):
    outcome, _ = play(*says)
    assert isinstance(outcome, PairingFailed)
    assert outcome.reason == reason


def test_engine_that_never_shows_a_code_is_given_up(play: Play, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(pairing, "_FIRST_CODE_WAIT", 0.05)
    outcome, _ = play()
    assert outcome == PairingFailed("network_unreachable", "no code came")


def test_engine_that_falls_silent_after_a_code_is_given_up(
    play: Play, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(pairing, "_FIRST_CODE_SECONDS", 0)
    monkeypatch.setattr(pairing, "_GRACE_SECONDS", 0.05)
    outcome, _ = play(("code", b"qr"))
    assert isinstance(outcome, PairingFailed)
    assert outcome.reason == "qr_expired"


def test_step_that_raises_ends_the_attempt(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(
        pairing._Attempt, "_connect", lambda attempt: attempt._said.put((attempt._on_code, b"qr"))
    )

    def cancelled(step: QrCode) -> None:
        raise InterruptedError

    with pytest.raises(InterruptedError):
        pairing._Attempt(PairingRequest("keys.db"), cancelled).run()


def test_steps_come_on_the_calling_thread(monkeypatch: pytest.MonkeyPatch):
    threads: list[threading.Thread] = []

    def connect(attempt: Any) -> None:
        attempt._said.put((attempt._on_code, b"qr"))
        attempt._said.put((attempt._on_ending, "error"))

    monkeypatch.setattr(pairing._Attempt, "_connect", connect)
    request = PairingRequest("keys.db")
    pairing._Attempt(request, lambda _: threads.append(threading.current_thread())).run()
    assert threads == [threading.current_thread()]
