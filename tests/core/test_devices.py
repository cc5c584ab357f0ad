from __future__ import annotations

import pytest

from app.core.devices import device_of, is_handheld

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/131.0.0.0 Safari/537.36"
)
IPHONE = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1"
)


@pytest.mark.parametrize(
    ("agent", "device"),
    [
        (CHROME, "Chrome, Linux"),
        (CHROME.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64"), "Chrome, Windows"),
        (f"{CHROME} Edg/131.0.0.0", "Edge, Linux"),
        (CHROME.replace("Chrome/", "YaBrowser/24.10 Chrome/"), "Yandex, Linux"),
        (CHROME.replace("X11; Linux x86_64", "Linux; Android 14; K"), "Chrome, Android"),
        (IPHONE, "Safari, iPhone"),
        ("Mozilla/5.0 (Macintosh; Intel Mac OS X 14.7; rv:132.0) Firefox/132.0", "Firefox, macOS"),
        ("curl/8.11.0", ""),
        ("", ""),
    ],
)
def test_a_browser_is_told_in_two_words(agent: str, device: str) -> None:
    assert device_of(agent) == device


def test_phones_are_told_from_computers() -> None:
    assert is_handheld(IPHONE)
    assert not is_handheld(CHROME)
