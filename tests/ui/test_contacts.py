"""The contacts' page: two sources, a search, adding, changing and deleting."""

from __future__ import annotations

import pytest
from flask import Flask

from app.core.states import InstanceState
from app.extensions import db
from app.jobs import imports
from app.models import Contact, Instance, LinkedAccount, NumberCheck
from app.services import contact_imports, number_checks
from app.transaction import transaction
from tests import factories
from tests.queries import selects
from tests.ui.browser import Browser, filled_form, only, soup, words

MARIA = "79161234567"


@pytest.fixture
def path(shop: Instance) -> str:
    """The address of the shop's contacts."""
    return f"/ui/instances/{shop.id}/contacts"


@pytest.fixture
def account(app: Flask, shop: Instance) -> LinkedAccount:
    """The phone that is linked to the shop."""
    with app.app_context():
        return factories.linked_account(shop)


@pytest.fixture
def maria(app: Flask, shop: Instance) -> Contact:
    """A contact of the shop's database."""
    with app.app_context():
        return factories.contact(shop, phone=MARIA, name="Мария")


def kept(app: Flask) -> list[tuple[str | None, str]]:
    with app.app_context():
        return [(one.phone, one.name) for one in db.session.query(Contact).order_by(Contact.id)]


def test_the_page_is_reached_from_the_list_the_details_and_the_tabs(
    bobs: Browser, shop: Instance, path: str
) -> None:
    assert only(bobs.get("/ui/instances"), f"#contacts-{shop.id}")["href"] == path
    assert only(bobs.get(f"/ui/instances/{shop.id}"), "#to-contacts")["href"] == path
    tabs = only(bobs.get(path), ".instance-top nav")
    assert [tab.text for tab in tabs.select("a")][1:4] == ["Чат", "Контакты", "Вебхуки"]
    assert tabs.select_one("[aria-current]").text == "Контакты"  # type: ignore[union-attr]


def test_empty_sources_say_what_to_do_next(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    assert "Сначала подключите телефон" in words(bobs.get(path), "#contacts")
    database = words(bobs.get(f"{path}?source=database"), "#contacts")
    assert "В базе данных ещё нет контактов" in database
    with app.app_context():
        factories.linked_account(shop)
    assert "WhatsApp ещё не назвал" in words(bobs.get(path), "#contacts")


def test_each_source_is_a_tab_with_its_number_of_contacts(
    app: Flask, bobs: Browser, account: LinkedAccount, maria: Contact, path: str
) -> None:
    with app.app_context():
        for name in ("Анна", "Борис"):
            factories.whatsapp_contact(account, book_name=name)
    answer = bobs.get(path)
    tabs = only(answer, ".contacts-head nav")
    assert [" ".join(tab.text.split()) for tab in tabs.select("a")] == [
        "WhatsApp 2",
        "База данных 1",
    ]
    assert "Анна" in words(answer, "#contacts")
    assert "Мария" not in words(answer, "#contacts")


def test_a_row_shows_name_number_mark_last_message_and_the_way_to_the_chat(
    app: Flask, bobs: Browser, account: LinkedAccount, path: str
) -> None:
    with app.app_context():
        chat = factories.chat(account, phone=MARIA, last_text="Hello")
        person = factories.whatsapp_contact(
            account, phone=MARIA, book_name="Мария Цветы", business_name="Flowers"
        )
    answer = bobs.get(path)
    line = words(answer, f"#contact-{person.id}")
    for part in ("МЦ", "Мария Цветы", "+7 916 123-45-67", "Бизнес", "только что"):
        assert part in line
    assert str(only(answer, f"#chat-{person.id}")["href"]).endswith(f"/chat/{chat.id}")


def test_a_chat_that_is_not_there_yet_is_opened_by_a_button(
    app: Flask, bobs: Browser, account: LinkedAccount, path: str
) -> None:
    with app.app_context():
        person = factories.whatsapp_contact(account, phone=None, lid="80001", push_name="Masha")
    answer = bobs.get(path)
    assert "скрыт в WhatsApp" in words(answer, f"#contact-{person.id}")
    form = f"#contact-{person.id} form"
    location = bobs.post(str(only(answer, form)["action"]), filled_form(answer, form)).location
    assert "Masha" in words(bobs.get(location), ".conversation-name")


def test_the_search_answers_with_the_list_and_becomes_the_address(
    bobs: Browser, maria: Contact, path: str
) -> None:
    answer = bobs.fragment(f"{path}/list?source=database&q=МАР&sort=name")
    assert [row["id"] for row in soup(answer).select("[data-row]")] == [f"contact-{maria.id}"]
    address = answer.headers["HX-Replace-Url"]
    assert "source=database" in address and "sort=" not in address
    nothing = bobs.fragment(f"{path}/list?source=database&q=zzz")
    assert "Ни у одного контакта" in words(nothing, "#contacts")
    assert filled_form(bobs.get(address), "#filter") == {
        "source": "database",
        "q": "МАР",
        "sort": "name",
    }


def test_a_poll_is_204_until_a_contact_changes(
    bobs: Browser, shop: Instance, maria: Contact, path: str
) -> None:
    poll = str(only(bobs.get(f"{path}?source=database"), "#contacts")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    bobs.post(path, {"phone": "8 926 000-00-00", "name": "Олег"})
    assert "Олег" in words(bobs.fragment(poll), "#contacts")


def test_pages_go_on_behind_the_last_contact(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    with app.app_context():
        for number in range(31):
            factories.contact(shop, name=f"Person {number:02}")
    first = bobs.get(f"{path}?source=database")
    assert len(soup(first).select("[data-row]")) == 30
    second = bobs.get(str(only(first, "#page-next")["href"]))
    assert [tag.text for tag in soup(second).select("[data-row] [id^=name-]")] == ["Person 30"]
    assert only(second, "#page-back")["href"] == f"{path}?source=database"


def test_a_contact_is_added_by_number_alone(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    section = words(bobs.get(path), "#add")
    for label in ("Добавить новый контакт", "Номер телефона", "Имя", "Добавить контакт"):
        assert label in section
    answer = bobs.post(path, {"phone": "8 (916) 123-45-67", "name": ""})
    assert answer.location == f"{path}?source=database"
    assert "Контакт в базе данных: +7 916 123-45-67" in words(bobs.get(answer.location), "#alerts")
    assert kept(app) == [(MARIA, "")]


def test_a_wrong_number_is_told_beside_the_field_and_nothing_typed_is_lost(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    answer = bobs.post(path, {"phone": "позвони мне", "name": "Мария"})
    assert answer.status_code == 422
    assert "Это не номер телефона" in words(answer, "#phone-error")
    assert only(answer, "#phone").has_attr("autofocus")
    assert filled_form(answer, "#add form")["name"] == "Мария"
    assert kept(app) == []


def test_a_number_that_is_there_is_offered_for_update(
    app: Flask, bobs: Browser, maria: Contact, path: str
) -> None:
    answer = bobs.post(path, {"phone": "+79161234567", "name": "Маша"})
    assert answer.status_code == 409
    assert "Контакт с этим номером уже есть: Мария" in words(answer, "#existing")
    assert kept(app) == [(MARIA, "Мария")]
    typed = filled_form(answer, "#add form")
    assert bobs.post(path, typed | {"update": "1"}).status_code == 303
    assert kept(app) == [(MARIA, "Маша")]


def test_a_contact_is_changed_in_the_dialog(
    app: Flask, bobs: Browser, maria: Contact, path: str
) -> None:
    question = bobs.fragment(f"{path}/{maria.id}/edit")
    typed = filled_form(question, "#edit-contact")
    assert (typed["phone"], typed["name"]) == ("+7 916 123-45-67", "Мария")
    wrong = bobs.act(f"{path}/{maria.id}/edit", typed | {"phone": "abc"})
    assert "Это не номер телефона" in words(wrong, "form")
    answer = bobs.act(f"{path}/{maria.id}/edit", typed | {"name": "Маша"})
    assert answer.headers["HX-Trigger-After-Swap"] == "answered, contacts-changed"
    assert kept(app) == [(MARIA, "Маша")]


def test_tags_and_a_note_are_written_in_the_dialog_and_shown_in_the_list(
    app: Flask, bobs: Browser, maria: Contact, path: str
) -> None:
    typed = filled_form(bobs.fragment(f"{path}/{maria.id}/edit"), "#edit-contact")
    bobs.act(f"{path}/{maria.id}/edit", typed | {"tags": "VIP, опт", "note": "Любит тюльпаны"})
    shown = bobs.get(f"{path}?source=database&q=опт")
    assert "Мария VIP опт Любит тюльпаны" in words(shown, f"#contact-{maria.id}")
    typed = filled_form(bobs.fragment(f"{path}/{maria.id}/edit"), "#edit-contact")
    assert (typed["tags"], typed["note"]) == ("VIP, опт", "Любит тюльпаны")


def test_deleting_asks_and_works_without_scripts(
    app: Flask, bobs: Browser, maria: Contact, path: str
) -> None:
    asked = words(bobs.get(f"{path}/{maria.id}/delete"), "#delete-contact")
    assert "Удалить контакт «Мария»?" in asked
    answer = bobs.post(f"{path}/{maria.id}/delete")
    assert answer.location == f"{path}?source=database"
    assert "Контакт «Мария» удалён" in words(bobs.get(answer.location), "#alerts")
    assert kept(app) == []


def test_a_name_is_text_and_never_markup(
    app: Flask, bobs: Browser, shop: Instance, path: str
) -> None:
    name = '<img src=x onerror="alert(1)">'
    with app.app_context():
        factories.contact(shop, name=name)
    answer = bobs.get(f"{path}?source=database")
    assert not soup(answer).select("#contacts img")
    assert name in words(answer, "#contacts")


def test_the_page_takes_the_same_queries_for_one_contact_and_for_fifty(
    app: Flask, bobs: Browser, account: LinkedAccount, path: str
) -> None:
    counts = []
    for _ in range(2):
        with app.app_context():
            for _ in range(25):
                person = factories.whatsapp_contact(account)
                factories.chat(account, phone=person.phone, lid=None)
        with app.app_context(), selects() as asked:
            assert bobs.get(path).status_code == 200
        counts.append(len(asked))
    assert counts[0] == counts[1]
    assert counts[0] <= 14


def import_once(app: Flask, shop: Instance, batches: int = 99) -> None:
    """What the worker would do."""
    with app.app_context():
        job = contact_imports.latest(shop)
        assert job is not None
        while batches and imports.copy_batch(job.id):
            batches -= 1


def test_the_import_shows_how_far_it_is_and_what_came_of_it(
    app: Flask,
    bobs: Browser,
    shop: Instance,
    account: LinkedAccount,
    path: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(contact_imports, "BATCH", 2)
    with app.app_context():
        for name in ("Анна", "Борис", "Вера"):
            factories.whatsapp_contact(account, book_name=name)
    assert "Импортировать контакты" in words(bobs.get(path), "#import")
    started = bobs.act(f"{path}/import")
    assert "Импортируем контакты" in words(started, "#import")
    assert only(started, "#import")["hx-trigger"].startswith("every 2s")
    poll = str(only(started, "#import")["hx-get"])
    assert bobs.fragment(poll).status_code == 204
    import_once(app, shop, batches=1)
    half = bobs.fragment(poll)
    assert (only(half, "progress")["value"], only(half, "progress")["max"]) == ("2", "3")
    import_once(app, shop)
    done = bobs.fragment(str(only(half, "#import")["hx-get"]))
    assert "Импорт завершён. Импортировано контактов: 3" in words(done, "#import-outcome")
    assert "Новых: 3, с изменениями: 0, без изменений: 0" in words(done, "#import-outcome")
    assert done.headers["HX-Trigger-After-Swap"] == "contacts-changed"
    assert sorted(name for _, name in kept(app)) == ["", "", ""]
    assert "Анна" in words(bobs.get(f"{path}?source=database"), "#contacts")


def test_a_list_that_changed_brings_the_numbers_of_the_tabs_along(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount, path: str
) -> None:
    poll = str(only(bobs.get(path), "#contacts")["hx-get"])
    with app.app_context():
        factories.whatsapp_contact(account, book_name="Анна")
    bobs.act(f"{path}/import")
    import_once(app, shop)
    tabs = only(bobs.fragment(poll), "#contact-sources")
    assert tabs["hx-swap-oob"] == "true"
    assert " ".join(tabs.get_text(" ").split()) == "WhatsApp 1 База данных 1"


def test_a_cancelled_import_says_how_to_go_on(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount, path: str
) -> None:
    bobs.post(f"{path}/import")
    answer = bobs.act(f"{path}/import/cancel")
    assert "Импорт отменён" in words(answer, "#import-outcome")
    assert bobs.post(f"{path}/import/cancel").location == path


def test_an_import_that_waits_for_the_session_says_what_it_does(
    app: Flask, bobs: Browser, shop: Instance, account: LinkedAccount, path: str
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Instance, shop.id).state = "connected"
    assert "Читаем контакты WhatsApp" in words(bobs.act(f"{path}/import"), "#import")


def test_without_a_phone_nothing_can_be_imported(bobs: Browser, path: str) -> None:
    assert not soup(bobs.get(path)).select("#start-import")
    answer = bobs.act(f"{path}/import")
    assert answer.status_code == 409
    assert "Сначала подключите к этому инстансу телефон" in words(answer, "[role=alert]")


def test_what_the_list_finds_is_saved_as_a_file(
    app: Flask, bobs: Browser, shop: Instance, maria: Contact, path: str
) -> None:
    with app.app_context():
        factories.contact(shop, name="Олег")
    found = bobs.get(f"{path}?source=database&q=мар")
    for link, kind, start in (
        ("#export-csv", "text/csv", "\ufeffИмя;Номер;"),
        ("#export-vcards", "text/vcard", "BEGIN:VCARD"),
    ):
        answer = bobs.get(str(only(found, link)["href"]))
        assert answer.mimetype == kind
        assert answer.headers["Content-Disposition"].startswith("attachment; filename=contacts.")
        assert answer.text.startswith(start)
        assert "Мария" in answer.text
        assert "Олег" not in answer.text


@pytest.mark.parametrize(
    ("registered", "told"), [(True, "есть в WhatsApp"), (False, "нет в WhatsApp"), (None, "")]
)
def test_whether_whatsapp_knows_a_new_number_is_said_beside_it(
    app: Flask,
    bobs: Browser,
    shop: Instance,
    account: LinkedAccount,
    path: str,
    registered: bool | None,
    told: str,
) -> None:
    with app.app_context(), transaction() as session:
        session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
    listed = bobs.get(bobs.post(path, {"phone": "8 916 123-45-67", "name": "Мария"}).location)
    assert "спрашиваем WhatsApp" in words(listed, "#contacts")
    section = only(listed, "#contacts")
    assert str(section["hx-trigger"]).startswith("every 2s")
    assert bobs.fragment(str(section["hx-get"])).status_code == 200
    with app.app_context(), transaction() as session:
        check = session.query(NumberCheck).one()
        assert number_checks.answer(check.id, registered=registered)
    answered = bobs.fragment(str(section["hx-get"]))
    number = soup(answered).select("[data-row] td")[0]
    assert " ".join(number.get_text(" ").split()) == f"+7 916 123-45-67 {told}".strip()
    assert str(only(answered, "#contacts")["hx-trigger"]).startswith("every 15s")


def test_a_number_that_nobody_can_be_asked_about_is_kept_all_the_same(
    app: Flask, bobs: Browser, account: LinkedAccount, path: str
) -> None:
    listed = bobs.get(bobs.post(path, {"phone": "8 916 123-45-67", "name": ""}).location)
    assert "WhatsApp…" not in words(listed, "#contacts")
    with app.app_context():
        assert db.session.query(NumberCheck).count() == 0
    assert kept(app) == [(MARIA, "")]
