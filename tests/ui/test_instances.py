"""Making and changing an instance."""

from __future__ import annotations

import pytest
from flask import Flask

from app.models import Endpoint, Instance, User
from app.services import instances, webhooks
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


@pytest.mark.parametrize("is_new", [True, False])
def test_everything_that_is_wrong_is_told_at_once_each_thing_beside_its_field(
    bobs: Browser, shop: Instance, is_new: bool
) -> None:
    typed = {
        "name": "",
        "description": "x" * 2000,
        "webhook_url": "ftp://example.com",
        "max_retries": "200",
        "retry_interval": "7",
        "webhook_secret": "short",
        "headers": "no colon",
        "send_gap_seconds": "9999",
        "proxy_scheme": "http",
        "proxy_host": "http://",
        "proxy_port": "1",
    }
    answer = bobs.post("/ui/instances/new" if is_new else f"/ui/instances/{shop.id}/edit", typed)
    right = {"retry_interval", "proxy_scheme", "proxy_port"}
    for name in typed.keys() - right:
        assert words(answer, f"#{name}-error"), name
    for name in right:
        assert not soup(answer).select(f"#{name}-error"), name


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


def test_a_refused_form_leads_to_what_is_wrong(bobs: Browser) -> None:
    typed = {"name": "Shop", "max_retries": "many", "retry_interval": "7", "proxy_port": "x"}
    answer = bobs.post("/ui/instances/new", typed)

    links = soup(answer).select("#wrong-fields a")
    assert [link["href"] for link in links] == ["#max_retries", "#proxy_port"]
    assert [field["id"] for field in soup(answer).select("[autofocus]")] == ["max_retries"]
    assert only(answer, "#delivery").has_attr("open")
    assert only(answer, "details:has(#connection)").has_attr("open")


def test_a_form_without_mistakes_has_no_summary(bobs: Browser) -> None:
    answer = bobs.get("/ui/instances/new")
    assert not soup(answer).select("#wrong-fields, [autofocus]")
    assert not only(answer, "#delivery").has_attr("open")


def test_headers_that_look_secret_are_masked(app: Flask, bobs: Browser, shop: Instance) -> None:
    path = f"/ui/instances/{shop.id}/edit"
    with app.app_context():
        factories.endpoint(shop, headers={"X-Shop": "7"})
    plain = only(bobs.get(path), "#headers").has_attr("data-masked")
    values = filled_form(bobs.get(path), f"form[action='{path}']")
    values["headers"] = "Authorization: Bearer x"
    values["webhook_url"] = "https://example.com/hook"
    assert bobs.post(path, values).status_code == 303

    page = bobs.get(path)
    assert (plain, only(page, "#headers").has_attr("data-masked")) == (False, True)
    assert only(page, "#delivery").has_attr("open")


def test_a_secret_that_stands_is_masked_and_replaced_after_a_question(
    app: Flask, bobs: Browser, shop: Instance
) -> None:
    with app.app_context():
        factories.endpoint(shop)
    page = bobs.get(f"/ui/instances/{shop.id}/edit")
    assert only(page, "#webhook_secret")["type"] == "password"
    assert words(page, "[data-dialog='#replace-secret']") == "Заменить секрет"
    assert words(page, "#replace-secret [data-generate]") == "Заменить секрет"


def test_pace_and_read_receipts_are_chosen_in_the_form(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    path = f"/ui/instances/{shop.id}/edit"
    values = filled_form(bobs.get(path), f"form[action='{path}']")
    values |= {"send_gap_seconds": "30", "read_receipts": "opening"}
    assert bobs.post(path, values).status_code == 303
    (saved,) = all_of(app, bob)
    assert (saved.send_gap_seconds, saved.read_receipts) == (30, "opening")

    again = filled_form(bobs.get(path), f"form[action='{path}']")
    assert (again["send_gap_seconds"], again["read_receipts"]) == ("30", "opening")
    bobs.post(path, again | {"send_gap_seconds": "", "read_receipts": "off"})
    (saved,) = all_of(app, bob)
    assert (saved.send_gap_seconds, saved.read_receipts) == (None, "off")


def test_calls_are_rejected_and_told_as_chosen_in_the_form(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    path = f"/ui/instances/{shop.id}/edit"
    page = bobs.get(path)
    assert words(page, "label[for=reject_calls]").startswith("Отклонять звонки ")
    values = filled_form(page, f"form[action='{path}']")
    told = {"webhook_url": "https://shop.example/hook", "events": ["call_received"]}
    assert bobs.post(path, values | told | {"reject_calls": "y"}).status_code == 303
    (saved,) = all_of(app, bob)
    assert saved.reject_calls

    again = filled_form(bobs.get(path), f"form[action='{path}']")
    assert (again["events"], again["reject_calls"]) == (["call_received"], ["y"])
    again.pop("reject_calls")
    bobs.post(path, again)
    (saved,) = all_of(app, bob)
    assert not saved.reject_calls


def test_a_pace_out_of_range_is_told_beside_its_field(bobs: Browser, shop: Instance) -> None:
    path = f"/ui/instances/{shop.id}/edit"
    values = filled_form(bobs.get(path), f"form[action='{path}']") | {"send_gap_seconds": "601"}
    answer = bobs.post(path, values)
    assert answer.status_code == 422
    assert words(answer, "#send_gap_seconds-error") == "Укажите от 1 до 600 секунд."
    assert only(answer, "#send_gap_seconds")["value"] == "601"
