"""Every page is measured: how it fits, axe and contrast in both themes, weight, shifts, policy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize

from tests.e2e.conftest import DESK, PHONE
from tests.look import measures
from tests.look.places import ANNA, people, places
from tests.look.stage import Stage, build
from tests.product import Product

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def stage(context: BrowserContext, product: Product, module_folder: Path) -> Stage:
    """Something to see on every page."""
    return build(context, product, module_folder)


@contextmanager
def looking(
    chromium: Browser,
    context: BrowserContext,
    product: Product,
    stage: Stage,
    **options: object,
) -> Iterator[dict[str, Page]]:
    """A tab of each person, in a browser that has kept nothing."""
    tabs = {}
    for who, state in people(context, stage).items():
        new = chromium.new_context(
            base_url=product.address,
            locale="ru-RU",
            storage_state=state,
            **options,  # type: ignore[arg-type]
        )
        new.add_init_script(measures.WATCH)
        new.set_default_timeout(20_000)
        tabs[who] = new.new_page()
    yield tabs
    for tab in tabs.values():
        tab.context.close()


# Each width once and each theme once: what a page looks like hangs on the width, its colours on the
# theme, and nothing on both. (The colours themselves are reckoned in tests/ui/test_look.py.)
@pytest.mark.parametrize(("viewport", "theme"), [(PHONE, "light"), (DESK, "dark")], ids=str)
def test_every_page_fits_and_passes_axe(
    chromium: Browser,
    context: BrowserContext,
    product: Product,
    stage: Stage,
    viewport: ViewportSize,
    theme: str,
) -> None:
    wrong: dict[str, list[str]] = {}
    with looking(
        chromium,
        context,
        product,
        stage,
        viewport=viewport,
        color_scheme=theme,
        reduced_motion="reduce",
    ) as tabs:
        for place in places(stage):
            tab = tabs[place.who]
            place.open(tab)
            wrong[place.name] = [
                *measures.layout_problems(tab),
                *measures.axe_problems(tab),
                *measures.refusals(tab),
            ]
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_the_first_load_of_every_page_is_light(
    chromium: Browser, context: BrowserContext, product: Product, stage: Stage
) -> None:
    wrong: dict[str, list[str]] = {}
    with looking(chromium, context, product, stage, viewport=DESK) as tabs:
        for place in places(stage):
            if place.act or place.html:
                continue  # the same page as another place, in another state; or no answer of now
            wrong[place.name] = measures.first_load(tabs[place.who], place.path).problems
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def test_nothing_shifts_while_pages_poll(
    chromium: Browser, context: BrowserContext, product: Product, stage: Stage
) -> None:
    wrong = {}
    with looking(chromium, context, product, stage, viewport=DESK) as tabs:
        for place in places(stage):
            if place.act or place.who != ANNA:
                continue
            place.open(tabs[ANNA])
            loading = measures.shifts(tabs[ANNA], measures.MOST_SHIFTED_LOADING)
            _poll_twice(tabs[ANNA])
            wrong[place.name] = loading + measures.shifts(tabs[ANNA])
    assert {name: problems for name, problems in wrong.items() if problems} == {}


def _poll_twice(page: Page) -> None:
    """Makes every poll ask for the whole fragment, as after a change.

    One after the other: of two that come in one frame, neither is seen to push the other.
    """
    for _ in range(2):
        page.evaluate(
            """async () => {
              const painted = () => new Promise((done) => requestAnimationFrame(
                () => requestAnimationFrame(done)));
              for (const id of [...document.querySelectorAll("[data-poll]")].map((e) => e.id)) {
                const source = document.getElementById(id);
                const path = source.getAttribute("hx-get").replace(/([?&])v=[^&]*/, "$1v=");
                await htmx.ajax("GET", path, { source, target: source, swap: "outerHTML" });
                await painted();
              }
            }"""
        )
