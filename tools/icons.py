"""`make icons`: puts the icons that are used into the one sprite, and takes the others out.

The used ones are read from the templates: what is handed to a parameter called `icon`, and the
pictures of states and kinds in app/ui. The drawings come from the npm package of the version that
the folder is named for (`npm` must be there).
"""

from __future__ import annotations

import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

ROOT = Path(__file__).resolve().parent.parent
FOLDER = next((ROOT / "static/vendor").glob("tabler-icons@*"))
SPRITE = FOLDER / "icons.svg"
VERSION = FOLDER.name.partition("@")[2]
_FRAME = (
    'viewBox="0 0 24 24" fill="none" stroke="currentColor" '
    'stroke-linecap="round" stroke-linejoin="round"'
)


def used_icons() -> set[str]:
    """The names of all icons that templates and states show."""
    from app.ui.kinds import KINDS, SOME_KIND
    from app.ui.words import STATES, STATUSES

    trees = [Environment().parse(path.read_text()) for path in _templates()]  # noqa: S701 - no output
    places = {"icon": 0, "picture": 0}
    for tree in trees:
        places |= dict(_icon_places(tree))
    found = {name for tree in trees for name in _icons_of(tree, places)}
    shown = [*STATES.values(), *STATUSES.values(), *KINDS.values(), SOME_KIND]
    return found | {one.icon for one in shown}


def icons_in_sprite() -> set[str]:
    """The names of the symbols that are there."""
    return set(re.findall(r'<symbol id="([\w-]+)"', SPRITE.read_text()))


def _templates() -> list[Path]:
    return sorted((ROOT / "templates").rglob("*.html"))


def _icon_places(tree: nodes.Template) -> Iterator[tuple[str, int]]:
    """Each macro that takes an icon, and the position of that parameter."""
    for macro in tree.find_all(nodes.Macro):
        names = [argument.name for argument in macro.args]
        if "icon" in names:
            yield macro.name, names.index("icon")


def _icons_of(tree: nodes.Template, places: dict[str, int]) -> Iterator[str]:
    for call in tree.find_all(nodes.Call):
        name = getattr(call.node, "attr", None) or getattr(call.node, "name", "")
        if name in places and len(call.args) > places[name]:
            yield from _texts(call.args[places[name]])
        for keyword in call.kwargs:
            if keyword.key == "icon":
                yield from _texts(keyword.value)
    for assignment in tree.find_all(nodes.Assign):
        if getattr(assignment.target, "name", "") == "ICONS":
            yield from _texts(assignment.node)
    yield from _icons_by_default(tree)


def _icons_by_default(tree: nodes.Template) -> Iterator[str]:
    for macro in tree.find_all(nodes.Macro):
        pairs = zip(reversed(macro.args), reversed(macro.defaults), strict=False)
        for argument, default in pairs:
            if argument.name == "icon":
                yield from _texts(default)


def _texts(node: nodes.Node) -> Iterator[str]:
    """What the expression can come to, as far as it is written out."""
    if isinstance(node, nodes.Const):
        yield from filter(None, [str(node.value)])
    elif isinstance(node, nodes.CondExpr):
        yield from _texts(node.expr1)
        yield from _texts(node.expr2) if node.expr2 else ()
    elif isinstance(node, nodes.Or):
        yield from _texts(node.right)
    elif isinstance(node, nodes.Dict):
        for pair in node.items:
            yield from _texts(pair.value)
    elif isinstance(node, nodes.Call) and isinstance(
        node.node, nodes.Getattr
    ):  # {…}.get(key, else)
        yield from _texts(node.node.node)
        for argument in node.args[1:]:
            yield from _texts(argument)


def drawings() -> dict[str, str]:
    """The outline icons of the package, by name."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["npm", "pack", "--silent", f"@tabler/icons@{VERSION}"]
        packed = subprocess.run(command, cwd=folder, check=True, capture_output=True, text=True)  # noqa: S603
        package = (Path(folder) / packed.stdout.strip().splitlines()[-1]).read_bytes()
    with tarfile.open(fileobj=io.BytesIO(package)) as archive:
        return {
            Path(member.name).stem: _read(archive, member)
            for member in archive
            if "/icons/outline/" in member.name and member.name.endswith(".svg")
        }


def _read(archive: tarfile.TarFile, member: tarfile.TarInfo) -> str:
    file = archive.extractfile(member)
    return file.read().decode() if file else ""


def symbol(name: str, drawing: str) -> str:
    """The icon as a symbol of the sprite; how thick its lines are is for the stylesheet to say."""
    inside = drawing[drawing.index(">", drawing.index("<svg")) + 1 : drawing.index("</svg>")]
    return f'<symbol id="{name}" {_FRAME}>{" ".join(inside.split())}</symbol>'


def main() -> None:
    """Writes the sprite."""
    drawn, wanted = drawings(), sorted(used_icons())
    if unknown := [name for name in wanted if name not in drawn]:
        sys.exit(f"Tabler has no icon called {', '.join(unknown)}: https://tabler.io/icons")
    head = f"<!-- @tabler/icons@{VERSION}, MIT, see LICENSE. Only the icons that are used. -->"
    symbols = [symbol(name, drawn[name]) for name in wanted]
    lines = ['<svg xmlns="http://www.w3.org/2000/svg">', head, *symbols, "</svg>"]
    SPRITE.write_text("\n".join(lines) + "\n")
    sys.stdout.write(f"{len(wanted)} icons\n")


if __name__ == "__main__":
    main()
