"""The connection section of an instance's form: its proxy and its presence."""

from __future__ import annotations

import socket
from datetime import timedelta

import pytest
from flask import Flask

from app.clock import utcnow
from app.core.proxies import Proxy
from app.core.states import InstanceState
from app.models import Instance, User
from app.services import instances
from app.transaction import transaction
from tests import factories
from tests.ui.browser import Browser, filled_form, only, soup, words

PROXY = Proxy("socks5", "proxy.example.com", 1080, "shop", "hunter2")


@pytest.fixture
def closed_port() -> int:
    """A port where nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def form_of(bobs: Browser, shop: Instance) -> dict[str, object]:
    return filled_form(bobs.get(path_of(shop)), f"form[action='{path_of(shop)}']")


def path_of(shop: Instance) -> str:
    return f"/ui/instances/{shop.id}/edit"


def proxy_of(app: Flask, bob: User, shop: Instance) -> Proxy | None:
    with app.app_context():
        return instances.get_for(bob, shop.id).proxy


@pytest.fixture
def proxied(app: Flask, shop: Instance) -> Instance:
    """bob's instance with a proxy."""
    with app.app_context(), transaction() as session:
        session.get_one(Instance, shop.id).proxy_url = PROXY.url
    return shop


def test_the_section_is_folded_until_something_is_set(bobs: Browser, shop: Instance) -> None:
    assert not only(bobs.get(path_of(shop)), "details:has(#connection)").has_attr("open")


def test_a_proxy_that_does_not_work_is_told_beside_its_field(
    app: Flask, bobs: Browser, bob: User, shop: Instance, closed_port: int
) -> None:
    typed = {"proxy_scheme": "http", "proxy_host": "127.0.0.1", "proxy_port": str(closed_port)}
    answer = bobs.post(path_of(shop), form_of(bobs, shop) | typed)

    assert answer.status_code == 422
    assert "в соединении отказано" in words(answer, "#proxy_port-error")
    assert only(answer, "details:has(#connection)").has_attr("open")
    kept = filled_form(answer, f"form[action='{path_of(shop)}']")
    assert {name: kept[name] for name in typed} == typed
    assert proxy_of(app, bob, shop) is None


def test_a_proxy_that_is_down_is_saved_anyway_and_its_password_never_shown(
    app: Flask, bobs: Browser, bob: User, shop: Instance, closed_port: int
) -> None:
    typed = {
        "proxy_scheme": "socks5",
        "proxy_host": "127.0.0.1",
        "proxy_port": str(closed_port),
        "proxy_username": "shop",
        "proxy_password": "hunter2",
        "proxy_anyway": "y",
    }
    assert bobs.post(path_of(shop), form_of(bobs, shop) | typed).status_code == 303

    saved = proxy_of(app, bob, shop)
    assert saved == Proxy("socks5", "127.0.0.1", closed_port, "shop", "hunter2")
    for page in (bobs.get(path_of(shop)), bobs.get(f"/ui/instances/{shop.id}")):
        assert f"{closed_port}" in page.text
        assert "hunter2" not in page.text


def test_saving_the_form_again_keeps_proxy_and_password(
    app: Flask, bobs: Browser, bob: User, proxied: Instance
) -> None:
    page = bobs.get(path_of(proxied))
    assert "Пароль сохранён" in words(page, "#proxy_password-hint")
    values = filled_form(page, f"form[action='{path_of(proxied)}']") | {"name": "Market"}

    assert bobs.post(path_of(proxied), values).status_code == 303
    assert proxy_of(app, bob, proxied) == PROXY


def test_choosing_none_removes_the_proxy(
    app: Flask, bobs: Browser, bob: User, proxied: Instance
) -> None:
    bobs.post(path_of(proxied), form_of(bobs, proxied) | {"proxy_scheme": ""})

    assert proxy_of(app, bob, proxied) is None


def test_presence_is_chosen_in_the_form(
    app: Flask, bobs: Browser, bob: User, shop: Instance
) -> None:
    bobs.post(path_of(shop), form_of(bobs, shop) | {"presence": "never"})

    with app.app_context():
        assert instances.get_for(bob, shop.id).presence == "never"
    assert only(bobs.get(path_of(shop)), "details:has(#connection)").has_attr("open")


def test_a_connection_older_than_its_proxy_offers_to_reconnect_now(
    app: Flask, bobs: Browser, bob: User, proxied: Instance
) -> None:
    with app.app_context():
        factories.linked_account(proxied)
        with transaction() as session:
            row = session.get_one(Instance, proxied.id)
            row.state, row.proxy_changed_at = InstanceState.CONNECTED, utcnow()
            row.state_changed_at = utcnow() - timedelta(minutes=1)
    page = bobs.get(f"/ui/instances/{proxied.id}")
    assert "прежним путём" in words(page, "#state")
    assert words(page, "#state button.primary") == "Переподключить сейчас"

    bobs.act(f"/ui/instances/{proxied.id}/reconnect")

    with app.app_context():
        assert instances.get_for(bob, proxied.id).retry_at is not None


def test_a_connection_by_the_proxy_of_now_offers_nothing_more(
    app: Flask, bobs: Browser, proxied: Instance
) -> None:
    with app.app_context():
        factories.linked_account(proxied)
        with transaction() as session:
            row = session.get_one(Instance, proxied.id)
            row.state, row.state_changed_at = InstanceState.CONNECTED, utcnow()
            row.proxy_changed_at = utcnow() - timedelta(minutes=1)

    assert not soup(bobs.get(f"/ui/instances/{proxied.id}")).select("#state button.primary")
