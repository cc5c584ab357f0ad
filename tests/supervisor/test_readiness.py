from __future__ import annotations

import pytest

from app.config import Settings
from app.supervisor.readiness import address_of, missing, netloc
from tests.product import free_port


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("manager.example.com", "http://manager.example.com:8000"),
    ],
)
def test_address_is_one_that_a_browser_takes(settings: Settings, host: str, address: str) -> None:
    assert address_of(settings.model_copy(update={"host": host})) == address


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])  # noqa: S104 - no one binds
def test_address_of_all_interfaces_is_one_of_them(settings: Settings, host: str) -> None:
    address = address_of(settings.model_copy(update={"host": host}))

    assert address.endswith(":8000")
    assert netloc(host, 8000) not in address


def test_nothing_answers_before_the_web_server_is_up(settings: Settings) -> None:
    assert missing(settings.model_copy(update={"port": free_port()})) == ["web"]
