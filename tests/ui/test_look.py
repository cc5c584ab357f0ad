"""Rules of the look that a machine can hold."""

from __future__ import annotations

import re
from itertools import product
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
TOKENS = (ROOT / "static/css/tokens.css").read_text()
TEXT_ON_GROUNDS = [
    *product(("text", "faint"), ("ground", "surface", "sunken", "green-ground")),
    *product(("green", "green-strong", "amber", "red"), ("ground", "surface")),
    *product(("text", "faint", "red", "green", "amber"), ("bubble-out",)),
    ("on-green", "green"),
    ("on-green", "green-strong"),
    ("on-red", "red"),
    ("green", "green-ground"),
    ("amber", "amber-ground"),
    ("red", "red-ground"),
]


def theme(name: str) -> dict[str, str]:
    """The colours of a theme; the dark one changes some of the light one's."""
    light, _, dark = TOKENS.partition("@media (prefers-color-scheme: dark)")
    found = re.compile(r"--([\w-]+): (#[0-9a-f]{6})")
    return dict(found.findall(light)) | (dict(found.findall(dark)) if name == "dark" else {})


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


def test_every_icon_that_is_used_is_in_the_sprite() -> None:
    from app.ui.words import STATES, STATUSES

    sprite = (ROOT / "static/vendor/tabler-icons@3.51.0/icons.svg").read_text()
    there = set(re.findall(r'<symbol id="([\w-]+)"', sprite))
    named = {
        name
        for template in (ROOT / "templates").rglob("*.html")
        for name in re.findall(r"(?:icon\(|link\('ui\.\w+', )'([\w-]+)'", template.read_text())
    }
    used = named | {shown.icon for shown in [*STATES.values(), *STATUSES.values()]}
    assert used == there


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
