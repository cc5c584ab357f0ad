"""The compiled catalogues (.mo), made from the texts (.po) when those are newer."""

from __future__ import annotations

import os
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "translations"


def compile_stale(folder: Path = FOLDER) -> list[Path]:
    """Compiles what changed since the last time; returns the files written."""
    stale = [text for text in sorted(folder.glob("*/LC_MESSAGES/*.po")) if _is_stale(text)]
    return [_compile(text) for text in stale]


def _is_stale(text: Path) -> bool:
    compiled = text.with_suffix(".mo")
    return not compiled.exists() or compiled.stat().st_mtime < text.stat().st_mtime


def _compile(text: Path) -> Path:
    from babel.messages.mofile import write_mo  # takes its time, and is rarely needed
    from babel.messages.pofile import read_po

    compiled, fresh = text.with_suffix(".mo"), text.with_suffix(f".{os.getpid()}.new")
    with text.open("rb") as source, fresh.open("wb") as target:
        write_mo(target, read_po(source))
    fresh.replace(compiled)  # a reader sees the old one or the new one, never half
    return compiled


if __name__ == "__main__":
    compile_stale()
