"""The house itself: which room may know which, and how large its parts may grow."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
APP = ROOT / "app"

# What every room of the product may stand on; they know nothing of the rooms above models.
FOUNDATIONS = {
    *("bell", "clock", "config", "connections", "database", "extensions", "meter"),
    *("i18n", "logging", "qr_code", "rq_worker", "topics", "transaction", "version", "waiting"),
}
# Where the arrows of each room may point, itself and the foundations aside.
ARROWS = {
    "core": set[str](),
    "models": {"core"},
    "outgoing": {"core"},
    "storage": {"core"},
    "services": {"core", "models", "outgoing", "storage", "conversion"},
    "conversion": {"core"},
    "engine": {"core", "outgoing", "sandbox.trust"},
    "sessions": {"core", "models", "services", "engine", "storage", "supervisor.process"},
    "jobs": {
        *("core", "models", "services", "outgoing", "sessions", "engine", "storage"),
        "conversion",
        "supervisor.process",
    },
    "security": {"core", "models", "services", "storage"},
    "ui": {"core", "models", "services", "security", "sandbox.client"},  # the demo's test phone
    "api": {"core", "models", "services", "security"},
    "sandbox": set[str](),
}
WITHOUT_FOUNDATIONS = {"core", "sandbox"}
MAX_FUNCTION_LINES = 60
MAX_FILE_LINES = 400

SOURCES = sorted(path for path in [*APP.rglob("*.py"), ROOT / "worker.py", ROOT / "wsgi.py"])
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
INLINE = re.compile(
    r"<script(?![^>]*\ssrc=)|<style|\sstyle=|\son[a-z]+=|\shx-on|\bjavascript:|[\"']js:", re.I
)


def imports_of(path: Path) -> Iterator[str]:
    """The parts of the product that a file imports, as "room.module"."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        else:
            continue
        yield from (name.removeprefix("app.") for name in names if name.startswith("app."))


def may_point(room: str, target: str) -> bool:
    """Whether an import of `target` ("room.module.name") is allowed in `room`."""
    first, _, rest = target.partition(".")
    if first == room or (target == "create_app" and room == "sessions"):
        return True
    if first in FOUNDATIONS:
        return room not in WITHOUT_FOUNDATIONS
    return first in ARROWS[room] or f"{first}.{rest.partition('.')[0]}" in ARROWS[room]


@pytest.mark.parametrize("room", ARROWS)
def test_arrows_of_a_room_point_where_they_may(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)} imports {target}"
        for path in sorted((APP / room).rglob("*.py"))
        for target in imports_of(path)
        if not may_point(room, target)
    ]

    assert wrong == []


def test_foundations_know_no_room_above_the_models() -> None:
    allowed = FOUNDATIONS | {"core", "models"}
    wrong = [
        f"app/{name}.py imports {target}"
        for name in sorted(FOUNDATIONS)
        if (APP / f"{name}.py").exists()
        for target in imports_of(APP / f"{name}.py")
        if target.partition(".")[0] not in allowed
    ]

    assert wrong == []


def test_every_folder_is_a_known_room() -> None:
    rooms = {path.parent.name for path in APP.glob("*/__init__.py")}

    assert rooms - ARROWS.keys() == {"supervisor"}  # it starts everything, so it may know all


def test_functions_are_short() -> None:
    long = [
        f"{path.relative_to(ROOT)}:{node.lineno} {node.name}"
        for path in SOURCES
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or 0) - node.lineno >= MAX_FUNCTION_LINES
    ]

    assert long == []


def test_files_are_of_a_size_to_read() -> None:
    lines = {path: path.read_text().count("\n") for path in SOURCES}

    assert [path for path, count in lines.items() if count > MAX_FILE_LINES] == []


def test_no_module_is_named_for_nothing() -> None:
    assert [path for path in SOURCES if path.stem in {"utils", "util", "helpers", "misc"}] == []


def test_templates_have_no_inline_script_or_style() -> None:
    found = [
        f"{path.relative_to(ROOT)}: {match[0]}"
        for path in TEMPLATES
        for match in INLINE.finditer(path.read_text())
    ]

    assert found == []
