"""The page of one instance: the state panel through all its states."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from app import bell, topics
from app.clock import utcnow
from app.core.states import DesiredState, InstanceState
from app.models import Instance, Pairing, User
from app.services import activity, pairings
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words


def put(app: Flask, instance: Instance, **values: Any) -> None:
    """Sets columns of the instance as they stand in some state."""
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, instance.id)
        for name, value in values.items():
            setattr(row, name, value)


def begin_pairing(app: Flask, instance: Instance, code: str = "2@abc,def") -> Pairing:
    """A running attempt that shows `code`."""
    with app.app_context(), transaction() as session:
        pairing = pairings.start(session.get_one(Instance, instance.id))
        pairings.show_code(pairing, code, utcnow() + timedelta(seconds=20))
        session.flush()
        session.expunge(pairing)
        return pairing


def pairing_of(app: Flask, instance: Instance) -> Pairing | None:
    with app.app_context():
        return pairings.active_of(instance)


def linked(app: Flask, instance: Instance, **values: Any) -> None:
    with app.app_context():
        factories.linked_account(instance, phone="79161234567", push_name="Цветы")
    put(app, instance, **values)


def panel(browser: Browser, instance: Instance) -> str:
    return words(browser.get(f"/ui/instances/{instance.id}"), "#state")


def begin_by_code(app: Flask, instance: Instance, code: str | None = "ABCD-1234") -> None:
    """A running attempt that shows a code to be typed on the phone."""
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, instance.id)
        pairing = pairings.start_by_phone_code(row, phone="+79161234567", country="RU")
        if code:
            pairings.show_code(pairing, code, utcnow() + timedelta(seconds=160))


@pytest.mark.parametrize("scripts", [True, False])
def test_the_other_way_to_link_is_a_number_to_get_a_code_for(
    app: Flask, bobs: Browser, shop: Instance, scripts: bool
) -> None:
    begin_pairing(app, shop)
    form = only(bobs.get(f"/ui/instances/{shop.id}"), "#by-phone-code form")
    assert form["action"] == form["hx-post"]
    submit = bobs.act if scripts else bobs.post
    submit(str(form["action"]), {"phone": "8 916 123-45-67"})
    pairing = pairing_of(app, shop)
    assert pairing is not None
    assert (pairing.method, pairing.phone) == ("phone_code", "79161234567")
    assert "Код для номера +7 916 123-45-67 создаётся" in panel(bobs, shop)


def test_the_phone_code_stands_in_two_groups_with_its_number_time_and_steps(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    begin_by_code(app, shop)
    answer = bobs.get(f"/ui/instances/{shop.id}")
    groups = only(answer, "#phone-code").select("span")
    assert [one.get_text() for one in groups] == ["ABCD", "1234"]
    assert only(answer, "#phone-code")["aria-label"] == "A B C D 1 2 3 4"
    assert int(only(answer, "#state [data-seconds-left]").get_text()) in range(150, 161)
    text = words(answer, "#state")
    for said in ("+7 916 123-45-67", "Связать по номеру телефона", "Связанные устройства"):
        assert said in text
    assert not soup(answer).select("#state .qr")


@pytest.mark.parametrize(("path", "place"), [("", "main"), ("/ui/instances", "[data-row]")])
def test_the_state_says_that_a_code_is_waited_for(
    app: Flask, bobs: Browser, shop: Instance, path: str, place: str
) -> None:
    begin_by_code(app, shop)
    text = words(bobs.get(path or f"/ui/instances/{shop.id}"), place)
    assert "Ожидает ввода кода" in text
    assert "Ожидает сканирования" not in text


def test_a_linked_number_that_is_not_the_typed_one_is_told_on_the_page(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    begin_by_code(app, shop)
    with app.app_context(), transaction() as session:
        pairing = pairings.active_of(session.get_one(Instance, shop.id))
        assert pairing is not None
        pairings.finish(pairing, phone="79165550000", lid=None, device=1, push_name="")
    told = "Код был для номера +7 916 123-45-67, а подключён +7 916 555-00-00"
    assert told in panel(bobs, shop)
    put(app, shop, state=InstanceState.CONNECTED)
    assert told in panel(bobs, shop)


def test_a_session_that_crashes_its_host_can_be_logged_out(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    detail = {"times": 4}
    linked(app, shop, state="failed", reason="crashes_host", reason_detail=detail)
    answer = bobs.get(f"/ui/instances/{shop.id}")
    assert "раз: 4" in words(answer, "#state")
    assert only(answer, "#log-out")


def test_a_shown_phone_code_is_noted_as_looked_at(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    begin_by_code(app, shop)
    poll = str(only(bobs.get(f"/ui/instances/{shop.id}"), "#state")["hx-get"])
    assert "/pairing?" in poll


def test_the_way_back_to_the_qr_code(app: Flask, bobs: Browser, shop: Instance) -> None:
    begin_by_code(app, shop)
    values = filled_form(bobs.get(f"/ui/instances/{shop.id}"), "form:has(#by-qr-code)")
    bobs.act(f"/ui/instances/{shop.id}/pairing", values)
    pairing = pairing_of(app, shop)
    assert pairing is not None
    assert pairing.method == "qr"


def test_a_number_that_is_none_is_told_and_the_qr_code_stays(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    running = begin_pairing(app, shop)
    answer = bobs.act(f"/ui/instances/{shop.id}/pairing", {"phone": "никто"})
    assert answer.status_code == 422
    assert "Это не номер телефона" in words(answer, "[role=alert]")
    pairing = pairing_of(app, shop)
    assert pairing is not None
    assert pairing.id == running.id


@pytest.mark.parametrize(
    ("reason", "sentence", "hint"),
    [
        ("code_expired", "Код истёк", "получите новый код"),
        ("number_refused", "WhatsApp не даёт код для этого номера", "Проверьте номер"),
        ("too_many_codes", "WhatsApp пока не даёт новых кодов", "Подождите час"),
        ("pairing_refused", "Телефон", "Переподключить"),
        (
            "pairing_cut_off",
            "Во время подключения связь прервалась",
            "есть ли на телефоне интернет",
        ),
    ],
)
def test_every_failure_to_link_says_what_happened_and_what_to_do(
    app: Flask, bobs: Browser, shop: Instance, reason: str, sentence: str, hint: str
) -> None:
    put(app, shop, state="failed", reason=reason)
    text = panel(bobs, shop)
    assert sentence in text
    assert hint in text


def test_opening_the_page_starts_nothing_by_itself(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    bobs.get(f"/ui/instances/{shop.id}")
    bobs.fragment(f"/ui/instances/{shop.id}/state")
    bobs.fragment(f"/ui/instances/{shop.id}/pairing")
    assert pairing_of(app, shop) is None


def test_the_page_of_an_unlinked_instance_posts_a_start_once_it_is_open(
    bobs: Browser, shop: Instance
) -> None:
    form = only(bobs.get(f"/ui/instances/{shop.id}"), "#state form")
    assert form["hx-post"] == form["action"] == f"/ui/instances/{shop.id}/pairing"
    assert "load" in form["hx-trigger"]


def test_starting_answers_with_the_panel_that_waits_for_a_code(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    answer = bobs.act(f"/ui/instances/{shop.id}/pairing")
    assert "Готовится QR-код" in words(answer, "#state")
    assert "every 2s" in only(answer, "#state")["hx-trigger"]
    assert pairing_of(app, shop) is not None


def test_starting_without_scripts_comes_back_to_the_page(bobs: Browser, shop: Instance) -> None:
    answer = bobs.post(f"/ui/instances/{shop.id}/pairing")
    assert (answer.status_code, answer.location) == (303, f"/ui/instances/{shop.id}")


def test_a_code_is_shown_as_svg_with_its_countdown_and_the_three_steps(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    begin_pairing(app, shop)
    answer = bobs.get(f"/ui/instances/{shop.id}")
    assert only(answer, "#state .qr svg path")["d"]
    assert not only(answer, "#state .qr svg").find_all(style=True)
    assert 15 <= int(only(answer, "[data-seconds-left]").text) <= 20
    steps = [item.text for item in soup(answer).select("#state ol li")]
    assert steps == [
        "Откройте WhatsApp на вашем телефоне",
        "Перейдите в Настройки > WhatsApp Web/Desktop",
        "Отсканируйте QR-код, отображаемый на экране",
    ]


def test_a_new_code_is_a_new_picture(app: Flask, bobs: Browser, shop: Instance) -> None:
    begin_pairing(app, shop)
    first = only(bobs.get(f"/ui/instances/{shop.id}"), ".qr svg path")["d"]
    with app.app_context(), transaction():
        pairing = pairings.active_of(shop)
        assert pairing is not None
        pairings.show_code(pairing, "2@another", utcnow() + timedelta(seconds=20))
    assert only(bobs.get(f"/ui/instances/{shop.id}"), ".qr svg path")["d"] != first


def test_polling_a_code_is_cheap_and_keeps_its_attempt_alive(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    begin_pairing(app, shop)
    put_asked_at(app, shop, utcnow() - timedelta(seconds=20))
    poll = str(only(bobs.get(f"/ui/instances/{shop.id}"), "#state")["hx-get"])
    assert "/pairing?" in poll
    assert [bobs.fragment(poll).status_code for _ in range(3)] == [204, 204, 204]
    pairing = pairing_of(app, shop)
    assert pairing is not None
    assert utcnow() - pairing.asked_at < timedelta(seconds=5)


def put_asked_at(app: Flask, instance: Instance, at: Any) -> None:
    with app.app_context(), transaction():
        pairing = pairings.active_of(instance)
        assert pairing is not None
        pairing.asked_at = at


def test_a_poll_brings_the_next_state_as_soon_as_it_stands(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    pairing = begin_pairing(app, shop)
    poll = str(only(bobs.get(f"/ui/instances/{shop.id}"), "#state")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    with app.app_context(), transaction() as session:
        row = session.get_one(Pairing, pairing.id)
        pairings.finish(row, phone="79161234567", lid=None, device=3, push_name="Цветы")
    answer = bobs.fragment(poll)
    assert "Подключается" in words(answer, "#state")
    assert answer.headers["Vary"].startswith("HX-Request")


def test_a_connected_instance_shows_number_name_and_both_buttons(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    linked(app, shop, state=InstanceState.CONNECTED)
    text = panel(bobs, shop)
    for part in ("Подключено", "+7 916 123-45-67", "Цветы", "Переподключить", "Выйти"):
        assert part in text


@pytest.mark.parametrize(
    ("state", "reason", "detail", "expected"),
    [
        ("failed", "qr_expired", {}, "QR-код истёк"),
        ("failed", "stream_replaced", {}, "Сеанс открыт в другом месте"),
        ("failed", "temporary_ban", {"until": "2026-12-01T10:00:00+00:00"}, "до 01.12.2026"),
        ("failed", "client_outdated", {}, "WhatsApp больше не принимает эту версию"),
        ("failed", "same_number_elsewhere", {"instance": "Склад"}, "в инстансе «Склад»"),
        ("logged_out", "phone_logged_out", {}, "Отключено на телефоне"),
        ("failed", "refused_by_whatsapp", {}, "(код …)"),
        ("failed", None, {}, "Не работает"),
    ],
)
def test_a_problem_is_said_in_words_with_a_way_out(
    app: Flask,
    bobs: Browser,
    shop: Instance,
    state: str,
    reason: str | None,
    detail: dict[str, str],
    expected: str,
) -> None:
    linked(app, shop, state=state, reason=reason, reason_detail=detail)
    text = panel(bobs, shop)
    assert expected in text
    assert "Переподключить" in text


def test_a_lost_connection_shows_the_reason_the_countdown_and_a_try_now(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    at = utcnow() + timedelta(seconds=40)
    linked(app, shop, state="disconnected", reason="network_unreachable", retry_at=at)
    text = panel(bobs, shop)
    assert "Сервер WhatsApp недоступен" in text
    assert re.search(r"Следующая попытка через (40|39|38) с", text)
    assert "Повторить сейчас" in text
    assert bobs.act(f"/ui/instances/{shop.id}/retry").status_code == 200


def test_reconnecting_an_expired_code_brings_a_new_attempt(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    put(app, shop, state="failed", reason="qr_expired")
    answer = bobs.act(f"/ui/instances/{shop.id}/reconnect")
    assert "Готовится QR-код" in words(answer, "#state")
    assert pairing_of(app, shop) is not None


def test_logging_out_asks_first(app: Flask, bobs: Browser, shop: Instance) -> None:
    linked(app, shop, state=InstanceState.CONNECTED)
    page = bobs.get(f"/ui/instances/{shop.id}/log-out")
    assert "понадобится отсканировать QR-код" in words(page)
    answer = bobs.post(f"/ui/instances/{shop.id}/log-out")
    assert answer.location == f"/ui/instances/{shop.id}"


def test_logging_out_of_what_is_not_linked_is_an_alert_where_the_person_acted(
    bobs: Browser, shop: Instance
) -> None:
    answer = bobs.act(f"/ui/instances/{shop.id}/log-out")
    assert answer.status_code == 409
    assert answer.headers["HX-Retarget"] == "#alerts"
    assert words(answer, "[role=alert]") == "К этому инстансу не подключён телефон."


def test_the_page_shows_name_description_and_webhook(app: Flask, bobs: Browser, bob: User) -> None:
    with app.app_context():
        instance = factories.instance(bob, name="Market", description="By the river")
        factories.endpoint(instance, url="https://example.com/hook")
    text = words(bobs.get(f"/ui/instances/{instance.id}"))
    for part in ("Market", "By the river", "https://example.com/hook"):
        assert part in text


def test_the_journal_speaks_in_words(app: Flask, bobs: Browser, shop: Instance) -> None:
    with app.app_context(), transaction() as session:
        row = session.get_one(Instance, shop.id)
        activity.record("instance:phone:linked", instance=row, phone="79161234567", device=3)
        activity.record(
            "instance:state:changed", instance=row, to="logged_out", reason="phone_logged_out"
        )
        activity.record("something:nobody:named", instance=row)
    text = words(bobs.get(f"/ui/instances/{shop.id}"), "#recent")
    assert "Подключён телефон +7 916 123-45-67" in text
    assert "Отключено на телефоне" in text


def test_a_state_fragment_opened_as_a_page_leads_to_the_page(bobs: Browser, shop: Instance) -> None:
    answer = bobs.get(f"/ui/instances/{shop.id}/state")
    assert (answer.status_code, answer.location) == (303, f"/ui/instances/{shop.id}")


def test_an_instance_that_is_logging_out_says_so_and_offers_nothing_else(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    linked(app, shop, state=InstanceState.CONNECTED, desired=DesiredState.SIGNED_OUT)
    answer = bobs.get(f"/ui/instances/{shop.id}")
    assert "Выходим…" in words(answer, "#state")
    assert "every 2s" in only(answer, "#state")["hx-trigger"]
    assert not soup(answer).select("#state button")


def test_somebody_who_does_not_know_the_risks_is_told_once_before_the_first_link(
    app: Flask, shop: Instance, bob: User, anybody: Browser
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(User, bob.id).risks_understood_at = None
    browser = anybody.sign_in(bob)
    page = browser.get(f"/ui/instances/{shop.id}")
    assert "неофициальный клиент" in words(page, "#state")
    assert not soup(page).select("#state [hx-trigger*=load]")
    path = f"/ui/instances/{shop.id}/pairing"
    assert "неофициальный клиент" in words(browser.act(path), "#state")
    assert pairing_of(app, shop) is None
    values = filled_form(page, "#state form")
    assert "Готовится QR-код" in words(browser.act(path, values), "#state")
    with app.app_context():
        other = factories.instance(bob, name="Other")
    assert "неофициальный клиент" not in words(browser.get(f"/ui/instances/{other.id}"), "#state")


def test_reconnecting_to_link_a_phone_asks_the_same(
    app: Flask, shop: Instance, bob: User, bobs: Browser
) -> None:
    put(app, shop, state="failed", reason="qr_expired")
    with app.app_context(), transaction() as session:
        session.get_one(User, bob.id).risks_understood_at = None
    answer = bobs.act(f"/ui/instances/{shop.id}/reconnect")
    assert "неофициальный клиент" in words(answer, "#state")
    assert pairing_of(app, shop) is None


def test_the_information_follows_the_state(app: Flask, bobs: Browser, shop: Instance) -> None:
    about = str(only(bobs.get(f"/ui/instances/{shop.id}"), "#about")["hx-get"])
    assert bobs.fragment(about).status_code == 204
    linked(app, shop, state=InstanceState.CONNECTED)
    with app.app_context(), transaction():
        bell.changed(topics.instance(shop.id))
    assert "№ 1" in words(bobs.fragment(about), "#about")


@pytest.mark.parametrize("state", ["connected", "disconnected", "stopped", "logged_out", "failed"])
def test_the_number_stands_once_beside_its_state(
    app: Flask, bobs: Browser, shop: Instance, state: str
) -> None:
    linked(app, shop, state=InstanceState(state))
    page = bobs.get(f"/ui/instances/{shop.id}")
    for part in ("+7 916 123-45-67", "Цветы"):
        assert part in words(page, "#state")
        assert part not in words(page, "#about")


def test_the_information_leads_to_what_waits_in_the_queue(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        chat = factories.chat(factories.linked_account(shop))
        factories.message(chat, direction="out", status="queued")
    link = only(bobs.get(f"/ui/instances/{shop.id}"), "#to-queue")
    assert link["href"] == f"/ui/instances/{shop.id}/queue"
