"""The sandbox stands alone: it loads neither the product nor the engine."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2] / "app" / "sandbox"


def test_the_sandbox_imports_nothing_else_of_the_product() -> None:
    foreign = {
        f"{file.relative_to(PACKAGE)}: {name}"
        for file in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8")))
        for name in _imported(node)
        if name.split(".")[0] in ("app", "neonize") and not name.startswith("app.sandbox")
    }
    assert foreign == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    if isinstance(node, ast.ImportFrom):
        return [node.module or ""]
    return []


def test_a_running_sandbox_has_loaded_neither_the_engine_nor_the_product() -> None:
    code = (
        "import sys, app.sandbox.server;"
        "print([m for m in sys.modules if m.split('.')[0] in ('neonize', 'flask', 'sqlalchemy')]);"
        "print('neonize' in open('/proc/self/maps').read())"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        cwd=PACKAGE.parents[1],
    ).stdout
    assert printed.split("\n")[:2] == ["[]", "False"]
