"""What is replaced in the engine's library, and where it is not."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from app.engine import mending


def test_what_takes_the_place_of_the_fault_is_as_long_as_it() -> None:
    code = mending._replacement(0x1122334455667788)
    assert len(code) == len(mending._FAULTY)
    end = code.index(b"\xeb") + 1
    assert end + 1 + code[end] == len(code)  # the jump leads to the code behind it
    assert bytes.fromhex("8877665544332211") in code


def test_the_installed_library_has_the_fault_once() -> None:
    """When this fails the engine is another one: see whether it needs mending still."""
    spec = importlib.util.find_spec("neonize")
    assert spec is not None and spec.submodule_search_locations
    (library,) = Path(spec.submodule_search_locations[0]).glob("neonize-*.so")
    if "amd64" not in library.name:
        pytest.skip("only the build for x86-64 is mended")
    assert library.read_bytes().count(mending._LOAD_TYPE + mending._FAULTY) == 1


def test_another_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(mending, "_library_code", lambda: [])
    monkeypatch.setattr(mending, "_write", lambda place, code: written.append(place))
    assert (mending.mend(), mending.mended(), written) == (False, False, [])


def test_a_system_that_lets_no_code_be_changed_is_told_of(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(place: int, code: bytes) -> None:
        raise OSError(13, "mprotect")

    monkeypatch.setattr(mending, "_find_fault", lambda: 4096)
    monkeypatch.setattr(mending, "_write", refuse)
    assert mending.mend() is False
    assert "was not mended" in caplog.text
