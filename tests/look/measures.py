"""What can be measured of a page in a browser. Each returns what is wrong; nothing is good."""

from __future__ import annotations

from dataclasses import dataclass, field

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page

MOST_BYTES, MOST_REQUESTS = 150_000, 8
"""Of a page's first load, as they go over the wire."""
MOST_SHIFTED, MOST_SHIFTED_LOADING = 0.001, 0.1
"""The sum of layout shifts, as browsers count it: a card that moves by a line makes 0.0015.
While it loads, a page is painted before it has all come."""

# Runs before the page's own scripts: what shifts without anybody's doing, what the policy refuses.
WATCH = """
window.shifts = []; window.refused = [];
const nameOf = (node) => node ? (node.outerHTML ?? node.textContent).slice(0, 80) : "what is gone";
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push({
    value: entry.value,
    moved: entry.sources.map((one) => [nameOf(one.node), one.previousRect, one.currentRect]),
  });
}).observe({ type: "layout-shift", buffered: true });
document.addEventListener("securitypolicyviolation", (event) => {
  window.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`);
});
"""
# The shifts seen, once two frames more have been painted, and taken from the list.
SEEN_SHIFTS = """() => new Promise((done) => requestAnimationFrame(() =>
  requestAnimationFrame(() => setTimeout(() => done(window.shifts.splice(0)), 0))))"""
# Text that a box cuts without saying so with an ellipsis, and controls smaller than a fingertip.
CUT = """() => [...document.querySelectorAll("main *, .top *, .rail *, dialog[open] *")]
  .filter((e) => e.checkVisibility() && e.childElementCount === 0 && e.textContent.trim()
    && e.scrollWidth > e.clientWidth + 1 && getComputedStyle(e).overflowX === "hidden"
    && getComputedStyle(e).textOverflow !== "ellipsis" && getComputedStyle(e).clipPath === "none"
    && !e.closest(".visually-hidden, .skip-link, textarea, input"))
  .map((e) => `${e.tagName}.${e.className}: ${e.textContent.trim().slice(0, 40)}`)"""
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
UNNAMED = """() =>
  [...document.querySelectorAll("a[href], button, input, select, textarea, summary")]
  .filter((e) => e.checkVisibility() && e.type !== "hidden")
  .filter((e) => !(e.labels?.length || e.ariaLabel || e.title || e.textContent.trim()
    || e.getAttribute("aria-labelledby")))
  .map((e) => e.outerHTML.slice(0, 120))"""


@dataclass
class Load:
    """What a page's first load took."""

    requests: list[str] = field(default_factory=list)
    size: int = 0  # bytes over the wire, headers included

    @property
    def problems(self) -> list[str]:
        """What is more than a page may take."""
        many = [f"{len(self.requests)} requests", *self.requests]
        return many * (len(self.requests) > MOST_REQUESTS) + [f"{self.size} bytes"] * (
            self.size > MOST_BYTES
        )


def first_load(page: Page, path: str) -> Load:
    """The load of `path` in `page`, as if the browser had kept nothing yet."""
    load = Load()
    network = page.context.new_cdp_session(page)
    network.send("Network.enable")
    network.send("Network.setCacheDisabled", {"cacheDisabled": True})

    def asked(event: dict[str, dict[str, str]]) -> None:
        if not (url := event["request"]["url"]).startswith("data:"):  # it is in the stylesheet
            load.requests.append(url)

    def finished(event: dict[str, object]) -> None:
        load.size += int(str(event["encodedDataLength"]).partition(".")[0])

    network.on("Network.requestWillBeSent", asked)
    network.on("Network.loadingFinished", finished)
    page.goto(path)
    page.wait_for_load_state("load")
    network.detach()
    return load


def layout_problems(page: Page) -> list[str]:
    """What is wider than the window, or cut."""
    wide = page.evaluate(TOO_WIDE)
    return [f"{wide} px too wide"] * (wide > 0) + [f"cut: {text}" for text in page.evaluate(CUT)]


def axe_problems(page: Page) -> list[str]:
    """What axe finds, contrast included, and controls without a name."""
    found = Axe().run(page).response["violations"]
    axe = [f"{v['id']}: {n['html'][:160]} {n['any'][:1]}" for v in found for n in v["nodes"]]
    return axe + [f"no name: {html}" for html in page.evaluate(UNNAMED)]


def refusals(page: Page) -> list[str]:
    """What the content security policy refused. Wants WATCH in the page."""
    return list(page.evaluate("window.refused"))


def shifts(page: Page, most: float = MOST_SHIFTED) -> list[str]:
    """What moved by itself since this was last asked, once it is more than `most` in sum.

    Wants WATCH in the page.
    """
    found = page.evaluate(SEEN_SHIFTS)
    if sum(one["value"] for one in found) <= most:
        return []
    return [f"{one['value']:.4f}: {one['moved']}" for one in found]
