"""The forms of a chat for a place, contact cards and a poll."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.extensions import db
from app.models import Chat, Contact, Instance, LinkedAccount, Message, WhatsAppContact
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words

POINT = {"latitude": "55.7558", "longitude": "37.6173"}
POLL = {"question": "Когда?", "options-0": "Сегодня", "options-1": "Завтра"}
IVAN = {"typed-0-name": "Иван", "typed-0-phone": "8 916 123-45-67"}


@pytest.fixture
def maria(app: Flask, account: LinkedAccount) -> Chat:
    """A chat with Maria."""
    with app.app_context():
        return factories.chat(account, name="Мария")


@pytest.fixture
def anna(app: Flask, shop: Instance, account: LinkedAccount) -> Contact:
    """A contact that is kept for the shop."""
    with app.app_context():
        return factories.contact(shop, name="Анна", phone="79161112233")


@pytest.fixture
def boris(app: Flask, account: LinkedAccount) -> WhatsAppContact:
    """Somebody whom the shop's WhatsApp knows."""
    with app.app_context():
        return factories.whatsapp_contact(account, book_name="Борис", phone="79164445566")


def path_of(chat: Chat, what: str = "") -> str:
    return f"/ui/instances/{chat.instance_id}/chat/{chat.id}{what and f'/{what}'}"


def sent(app: Flask) -> list[Any]:
    """What the queued messages say."""
    with app.app_context():
        query = select(Message).where(Message.direction == "out").order_by(Message.id)
        return [message.details for message in db.session.scalars(query)]


def refused(answer: TestResponse, field: str) -> str:
    """The sentence beside a field, which the cursor and screen readers are led to."""
    assert answer.status_code == 422
    control = only(answer, f"#{field}")
    assert control["aria-invalid"] == "true"
    return words(answer, f"#{control['aria-describedby']}")


def chosen(answer: TestResponse) -> list[str]:
    return [str(one["value"]) for one in soup(answer).select("[name=contact][checked]")]


def names(answer: TestResponse) -> list[str]:
    """Whom the form offers."""
    return [one.get_text() for one in soup(answer).select("#cards-found label span[dir]")]


@pytest.mark.parametrize("what", ["location", "cards", "poll"])
def test_the_menu_of_a_chat_leads_to_a_form_which_is_a_page_and_a_dialog(
    bobs: Browser, maria: Chat, what: str
) -> None:
    link = only(bobs.get(path_of(maria)), f"#new-{what}")
    assert link["href"] == link["hx-get"] == path_of(maria, what)
    page, dialog = bobs.get(path_of(maria, what)), bobs.fragment(path_of(maria, what))
    assert not only(page, "main form.stack").has_attr("hx-post")
    assert only(dialog, "form")["hx-post"] == path_of(maria, what)
    assert only(dialog, "[data-close]")["href"] == path_of(maria)
    assert "<html" not in dialog.text


@pytest.mark.parametrize("what", ["location", "cards", "poll", "cards/found"])
def test_the_forms_of_somebody_elses_chat_are_not_there(
    charlies: Browser, maria: Chat, what: str
) -> None:
    assert charlies.get(path_of(maria, what)).status_code == 404
    if what != "cards/found":
        values = {"location": POINT, "cards": IVAN, "poll": POLL}[what]
        assert charlies.act(path_of(maria, what), values).status_code == 404


@pytest.mark.parametrize("what", ["location", "cards", "poll"])
def test_a_chat_of_another_instance_is_not_in_this_one(
    app: Flask, bobs: Browser, maria: Chat, bob: Any, what: str
) -> None:
    with app.app_context():
        other = factories.chat(factories.linked_account(factories.instance(bob)))
    path = path_of(maria, what).replace(maria.id, other.id)
    values = {"location": POINT, "cards": IVAN, "poll": POLL}[what]
    assert bobs.act(path, values).status_code == 404
    assert sent(app) == []


def test_a_place_is_queued_and_its_bubble_comes_where_the_news_do(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    values = POINT | {"name": " Цветы ", "address": "Садовая, 1"}
    answer = bobs.act(path_of(maria, "location"), values)
    assert answer.status_code == 200
    told = {name: answer.headers[name] for name in ("HX-Retarget", "HX-Reswap")}
    assert told == {"HX-Retarget": "#news", "HX-Reswap": "outerHTML"}
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, said"
    assert "55.755800, 37.617300" in words(answer, ".bubble-out")
    place = {"latitude": 55.7558, "longitude": 37.6173, "name": "Цветы", "address": "Садовая, 1"}
    assert sent(app) == [{"location": place}]


def test_without_scripts_sending_leads_back_to_the_chat(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    answer = bobs.post(path_of(maria, "location"), POINT)
    assert (answer.status_code, answer.location) == (303, path_of(maria))
    assert only(bobs.get(path_of(maria)), ".bubble-out .details")


@pytest.mark.parametrize(
    "typed",
    [
        {"latitude": "55.7558, 37.6173", "longitude": ""},
        {"latitude": "", "longitude": "55,7558; 37,6173"},
        {"latitude": "55,7558", "longitude": "37,6173"},
    ],
)
def test_coordinates_are_taken_as_they_are_pasted(
    app: Flask, bobs: Browser, maria: Chat, typed: dict[str, str]
) -> None:
    bobs.act(path_of(maria, "location"), typed)
    assert [one["location"]["latitude"] for one in sent(app)] == [55.7558]
    assert [one["location"]["longitude"] for one in sent(app)] == [37.6173]


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"latitude": "север"}, "latitude", "Напишите широту в градусах, например 55.7558."),
        ({"longitude": ""}, "longitude", "Напишите долготу в градусах, например 37.6173."),
        ({"latitude": "91"}, "latitude", "Широта бывает от -90 до 90 градусов"),
        ({"longitude": "181"}, "longitude", "долгота от -180 до 180."),
        ({"name": "я" * 501}, "name", "500"),
        ({"address": "я" * 501}, "address", "500"),
    ],
)
def test_what_is_wrong_with_a_place_stands_beside_the_field(
    app: Flask, bobs: Browser, maria: Chat, wrong: dict[str, str], field: str, sentence: str
) -> None:
    typed = POINT | {"name": "Цветы", "address": "Садовая, 1"} | wrong
    answer = bobs.act(path_of(maria, "location"), typed)
    assert sentence in refused(answer, f"place-{field}")
    assert only(answer, "[autofocus]")["id"] == f"place-{field}"
    assert filled_form(answer, "form").items() >= typed.items()
    assert sent(app) == []


def test_two_wrong_coordinates_are_told_at_once(bobs: Browser, maria: Chat) -> None:
    answer = bobs.act(path_of(maria, "location"), {"latitude": "", "longitude": "x"})
    assert len(soup(answer).select(".wrong")) == 2


def test_an_error_without_scripts_comes_back_as_the_page(bobs: Browser, maria: Chat) -> None:
    answer = bobs.post(path_of(maria, "location"), POINT | {"latitude": "91"})
    assert "от -90 до 90" in refused(answer, "place-latitude")
    assert only(answer, "main h2")


def test_the_browser_may_tell_these_pages_alone_where_it_is(bobs: Browser, maria: Chat) -> None:
    policy = bobs.get(path_of(maria)).headers["Permissions-Policy"]
    assert "geolocation=(self)" in policy and "camera=()" in policy


@pytest.mark.parametrize("what", ["location", "cards", "poll"])
def test_a_form_that_is_sent_twice_is_one_message(
    app: Flask, bobs: Browser, maria: Chat, what: str
) -> None:
    form = filled_form(bobs.fragment(path_of(maria, what)), "form")
    form |= {"location": POINT, "cards": IVAN, "poll": POLL}[what]
    assert [bobs.act(path_of(maria, what), form).status_code for _ in range(2)] == [200, 200]
    assert len(sent(app)) == 1


def test_each_form_is_a_message_of_its_own(app: Flask, bobs: Browser, maria: Chat) -> None:
    for _ in range(2):
        form = filled_form(bobs.fragment(path_of(maria, "poll")), "form")
        bobs.act(path_of(maria, "poll"), form | POLL)
    assert len(sent(app)) == 2


def test_an_old_form_with_something_else_in_it_asks_before_it_sends_once_more(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    form = filled_form(bobs.fragment(path_of(maria, "poll")), "form")
    bobs.act(path_of(maria, "poll"), form | POLL)
    changed = form | POLL | {"question": "Где?"}
    answer = bobs.act(path_of(maria, "poll"), changed)
    assert answer.status_code == 409
    assert "Это уже отправлено." in words(answer, "[role=alert]")
    bobs.act(path_of(maria, "poll"), filled_form(answer, "form"))
    assert [one["poll"]["question"] for one in sent(app)] == ["Когда?", "Где?"]


def test_a_key_that_no_page_made_is_refused(app: Flask, bobs: Browser, maria: Chat) -> None:
    answer = bobs.act(path_of(maria, "poll"), POLL | {"key": "mine"})
    assert answer.status_code == 422
    assert "загрузите" in words(answer, "[role=alert]").lower()
    assert sent(app) == []


def test_an_answer_that_was_begun_goes_along(app: Flask, bobs: Browser, maria: Chat) -> None:
    with app.app_context():
        asked = factories.message(maria, body="Где вы?")
    link = only(bobs.get(path_of(maria), query_string={"reply": asked.id}), "#new-location")
    form = filled_form(bobs.get(str(link["href"])), "main form.stack")
    assert form["reply_to"] == asked.id
    bobs.post(path_of(maria, "location"), form | POINT)
    with app.app_context():
        answer = db.session.scalars(select(Message).where(Message.direction == "out")).one()
        assert answer.quote and answer.quote.original_id == asked.id


def test_a_chat_of_a_number_that_is_linked_no_more_says_so(
    app: Flask, bobs: Browser, shop: Instance, maria: Chat
) -> None:
    with app.app_context():
        factories.linked_account(shop)
    answer = bobs.act(path_of(maria, "poll"), POLL)
    assert answer.status_code == 409
    assert "больше не подключён" in words(answer, "[role=alert]")
    assert filled_form(answer, "form").items() >= POLL.items()


@pytest.mark.parametrize(("several", "choices"), [({}, 1), ({"several": "y"}, 0)])
def test_a_poll_is_queued_without_its_empty_fields(
    app: Flask, bobs: Browser, maria: Chat, several: dict[str, str], choices: int
) -> None:
    form = filled_form(bobs.fragment(path_of(maria, "poll")), "form")
    typed = {"question": " Когда? ", "options-0": "Сегодня", "options-5": " Завтра ", **several}
    answer = bobs.act(path_of(maria, "poll"), form | typed)
    assert "Когда?" in words(answer, ".bubble-out")
    poll = {"question": "Когда?", "options": ["Сегодня", "Завтра"], "choices": choices}
    assert sent(app) == [{"poll": poll}]


def test_a_poll_has_twelve_fields_of_which_scripts_show_two(bobs: Browser, maria: Chat) -> None:
    page = soup(bobs.get(path_of(maria, "poll")))
    assert len(page.select("[data-grown]:not([hidden]) input")) == 12
    dialog = soup(bobs.fragment(path_of(maria, "poll")))
    assert len(dialog.select("[data-grown]")) == 12
    assert len(dialog.select("[data-grown]:not([hidden])")) == 2


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"question": " "}, "poll-question", "255"),
        ({"question": "я" * 256}, "poll-question", "255"),
        ({"options-1": ""}, "options-1", "от 2 до 12"),
        ({"options-0": "", "options-1": ""}, "options-0", "от 2 до 12"),
        ({"options-0": "я" * 101}, "options-0", "100"),
        ({"options-2": " Сегодня"}, "options-2", "одинаков"),
    ],
)
def test_what_is_wrong_with_a_poll_stands_beside_the_field(
    app: Flask, bobs: Browser, maria: Chat, wrong: dict[str, str], field: str, sentence: str
) -> None:
    typed = POLL | {"several": "y"} | wrong
    answer = bobs.act(path_of(maria, "poll"), typed)
    assert sentence in refused(answer, field)
    assert only(answer, "[autofocus]")["id"] == field
    kept = filled_form(answer, "form")
    assert kept.pop("several") == ["y"]
    assert kept.items() >= (typed.items() - {("several", "y")})
    assert sent(app) == []


def test_a_poll_with_more_answers_than_there_are_fields_is_refused(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    typed = {"question": "Когда?"} | {f"options-{n}": f"в {n}:00" for n in range(13)}
    answer = bobs.act(path_of(maria, "poll"), typed)
    assert "от 2 до 12" in refused(answer, "options-12")
    assert sent(app) == []


def test_a_poll_that_comes_back_shows_what_was_typed_and_a_field_more(
    bobs: Browser, maria: Chat
) -> None:
    typed = {"question": "", "options-0": "а", "options-1": "б", "options-2": "в"}
    answer = bobs.act(path_of(maria, "poll"), typed)
    assert len(soup(answer).select("[data-grown]:not([hidden])")) == 4


def test_contacts_with_a_number_are_offered_each_once(
    app: Flask, bobs: Browser, maria: Chat, anna: Contact, boris: WhatsAppContact
) -> None:
    with app.app_context():
        account = db.session.get_one(LinkedAccount, maria.account_id)
        factories.whatsapp_contact(account, book_name="Аня", phone=anna.phone)
        factories.whatsapp_contact(account, book_name="Без номера", phone=None, lid="8000123")
        nameless = factories.whatsapp_contact(account, phone="79167778899")
    dialog = bobs.fragment(path_of(maria, "cards"))
    assert names(dialog) == ["Анна", "Борис", "+7 916 777-88-99"]
    assert chosen(dialog) == []
    assert words(dialog, f"label[for=card-{nameless.id}]") == "+7 916 777-88-99"  # once
    assert only(dialog, "#cards-search")["hx-get"] == path_of(maria, "cards/found")


def test_a_search_finds_twenty_people_of_this_account_alone(
    app: Flask, bobs: Browser, maria: Chat, bob: Any
) -> None:
    with app.app_context():
        account = db.session.get_one(LinkedAccount, maria.account_id)
        for number in range(25):
            factories.whatsapp_contact(account, book_name=f"Пётр {number:02}")
        factories.whatsapp_contact(account, book_name="Анна")
        other = factories.instance(bob)
        factories.contact(other, name="Пётр Чужой")
        factories.whatsapp_contact(factories.linked_account(other), book_name="Пётр Чужой")
    found = bobs.fragment(path_of(maria, "cards/found"), query_string={"q": "ПЕТР"})
    assert names(found) == [f"Пётр {number:02}" for number in range(20)]


def test_who_is_chosen_stays_whatever_is_searched_for_next(
    bobs: Browser, maria: Chat, anna: Contact, boris: WhatsAppContact
) -> None:
    query = {"q": "борис", "contact": anna.id}
    found = bobs.fragment(path_of(maria, "cards/found"), query_string=query)
    assert names(found) == ["Анна", "Борис"]
    assert chosen(found) == [anna.id]
    nobody = bobs.fragment(path_of(maria, "cards/found"), query_string={"q": "zzz"})
    assert "ни в имени, ни в номере" in words(nobody, "#cards-found")


def test_the_search_works_without_scripts_and_keeps_what_was_typed(
    app: Flask, bobs: Browser, maria: Chat, anna: Contact, boris: WhatsAppContact
) -> None:
    typed = {"q": "борис", "find": "1", "contact": anna.id, **IVAN}
    page = bobs.post(path_of(maria, "cards"), typed)
    assert (page.status_code, names(page), chosen(page)) == (200, ["Анна", "Борис"], [anna.id])
    assert filled_form(page, "main form.stack").items() >= IVAN.items()
    assert sent(app) == []


def test_the_list_alone_leads_to_the_page_around_it(bobs: Browser, maria: Chat) -> None:
    answer = bobs.get(path_of(maria, "cards/found"))
    assert (answer.status_code, answer.location) == (303, path_of(maria, "cards"))


def test_cards_of_chosen_and_of_typed_people_go_as_one_message(
    app: Flask, bobs: Browser, maria: Chat, anna: Contact, boris: WhatsAppContact
) -> None:
    answer = bobs.act(path_of(maria, "cards"), {"contact": [boris.id, anna.id], **IVAN})
    assert "Борис" in words(answer, ".bubble-out")
    people = [("Борис", "79164445566"), ("Анна", "79161112233"), ("Иван", "79161234567")]
    assert sent(app) == [{"contacts": [{"name": name, "phones": [one]} for name, one in people]}]


@pytest.mark.parametrize(
    ("wrong", "field", "sentence"),
    [
        ({"typed-0-name": ""}, "typed-0-name", "нужно имя"),
        ({"typed-0-phone": ""}, "typed-0-phone", "нужен номер"),
        ({"typed-0-phone": "12"}, "typed-0-phone", "Это не номер телефона"),
        ({"typed-1-phone": "+7 916 765-43-21"}, "typed-1-name", "нужно имя"),
        ({"typed-0-name": "я" * 501}, "typed-0-name", "500"),
    ],
)
def test_what_is_wrong_with_a_typed_card_stands_beside_the_field(
    app: Flask,
    bobs: Browser,
    maria: Chat,
    anna: Contact,
    wrong: dict[str, str],
    field: str,
    sentence: str,
) -> None:
    typed = IVAN | wrong
    answer = bobs.act(path_of(maria, "cards"), {"contact": anna.id, "q": "анна", **typed})
    assert sentence in refused(answer, field)
    assert only(answer, "[autofocus]")["id"] == field
    assert filled_form(answer, "form").items() >= {"q": "анна", **typed}.items()
    assert chosen(answer) == [anna.id]
    assert sent(app) == []


def test_nobody_chosen_and_too_many_chosen_are_told_beside_the_list(
    app: Flask, bobs: Browser, maria: Chat
) -> None:
    with app.app_context():
        account = db.session.get_one(LinkedAccount, maria.account_id)
        ids = [factories.whatsapp_contact(account).id for _ in range(51)]
    for contact in ([], ids):
        answer = bobs.act(path_of(maria, "cards"), {"contact": contact})
        assert answer.status_code == 422
        assert "от 1 до 50" in words(answer, "#cards-error")
        assert only(answer, "#cards-found")["aria-describedby"] == "cards-error"
        assert set(chosen(answer)) == set(contact)
    assert sent(app) == []


def test_people_of_another_account_cannot_be_sent(
    app: Flask, bobs: Browser, maria: Chat, bob: Any
) -> None:
    with app.app_context():
        other = factories.contact(factories.instance(bob), name="Чужой")
    answer = bobs.act(path_of(maria, "cards"), {"contact": other.id})
    assert answer.status_code == 422
    assert "больше нет в контактах" in words(answer, "#cards-error")
    assert "Чужой" not in answer.text
    assert sent(app) == []
