"""`make screenshots`: every page and state in both themes at three widths, into docs/screenshots.

python -m tests.look [--only NAME ...] [--into FOLDER]
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from itertools import product as combinations
from pathlib import Path

from PIL import Image
from playwright.sync_api import (
    Browser,
    Page,
    Playwright,
    StorageState,
    ViewportSize,
    sync_playwright,
)

from tests.e2e.conftest import ARGUMENTS, CHROMIUM
from tests.look.measures import layout_problems
from tests.look.places import Place, people, places
from tests.look.stage import build
from tests.product import ROOT, Product, running_product

SIZES: tuple[ViewportSize, ...] = (
    {"width": 360, "height": 740},
    {"width": 768, "height": 1024},
    {"width": 1440, "height": 900},
)
THEMES = ("light", "dark")
QUALITY = 50
SHARED_MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108 - key stores are slow on a disk
TALLEST = 2400  # pixels kept of a long page


def main() -> None:
    """Takes the pictures, and says which page does not fit its window."""
    parser = argparse.ArgumentParser(prog="python -m tests.look")
    parser.add_argument("--only", nargs="*", default=[], help="names of tests/look/places.py")
    parser.add_argument("--into", type=Path, default=ROOT / "docs/screenshots")
    chosen = parser.parse_args()
    chosen.into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=SHARED_MEMORY) as folder, sync_playwright() as driver:
        _take_all(driver, Path(folder), chosen.into, chosen.only)


def _take_all(driver: Playwright, data_dir: Path, into: Path, only: list[str]) -> None:
    with running_product(data_dir, SANDBOX="1", SEND_GAP_MS="50") as product:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        context = browser.new_context(base_url=product.address, locale="ru-RU")
        stage = build(context, product, data_dir)
        wanted = [place for place in places(stage) if not only or place.name in only]
        for size, theme in combinations(SIZES, THEMES):
            states = people(context, stage)
            with _tabs(browser, states, product, size, theme) as tabs:
                for place in wanted:
                    _photograph(tabs[place.who], place, into)
        browser.close()


@contextmanager
def _tabs(
    browser: Browser,
    states: Mapping[str, StorageState | None],
    product: Product,
    size: ViewportSize,
    theme: str,
) -> Iterator[dict[str, Page]]:
    """A tab of each person, in this size and theme."""
    contexts = {
        who: browser.new_context(
            base_url=product.address,
            locale="ru-RU",
            timezone_id="Europe/Moscow",
            viewport=size,
            color_scheme=theme,  # type: ignore[arg-type]
            reduced_motion="reduce",
            storage_state=state,
        )
        for who, state in states.items()
    }
    yield {who: opened.new_page() for who, opened in contexts.items()}
    for opened in contexts.values():
        opened.close()


def _photograph(page: Page, place: Place, into: Path) -> None:
    place.open(page)
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    width = (page.viewport_size or SIZES[0])["width"]
    name = f"{place.name}-{width}-{'dark' if dark else 'light'}"
    picture = Image.open(io.BytesIO(_whole(page))).convert("RGB")
    picture.save(into / f"{name}.webp", quality=QUALITY, method=6)
    for problem in layout_problems(page):
        print(f"{name}: {problem}")


def _whole(page: Page) -> bytes:
    """The page in a window as high as it needs: what sticks to an edge stays there."""
    size = page.viewport_size or SIZES[0]
    needed = int(page.evaluate("document.documentElement.scrollHeight"))
    page.set_viewport_size({**size, "height": max(size["height"], min(needed, TALLEST))})
    picture = page.screenshot()
    page.set_viewport_size(size)
    return picture


if __name__ == "__main__":
    main()
