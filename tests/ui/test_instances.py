"""The list of instances; making, changing and deleting one."""

from __future__ import annotations

from flask import Flask

from app import bell, topics
from app.core.states import InstanceState
from app.models import Endpoint, Instance, User
from app.services import chats, instances, webhooks
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words


def all_of(app: Flask, user: User) -> list[Instance]:
    with app.app_context():
        return instances.all_of(user)


def endpoint_of(app: Flask, instance: Instance) -> Endpoint | None:
    with app.app_context():
        return webhooks.endpoint_of(instance)


def test_the_start_page_leads_to_the_instances(anybody: Browser) -> None:
    assert anybody.get("/").location == "/ui/instances"


def test_the_list_shows_state_number_name_and_what_waits(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        account = factories.linked_account(shop, phone="79161234567", push_name="Цветы")
        factories.chat(account, unread=2)
        factories.chat(account, unread=3)
        with transaction() as session:
            session.get_one(Instance, shop.id).state = InstanceState.CONNECTED
    line = words(bobs.get("/ui/instances"), f"#instance-{shop.id}")
    for part in ("Shop", "Подключено", "+7 916 123-45-67", "Цветы", "5 непрочитанных"):
        assert part in line


def test_the_list_has_the_quick_actions_of_the_specification(bobs: Browser, shop: Instance) -> None:
    actions = words(bobs.get("/ui/instances"), f"#instance-{shop.id} .actions")
    assert actions == "Детали Чат Изменить Удалить"


def test_an_empty_list_says_what_to_do(bobs: Browser) -> None:
    page = bobs.get("/ui/instances")
    assert "Инстансов пока нет" in words(page)
    assert words(page, "a.primary") == "Создать новый инстанс"


def test_the_list_answers_a_poll_with_204_until_something_changes(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    poll = only(bobs.get("/ui/instances"), "#instances")["hx-get"]
    assert bobs.fragment(str(poll)).status_code == 204
    with app.app_context(), transaction():
        bell.changed(topics.instances_of(bob.id))
    answer = bobs.fragment(str(poll))
    assert answer.status_code == 200
    assert only(answer, "#instances")["hx-get"] != poll


def test_a_message_that_arrives_is_news_for_the_list(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        chat = factories.chat(factories.linked_account(shop))
    poll = str(only(bobs.get("/ui/instances"), "#instances")["hx-get"])
    with app.app_context(), transaction() as session:
        row = session.merge(chat)
        chats.touch(row, text="Hi", at=row.last_at, unread=1)
    assert "1 непрочитанное" in words(bobs.fragment(poll), f"#instance-{shop.id}")


def test_creating_an_instance_leads_to_its_page(app: Flask, bobs: Browser, bob: User) -> None:
    values = filled_form(bobs.get("/ui/instances/new"), "form[action$='/new']")
    answer = bobs.post(
        "/ui/instances/new", values | {"name": "Shop", "description": "By the river"}
    )
    (made,) = all_of(app, bob)
    assert (answer.status_code, answer.location) == (303, f"/ui/instances/{made.id}")
    assert (made.name, made.description) == ("Shop", "By the river")
    assert endpoint_of(app, made) is None


def test_creating_an_instance_with_a_webhook_saves_all_of_it(
    app: Flask, bobs: Browser, bob: User
) -> None:
    bobs.post(
        "/ui/instances/new",
        {
            "name": "Shop",
            "webhook_url": "https://example.com/hook",
            "events": ["message_received", "message_status:read"],
            "max_retries": "5",
            "retry_interval": "30",
            "webhook_secret": "a secret of mine",
            "headers": "X-Shop: 7\nAuthorization: Bearer x:y",
        },
    )
    (made,) = all_of(app, bob)
    endpoint = endpoint_of(app, made)
    assert endpoint is not None
    assert endpoint.url == "https://example.com/hook"
    assert endpoint.events == ["message_received", "message_status:read"]
    assert (endpoint.max_retries, endpoint.retry_interval_ms) == (5, 30_000)
    assert endpoint.secret == "a secret of mine"
    assert endpoint.headers == {"X-Shop": "7", "Authorization": "Bearer x:y"}


def test_a_form_that_is_refused_keeps_everything_typed_and_makes_nothing(
    app: Flask, bobs: Browser, bob: User
) -> None:
    typed = {
        "name": "Shop",
        "webhook_url": "ftp://example.com",
        "events": ["message_sent"],
        "max_retries": "2",
        "retry_interval": "7",
        "webhook_secret": "a secret of mine",
        "headers": "A: b",
    }
    answer = bobs.post("/ui/instances/new", typed)
    assert answer.status_code == 422
    assert "https://example.com/webhook" in words(answer, "#webhook_url-error")
    assert only(answer, "#webhook_url")["aria-describedby"].split()[-1] == "webhook_url-error"
    kept = filled_form(answer, "form[action$='/new']")
    assert {name: kept[name] for name in typed} == typed
    assert all_of(app, bob) == []


def test_a_number_that_is_none_is_named_beside_its_field(bobs: Browser) -> None:
    answer = bobs.post(
        "/ui/instances/new", {"name": "Shop", "max_retries": "many", "retry_interval": "7"}
    )
    assert answer.status_code == 422
    assert soup(answer).select_one("#max_retries-error")


def test_a_name_that_is_taken_is_named_beside_its_field(bobs: Browser, shop: Instance) -> None:
    answer = bobs.post(
        "/ui/instances/new", {"name": "Shop", "max_retries": "3", "retry_interval": "60"}
    )
    assert answer.status_code == 422
    assert words(answer, "#name-error") == "У вас уже есть инстанс с таким именем."


def test_the_edit_form_shows_what_stands_and_saves_it_back_unchanged(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        factories.endpoint(
            shop, url="https://example.com/a", headers={"A": "b"}, events=["message_sent"]
        )
    path = f"/ui/instances/{shop.id}/edit"
    values = filled_form(bobs.get(path), f"form[action='{path}']")
    assert bobs.post(path, values).status_code == 303
    endpoint = endpoint_of(app, shop)
    assert endpoint is not None
    assert (endpoint.url, endpoint.headers) == ("https://example.com/a", {"A": "b"})
    assert (endpoint.events, endpoint.secret) == (["message_sent"], "shared secret")


def test_saving_changes_says_so(app: Flask, bobs: Browser, shop: Instance) -> None:
    path = f"/ui/instances/{shop.id}/edit"
    values = filled_form(bobs.get(path), f"form[action='{path}']") | {"name": "Market"}
    answer = bobs.post(path, values)
    assert answer.location == f"/ui/instances/{shop.id}"
    assert "Изменения сохранены." in words(bobs.get(answer.location), "#alerts")


def test_an_empty_webhook_address_removes_the_webhook(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        factories.endpoint(shop)
    path = f"/ui/instances/{shop.id}/edit"
    values = filled_form(bobs.get(path), f"form[action='{path}']") | {"webhook_url": ""}
    bobs.post(path, values)
    assert endpoint_of(app, shop) is None


def test_deleting_asks_first_and_names_what_is_lost(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    with app.app_context():
        factories.message(factories.chat(factories.linked_account(shop)))
    page = bobs.get(f"/ui/instances/{shop.id}/delete")
    for part in ("Удалить инстанс «Shop»?", "1 чат", "1 сообщение"):
        assert part in words(page)
    assert bobs.post(f"/ui/instances/{shop.id}/delete").location == "/ui/instances"
    assert all_of(app, bob) == []
    assert "удалён" in words(bobs.get("/ui/instances"), "#alerts")
