"""A real browser on the real product, which runs on the test network."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, Playwright, expect, sync_playwright

from tests.product import Product, running_product

# The shell is a third cheaper: it has no window, toolbar and start page behind the scenes.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
CHROMIUM = next(filter(None, map(shutil.which, NAMES)), None)
# Nothing that reaches for the network, the graphics card or a sandbox that containers lack.
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
# A refused form is an answer with a status of 4xx, which Chromium and htmx call an error too.
REFUSED = re.compile(
    r"responded with a status of 4\d\d|Response Status Error Code 4\d\d"
    # Tests that cut the network; htmx logs the same again in two ways of its own.
    r"|ERR_INTERNET_DISCONNECTED|net::ERR_FAILED|net::ERR_EMPTY_RESPONSE"
    r"|^undefined$|^htmx:(afterRequest|sendError),"
)
# A machine that runs tests is busy: what takes a moment may take long.
expect.set_options(timeout=20_000)
PHONE, DESK = {"width": 360, "height": 740}, {"width": 1440, "height": 900}


@pytest.fixture(scope="module")
def playwright() -> Iterator[Playwright]:
    """Playwright's driver. It keeps an event loop running in this thread, so it ends with its
    module: tests of other modules want loops of their own."""
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="module")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The system's Chromium."""
    if CHROMIUM is None:
        pytest.skip("no Chromium on PATH")
    browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
    yield browser
    browser.close()


@pytest.fixture(scope="module")
def product(module_folder: Path, migrated_file: Path) -> Iterator[Product]:
    """The whole product on the test network, as `make run` with SANDBOX=1 starts it at the second
    time: the tables are there, which saves each module two seconds."""
    shutil.copy(migrated_file, module_folder)
    with running_product(module_folder, SANDBOX="1", SEND_GAP_MS="50") as product:
        yield product


@pytest.fixture(scope="module")
def context(chromium: Browser, product: Product) -> Iterator[BrowserContext]:
    """One person's browser, kept through the tests of a module."""
    context = chromium.new_context(
        base_url=product.address, locale="ru-RU", timezone_id="Europe/Moscow", viewport=DESK
    )
    context.set_default_timeout(15_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A tab. Fails the test when a page broke a rule of its policy, or a script went wrong."""
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda message: complaints.append(message.text) if message.type == "error" else None,
    )
    yield page
    page.close()
    assert [text for text in complaints if not REFUSED.search(text)] == []
