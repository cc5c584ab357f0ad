"""The real engine through an instance's own proxy, with the test network behind it."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

import psutil
import pytest

from app.core.presence import Presence
from app.core.proxies import Proxy
from app.core.states import InstanceState, MessageStatus
from app.models import User
from app.services import instances, proxies
from app.services import sessions as wishes
from tests.proxy_server import Kind, ProxyServer, own_certificate, proxy_server
from tests.sessions.live.conftest import OWN_NUMBER, PATIENCE, PEER_NUMBER, Product
from tests.waiting import wait_for

CREDENTIALS = ("shop", "p@ss:w/rd ü")
WHATSAPP = "web.whatsapp.com:443"


@pytest.fixture(params=["http", "socks5"])
def kind(request: pytest.FixtureRequest) -> Kind:
    """What kind of proxy it is."""
    return request.param


@pytest.fixture
def through(kind: Kind, product: Product) -> Iterator[ProxyServer]:
    """A proxy with a password, before the test network."""
    with proxy_server(kind, product.sandbox.announcement.proxy_url, CREDENTIALS) as server:
        yield server


@pytest.fixture
def shortcut(product: Product) -> Iterator[socket.socket]:
    """Stands where the product believes the network to be: whoever goes past a proxy comes here."""
    with socket.create_server(("127.0.0.1", 0)) as trap:
        trap.setblocking(False)
        file = product.settings.sandbox_state
        told = json.loads(file.read_text())
        told["proxy_url"] = f"http://127.0.0.1:{trap.getsockname()[1]}"
        file.write_text(json.dumps(told))
        yield trap


def url_of(server: ProxyServer, kind: Kind, credentials: tuple[str, str] = CREDENTIALS) -> Proxy:
    """The proxy as an instance has it."""
    return Proxy(kind, "127.0.0.1", server.port, *credentials)


def proxied(product: Product, proxy: Proxy, bob: User) -> str:
    """A new instance with this proxy; its id."""
    instance_id = product.new_instance()
    product.act(proxies.save, instance_id, proxy=proxy, actor=bob)
    return instance_id


def remote_ports(product: Product) -> set[int]:
    """Where the session host's TCP connections lead."""
    host = psutil.Process(product.processes["sessions"].pid)
    return {one.raddr.port for one in host.net_connections("tcp") if one.raddr}


def test_everything_of_the_instance_goes_through_its_proxy(
    product: Product, through: ProxyServer, kind: Kind, shortcut: socket.socket, bob: User
) -> None:
    product.start("sessions", "pairing", "clock")
    instance_id = proxied(product, url_of(through, kind), bob)

    product.link(instance_id)
    linking = len(through.accepted())
    product.queue(instance_id, "Hello")
    wait_for(product.received, PATIENCE, "the text arrives")
    product.sandbox.client.send(PEER_NUMBER, OWN_NUMBER, "Hello yourself")
    wait_for(lambda: len(product.messages(instance_id)) == 2, PATIENCE, "the reply arrives")

    assert linking >= 2  # the pairing process, and the session host
    assert set(through.accepted()) == {WHATSAPP}
    assert through.visits[-1].sent > 1000
    assert through.visits[-1].received > 1000
    assert through.port in remote_ports(product)
    with pytest.raises(BlockingIOError):
        shortcut.accept()


def test_proxy_that_is_spoken_to_over_tls_carries_a_session(product: Product, bob: User) -> None:
    network = product.sandbox.announcement
    tls, trusted = own_certificate(product.settings.data_dir, network.ca_file)
    file = product.settings.sandbox_state
    file.write_text(json.dumps(json.loads(file.read_text()) | {"ca_file": trusted}))
    with proxy_server("http", network.proxy_url, CREDENTIALS, tls) as server:
        product.start("sessions", "pairing", "clock")
        instance_id = proxied(product, Proxy("https", "127.0.0.1", server.port, *CREDENTIALS), bob)

        product.link(instance_id)

        assert set(server.accepted()) == {WHATSAPP}


@pytest.mark.parametrize("kind", ["http"], indirect=True)
def test_password_of_a_proxy_is_in_no_log_and_no_command_line(
    product: Product, through: ProxyServer, kind: Kind, bob: User
) -> None:
    product.start("sessions", "pairing", "clock")
    instance_id = proxied(product, url_of(through, kind), bob)
    code = product.code(instance_id)

    (pairing,) = product.running("app.sessions.pairing_process")
    said = " ".join(pairing.cmdline())
    product.sandbox.client.scan(code, OWN_NUMBER, "Owner")
    product.wait_state(instance_id, InstanceState.CONNECTED)
    through.stop()
    product.wait_state(instance_id, InstanceState.DISCONNECTED, "proxy_unreachable")

    logs = (*product.settings.data_dir.glob("*.log"), *product.settings.data_dir.glob("logs/*"))
    said += " ".join(file.read_text(errors="replace") for file in logs)
    assert not [one for one in ("p@ss", "p%40ss") if one in said]


@pytest.mark.parametrize("kind", ["socks5"], indirect=True)
def test_state_names_the_proxy_while_it_is_down_and_recovers(
    product: Product, through: ProxyServer, kind: Kind, bob: User
) -> None:
    product.start("sessions", "pairing", "clock")
    instance_id = proxied(product, url_of(through, kind), bob)
    product.link(instance_id)

    through.stop()
    product.wait_state(instance_id, InstanceState.DISCONNECTED, "proxy_unreachable")
    through.credentials = ("shop", "another")
    through.start()
    product.wait_state(instance_id, InstanceState.DISCONNECTED, "proxy_refused")
    through.credentials = CREDENTIALS

    product.wait_state(instance_id, InstanceState.CONNECTED)


@pytest.mark.parametrize("kind", ["http"], indirect=True)
def test_linking_names_the_proxy_that_is_wrong(
    product: Product, through: ProxyServer, kind: Kind, bob: User
) -> None:
    product.start("pairing")
    instance_id = proxied(product, url_of(through, kind, ("shop", "wrong")), bob)

    product.act(wishes.reconnect, instance_id)

    product.wait_state(instance_id, InstanceState.FAILED, "proxy_refused")
    assert through.accepted() == []


@pytest.mark.parametrize("kind", ["http"], indirect=True)
def test_another_proxy_is_used_from_the_next_connection(
    linked: tuple[Product, str], through: ProxyServer, kind: Kind, bob: User
) -> None:
    product, instance_id = linked
    product.act(proxies.save, instance_id, proxy=url_of(through, kind), actor=bob)
    assert product.instance(instance_id).proxy_waits
    assert through.visits == []

    product.sandbox.client.set_faults(drop=True)

    wait_for(through.accepted, PATIENCE, "it reconnects through the proxy")
    wait_for(lambda: through.port in remote_ports(product), PATIENCE, "it stays connected so")
    product.wait_state(instance_id, InstanceState.CONNECTED)
    assert not product.instance(instance_id).proxy_waits


@pytest.mark.parametrize("kind", ["socks5"], indirect=True)
def test_reconnecting_takes_the_new_proxy_at_once(
    linked: tuple[Product, str], through: ProxyServer, kind: Kind, bob: User
) -> None:
    product, instance_id = linked
    product.act(proxies.save, instance_id, proxy=url_of(through, kind), actor=bob)

    product.act(wishes.reconnect, instance_id, actor=bob)

    wait_for(through.accepted, PATIENCE, "it connects through the proxy")
    product.wait_state(instance_id, InstanceState.CONNECTED)
    message_id = product.queue(instance_id, "By the new way")
    wait_for(lambda: product.message(message_id).status == MessageStatus.DELIVERED, PATIENCE)


def test_presence_is_changed_on_the_connection_that_stands(
    linked: tuple[Product, str], bob: User
) -> None:
    product, instance_id = linked
    client = product.sandbox.client

    def is_shown() -> bool:
        return bool(client.account(OWN_NUMBER)["devices"][0]["available"])

    wait_for(is_shown, PATIENCE, "it is online from the start")
    before = logins(product)
    product.act(instances.show_presence, instance_id, presence=Presence.NEVER, actor=bob)
    wait_for(lambda: not is_shown(), PATIENCE, "it is not online any more")
    client.send(PEER_NUMBER, OWN_NUMBER, "Are you there?")
    wait_for(lambda: receipts(product)[-1:] == ["inactive"], PATIENCE, "a silent receipt")
    product.act(instances.show_presence, instance_id, presence=Presence.ONLINE, actor=bob)

    wait_for(is_shown, PATIENCE, "it is online again")
    assert logins(product) == before


def logins(product: Product) -> int:
    """How often the instance's device has logged in."""
    log = product.sandbox.client.log()
    return len([one for one in log if one["kind"] == "login" and one["account"] == OWN_NUMBER])


def receipts(product: Product) -> list[str]:
    """What the peer was told of its messages."""
    log = product.sandbox.client.log()
    told = [one for one in log if one["kind"] == "receipt" and one["account"] == PEER_NUMBER]
    return [one["type"] for one in told]
