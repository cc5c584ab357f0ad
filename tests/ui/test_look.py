"""Rules of the look that a machine can hold."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

from tests.ui.browser import Browser, soup
from tools.icons import icons_in_sprite, used_icons

ROOT = Path(__file__).resolve().parent.parent.parent
TOKENS = (ROOT / "static/css/tokens.css").read_text()
TEXT_ON_GROUNDS = [
    *product(("text", "faint"), ("ground", "surface", "raised", "sunken", "green-ground")),
    *product(("green", "green-strong", "amber", "red", "blue"), ("ground", "surface", "raised")),
    *product(("green", "amber", "red", "blue"), ("sunken",)),
    *product(("text",), ("amber-ground", "red-ground", "blue-ground")),
    *product(("text", "faint", "red", "green", "amber", "blue"), ("bubble-out",)),
    ("on-green", "green"),
    ("on-green", "green-strong"),
    ("on-red", "red"),
    ("on-red", "red-strong"),
    ("ground", "text"),
    ("amber-ground", "amber"),
    *((tone, f"{tone}-ground") for tone in ("green", "amber", "red", "blue")),
]
EDGES = [*product(("edge", "focus", "green"), ("ground", "surface", "raised"))]
HUES = ROOT / "static/css/data.css"


def theme(name: str) -> dict[str, str]:
    """The colours of a theme: each stands once, for light and for dark."""
    found = re.findall(r"--([\w-]+): light-dark\((#[0-9a-f]{6}), (#[0-9a-f]{6})\);", TOKENS)
    return {token: light if name == "light" else dark for token, light, dark in found}


def luminance(colour: str) -> float:
    """The relative luminance of WCAG 2.2."""
    channels = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    """The contrast ratio of WCAG 2.2."""
    light, dark = sorted((luminance(one), luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_keeps_a_contrast_of_four_and_a_half(name: str) -> None:
    colours = theme(name)
    weak = {
        f"{text} on {ground}": round(contrast(colours[text], colours[ground]), 2)
        for text, ground in TEXT_ON_GROUNDS
        if contrast(colours[text], colours[ground]) < 4.5
    }
    assert weak == {}


@pytest.mark.parametrize("name", ["light", "dark"])
def test_the_edge_of_a_control_keeps_a_contrast_of_three(name: str) -> None:
    colours = theme(name)
    weak = [pair for pair in EDGES if contrast(*(colours[token] for token in pair)) < 3]
    assert weak == []


@pytest.mark.parametrize("name", ["light", "dark"])
def test_initials_keep_a_contrast_of_four_and_a_half(name: str) -> None:
    found = re.findall(
        r"--hue: light-dark\((#\w+), (#\w+)\); --hue-ground: light-dark\((#\w+), (#\w+)\)",
        HUES.read_text(),
    )
    assert len(found) == 3  # the other three are tones of the palette
    pairs = [(one[0], one[2]) if name == "light" else (one[1], one[3]) for one in found]
    assert [pair for pair in pairs if contrast(*pair) < 4.5] == []


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    assert used_icons() == icons_in_sprite(), "run `make icons`"


def test_every_fragment_has_one_root_with_an_id() -> None:
    from bs4 import BeautifulSoup

    for path in (ROOT / "templates").rglob("_*.html"):
        if path.name == "_form.html":  # a part of two pages, never swapped
            continue
        bare = re.sub(r"\{%-? macro .*?endmacro -?%\}", "", path.read_text(), flags=re.S)
        bare = re.sub(r"\{[{%#].*?[#%}]\}", "", bare, flags=re.S)
        roots = BeautifulSoup(bare, "html.parser").find_all(True, recursive=False)
        assert [bool(root.get("id")) for root in roots] == [True], path
        assert "{% extends" not in path.read_text()


def test_vendored_files_name_their_version_and_carry_their_licence() -> None:
    for folder in filter(Path.is_dir, (ROOT / "static/vendor").iterdir()):
        assert re.fullmatch(r"[\w.-]+@\d+\.\d+\.\d+", folder.name)
        assert (folder / "LICENSE").read_text()


def test_every_word_of_a_state_and_every_journal_line_is_known() -> None:
    from app.core.states import InstanceState, MessageStatus
    from app.ui.words import STATES, STATUSES

    assert set(STATES) == set(InstanceState)
    assert set(STATUSES) == set(MessageStatus) - {MessageStatus.RECEIVED}


def test_a_hint_describes_a_choice_and_is_no_part_of_its_name(bobs: Browser) -> None:
    page = soup(bobs.get("/ui/components"))
    hints = page.select(".switch small, .choice small")
    assert hints
    for hint in hints:
        [control] = page.select(f"[aria-describedby='{hint['id']}']")
        [name] = page.select(f"#{control['aria-labelledby']}")
        assert name.get_text()
        assert hint not in name.descendants
