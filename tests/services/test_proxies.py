"""The proxy of an instance: what may be typed, and what its test finds."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from flask.ctx import AppContext
from sqlalchemy import text

from app.config import Settings
from app.core.errors import Invalid
from app.core.proxies import Proxy
from app.core.states import InstanceState
from app.extensions import db
from app.models import Activity
from app.sandbox.testing import Sandbox
from app.services import instances, proxies
from app.services.proxy_rules import GivenProxy, checked_proxy
from app.transaction import transaction
from tests import factories
from tests.proxy_server import Kind, ProxyServer, own_certificate, proxy_server
from tests.receiver import running_receiver

CREDENTIALS = ("shop", "p@ss:word")
SAVED = Proxy("socks5", "proxy.example.com", 1080, "shop", "secret")


@pytest.fixture(scope="module")
def network() -> Iterator[Sandbox]:
    """A test network behind the proxies of this module."""
    with Sandbox() as sandbox:
        yield sandbox


@pytest.fixture
def settings(settings: Settings, network: Sandbox) -> Settings:
    """Settings of a product on that network."""
    settings.sandbox_dir.mkdir()
    announcement = (network.folder / "sandbox.json").read_text()
    settings.sandbox_state.write_text(announcement)
    return settings.model_copy(update={"sandbox": True})


@pytest.fixture(params=["http", "socks5"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """What kind of proxy it is."""
    return request.param


@pytest.fixture
def server(kind: Kind, network: Sandbox) -> Iterator[ProxyServer]:
    """A proxy with a password, before the test network."""
    with proxy_server(kind, network.announcement.proxy_url, CREDENTIALS) as running:
        yield running


def given(
    kind: str, port: int, username: str = "", password: str = "", host: str = "127.0.0.1"
) -> GivenProxy:
    """A proxy as it is typed."""
    return GivenProxy(kind, host, port, username, password)


def trouble(wanted: GivenProxy, *, anyway: bool = False) -> tuple[str, str | None]:
    """The code and the field of what the test finds."""
    with pytest.raises(Invalid) as caught:
        proxies.tested(wanted, None, anyway=anyway)
    return caught.value.code, caught.value.field


def test_proxy_that_leads_to_whatsapp_is_fine(
    app_context: AppContext, server: ProxyServer, kind: Kind
) -> None:
    proxy = proxies.tested(given(kind, server.port, *CREDENTIALS), None)

    assert proxy == Proxy(kind, "127.0.0.1", server.port, *CREDENTIALS)
    assert server.accepted() == ["web.whatsapp.com:443"]


def test_proxy_without_a_password_is_fine(
    app_context: AppContext, network: Sandbox, kind: Kind
) -> None:
    with proxy_server(kind, network.announcement.proxy_url) as open_to_all:
        assert proxies.tested(given(kind, open_to_all.port), None)


def test_proxy_that_is_spoken_to_over_tls_is_fine(
    app_context: AppContext, settings: Settings, network: Sandbox, data_dir: Path
) -> None:
    tls, trusted = own_certificate(data_dir, network.announcement.ca_file)
    told = json.loads(settings.sandbox_state.read_text())
    with proxy_server("http", network.announcement.proxy_url, CREDENTIALS, tls) as server:
        wanted = given("https", server.port, *CREDENTIALS)
        assert trouble(wanted) == ("proxy_certificate", "proxy.scheme")
        settings.sandbox_state.write_text(json.dumps(told | {"ca_file": trusted}))
        assert proxies.tested(wanted, None)


@pytest.mark.parametrize(
    ("credentials", "field"),
    [(("shop", "wrong"), "proxy.password"), (("", ""), "proxy.username")],
)
def test_proxy_that_refuses_the_credentials_is_told(
    app_context: AppContext,
    server: ProxyServer,
    kind: Kind,
    credentials: tuple[str, str],
    field: str,
) -> None:
    assert trouble(given(kind, server.port, *credentials)) == ("proxy_credentials", field)


def test_proxy_that_cannot_reach_whatsapp_is_told(app_context: AppContext, kind: Kind) -> None:
    with proxy_server(kind, None) as leading_nowhere:
        wanted = given(kind, leading_nowhere.port)
        assert trouble(wanted) == ("proxy_no_way", "proxy.host")


def test_port_where_nothing_listens_is_told(app_context: AppContext, kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]

    assert trouble(given(kind, port)) == ("proxy_closed", "proxy.port")


def test_other_kind_of_proxy_is_told(app_context: AppContext, network: Sandbox) -> None:
    door = network.announcement.proxy_url
    port = int(door.rpartition(":")[2])

    assert trouble(given("socks5", port)) == ("not_a_proxy", "proxy.scheme")


@pytest.mark.parametrize("typed", ["http", "https", "socks5"])
def test_web_server_is_no_proxy(app_context: AppContext, typed: str) -> None:
    with running_receiver() as server:
        assert trouble(given(typed, server.port)) == ("not_a_proxy", "proxy.scheme")


def test_silent_proxy_is_given_up(
    app_context: AppContext, kind: Kind, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "CHECK_SECONDS", 0.2)
    found = {"http": ("proxy_timeout", "proxy.host"), "socks5": ("not_a_proxy", "proxy.scheme")}
    with socket.create_server(("127.0.0.1", 0)) as silent:
        assert trouble(given(kind, silent.getsockname()[1])) == found[kind]


def test_trickling_proxy_is_given_up_in_time(
    app_context: AppContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proxies, "CHECK_SECONDS", 0.3)
    started = time.monotonic()
    with socket.create_server(("127.0.0.1", 0)) as server:
        trickling = threading.Thread(target=trickle, args=(server,))
        trickling.start()
        found = trouble(given("http", server.getsockname()[1]))
        trickling.join()

    assert found == ("proxy_timeout", "proxy.host")
    assert time.monotonic() - started < 5


def trickle(server: socket.socket) -> None:
    """Answers byte by byte, without an end."""
    connection, _ = server.accept()
    with connection, suppress(OSError):
        while True:
            connection.sendall(b"H")
            time.sleep(0.02)


def test_host_without_an_address_is_told(app_context: AppContext, kind: Kind) -> None:
    wanted = given(kind, 1080, host="nowhere.invalid")

    assert trouble(wanted) == ("proxy_not_found", "proxy.host")


def test_way_that_ends_somewhere_else_is_told(
    app_context: AppContext, settings: Settings, server: ProxyServer, kind: Kind
) -> None:
    with Sandbox() as another:
        settings.sandbox_state.write_text((another.folder / "sandbox.json").read_text())

        assert trouble(given(kind, server.port, *CREDENTIALS)) == ("not_whatsapp", "proxy.host")


def test_proxy_that_is_down_can_be_saved_anyway(app_context: AppContext, kind: Kind) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closing:
        port = closing.getsockname()[1]

    assert proxies.tested(given(kind, port), None, anyway=True)


def test_proxy_that_is_saved_is_not_tested_again(app_context: AppContext) -> None:
    saved = Proxy("socks5", "127.0.0.1", 1, "shop", "secret")

    assert proxies.tested(given("socks5", 1, "shop"), saved) == saved


def test_local_proxy_is_refused_where_the_deployment_does_not_allow_it(
    app_context: AppContext, kind: Kind, server: ProxyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = app_context.app.config["SETTINGS"]
    strict = settings.model_copy(update={"proxy_private_addresses": False})
    monkeypatch.setitem(app_context.app.config, "SETTINGS", strict)
    wanted = given(kind, server.port, *CREDENTIALS)

    assert trouble(wanted, anyway=True) == ("proxy_not_allowed", "proxy.host")
    assert server.visits == []


@pytest.mark.parametrize(
    ("wanted", "field", "code"),
    [
        (GivenProxy("ftp", "host"), "proxy.scheme", "bad_proxy_scheme"),
        (GivenProxy("http", ""), "proxy.host", "bad_proxy_host"),
        (GivenProxy("http", "http://host"), "proxy.host", "bad_proxy_host"),
        (GivenProxy("http", "user:pw@host"), "proxy.host", "bad_proxy_host"),
        (GivenProxy("http", "a..b"), "proxy.host", "bad_proxy_host"),
        (GivenProxy("http", "169.254.169.254"), "proxy.host", "proxy_not_allowed"),
        (GivenProxy("http", "host", 0), "proxy.port", "bad_proxy_port"),
        (GivenProxy("http", "host", 65536), "proxy.port", "bad_proxy_port"),
        (GivenProxy("http", "host", 1, "", "pw"), "proxy.username", "proxy_username_missing"),
        (GivenProxy("http", "host", 1, "a:b", "pw"), "proxy.username", "bad_proxy_username"),
        (GivenProxy("http", "host", 1, "a", "p\r\nw"), "proxy.password", "bad_proxy_password"),
        (GivenProxy("socks5", "host", 1, "a" * 256), "proxy.username", "bad_proxy_username"),
    ],
)
def test_impossible_proxy_is_refused_beside_its_field(
    wanted: GivenProxy, field: str, code: str
) -> None:
    with pytest.raises(Invalid) as caught:
        checked_proxy(wanted, None)

    assert (caught.value.field, caught.value.code) == (field, code)


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (GivenProxy("http", " Proxy.Example.COM "), Proxy("http", "proxy.example.com", 80)),
        (GivenProxy("socks5", "[2001:db8::1]"), Proxy("socks5", "2001:db8::1", 1080)),
        (GivenProxy("https", "прокси.рф"), Proxy("https", "xn--h1adldfi.xn--p1ai", 443)),
        (GivenProxy("http", "h", 1, " a ", " p "), Proxy("http", "h", 1, "a", " p ")),
    ],
)
def test_proxy_is_kept_as_programs_write_it(wanted: GivenProxy, expected: Proxy) -> None:
    assert checked_proxy(wanted, None) == expected
    assert Proxy.of(expected.url) == expected


def test_empty_password_keeps_the_saved_one_for_the_same_user_and_host() -> None:
    wanted = GivenProxy("http", "proxy.example.com", 8080, "shop")

    assert checked_proxy(wanted, SAVED).password == "secret"


def test_another_user_name_does_not_take_the_saved_password() -> None:
    wanted = GivenProxy("socks5", "proxy.example.com", 1080, "other")

    assert checked_proxy(wanted, SAVED).password == ""


def test_saved_password_goes_to_no_other_host() -> None:
    wanted = GivenProxy("socks5", "evil.example.com", 1080, "shop")

    with pytest.raises(Invalid) as caught:
        checked_proxy(wanted, SAVED)

    assert caught.value.code == "proxy_password_missing"


def test_saved_proxy_is_unreadable_in_the_database_and_absent_from_the_journal(
    app_context: AppContext,
) -> None:
    owner = factories.user()
    instance = factories.instance(owner)
    with transaction():
        proxies.save(instances.get_for(owner, instance.id), SAVED, actor=owner)

    kept = db.session.execute(text("SELECT proxy_url FROM instances")).scalar_one()
    assert not [part for part in ("secret", "shop", "example") if part in kept]
    assert [line.detail for line in db.session.query(Activity)] == [{}]
    assert "secret" not in repr(instances.get_for(owner, instance.id).proxy)


def test_new_proxy_is_tried_at_once_by_an_instance_that_waits(app_context: AppContext) -> None:
    owner = factories.user()
    instance = factories.instance(owner, state=InstanceState.DISCONNECTED)
    with transaction():
        proxies.save(instances.get_for(owner, instance.id), SAVED, actor=owner)

    assert instances.get_for(owner, instance.id).retry_at is not None
