from __future__ import annotations

import gettext
import os
from pathlib import Path

import pytest

from app.translations import compile_stale


@pytest.fixture
def catalogue(tmp_path: Path) -> Path:
    path = tmp_path / "ru" / "LC_MESSAGES" / "messages.po"
    path.parent.mkdir(parents=True)
    path.write_text(
        'msgid ""\nmsgstr "Content-Type: text/plain; charset=UTF-8\\n"\n\n'
        'msgid "Sign in"\nmsgstr "Войти"\n',
        encoding="utf-8",
    )
    return path


def test_catalogue_is_compiled_once(tmp_path: Path, catalogue: Path) -> None:
    assert compile_stale(tmp_path) == [catalogue.with_suffix(".mo")]
    assert compile_stale(tmp_path) == []


def test_compiled_catalogue_translates(tmp_path: Path, catalogue: Path) -> None:
    compile_stale(tmp_path)

    assert gettext.translation("messages", tmp_path, ["ru"]).gettext("Sign in") == "Войти"


def test_changed_catalogue_is_compiled_again(tmp_path: Path, catalogue: Path) -> None:
    (compiled,) = compile_stale(tmp_path)
    later = compiled.stat().st_mtime + 5
    os.utime(catalogue, (later, later))

    assert compile_stale(tmp_path) == [compiled]
