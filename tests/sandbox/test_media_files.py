"""Encrypted files, the shelf they lie on, and the parts of them that can be asked for."""

from __future__ import annotations

import hashlib
import io
import os
from dataclasses import replace
from pathlib import Path

import pytest

from app.sandbox.media import crypto, pictures, samples
from app.sandbox.media.crypto import MediaError, Seal
from app.sandbox.media.ranges import NotInFile, asked_for
from app.sandbox.media.shelf import Shelf, TooLarge

PURPOSE = "WhatsApp Image Keys"


def _sealed(plain: bytes) -> tuple[bytes, Seal]:
    into = io.BytesIO()
    seal = crypto.seal(io.BytesIO(plain), into, PURPOSE)
    return into.getvalue(), seal


def _opened(sealed: bytes, seal: Seal, purpose: str = PURPOSE) -> bytes:
    into = io.BytesIO()
    crypto.unseal(io.BytesIO(sealed), into, seal, purpose)
    return into.getvalue()


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, (1 << 18) - 1, 1 << 18, (1 << 18) + 16])
def test_a_file_is_the_same_after_its_journey(size: int) -> None:
    plain = os.urandom(size)
    sealed, seal = _sealed(plain)
    assert _opened(sealed, seal) == plain
    assert len(sealed) == size // 16 * 16 + 16 + crypto.MAC_LENGTH
    assert seal.enc_sha256 == hashlib.sha256(sealed).digest()
    assert (seal.sha256, seal.length) == (hashlib.sha256(plain).digest(), size)


def _rehashed(sealed: bytes, seal: Seal) -> Seal:
    return replace(seal, enc_sha256=hashlib.sha256(sealed).digest())


def test_every_way_a_file_can_be_wrong_is_noticed() -> None:
    sealed, seal = _sealed(b"x" * 100)
    other_mac = sealed[:-1] + bytes((sealed[-1] ^ 1,))
    other_text = bytes((sealed[0] ^ 1,)) + sealed[1:]
    for file, told, complaint in (
        (sealed[:9], seal, "too short"),
        (other_mac, seal, "not the one that was sent"),
        (other_mac, _rehashed(other_mac, seal), "the MAC is wrong"),
        (other_text, _rehashed(other_text, seal), "the MAC is wrong"),
        (sealed[:-3], seal, "cannot be decrypted"),
        (sealed, replace(seal, key=bytes(32)), "cannot be decrypted|the MAC is wrong"),
        (sealed, replace(seal, sha256=bytes(32)), "not what was sent"),
        (sealed, replace(seal, length=99), "100 bytes instead of 99"),
    ):
        with pytest.raises(MediaError, match=complaint):
            _opened(file, told)
    with pytest.raises(MediaError):
        _opened(sealed, seal, "WhatsApp Video Keys")


@pytest.mark.parametrize(
    ("header", "part"),
    [
        ("", None),
        ("bytes=0-9", range(10)),
        ("bytes=10-", range(10, 100)),
        ("bytes=-10", range(90, 100)),
        ("bytes=-1000", range(100)),
        ("bytes=90-1000", range(90, 100)),
        ("bytes=0-0,5-6", None),
        ("bytes=-", None),
        ("lines=1-2", None),
    ],
)
def test_a_range_names_a_part_of_the_file(header: str, part: range | None) -> None:
    assert asked_for(header, 100) == part


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=100-200", "bytes=9-5", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(header: str) -> None:
    with pytest.raises(NotInFile):
        asked_for(header, 100)


def _put(shelf: Shelf, name: str, size: int) -> None:
    with shelf.draft() as draft:
        draft.write_bytes(bytes(size))
        shelf.keep(draft, name)


def test_the_oldest_files_go_when_all_together_pass_the_bound(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, limit=100)
    for name in ("a", "b", "c"):
        _put(shelf, name, 30)
    _put(shelf, "a", 30)  # came again: it is the newest now
    _put(shelf, "d", 40)
    assert [shelf.find(name) is not None for name in "abcd"] == [True, False, True, True]
    assert sorted(file.name for file in tmp_path.iterdir()) == ["a", "c", "d"]


def test_a_shelf_knows_its_files_and_their_age_after_a_restart(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, limit=100)
    for name in ("z", "y"):
        _put(shelf, name, 30)
    (tmp_path / "left.part").write_bytes(bytes(500))

    shelf = Shelf(tmp_path, limit=100)
    _put(shelf, "x", 50)
    assert sorted(file.name for file in tmp_path.iterdir()) == ["x", "y"]
    assert shelf.find("left.part") is None


def test_a_file_above_the_bound_is_refused_and_leaves_the_others_alone(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path, limit=100)
    _put(shelf, "a", 100)
    with pytest.raises(TooLarge):
        _put(shelf, "b", 101)
    assert [file.name for file in tmp_path.iterdir()] == ["a"]
    assert (shelf.remove("a"), shelf.remove("a")) == (True, False)


def test_what_contacts_send_are_files_of_their_kind(tmp_path: Path) -> None:
    picture = tmp_path / "picture"
    picture.write_bytes(samples.picture())
    look = pictures.look_of(picture)
    assert look and (look.width, look.height) == (640, 480)
    assert look.thumbnail.startswith(b"\xff\xd8\xff")
    document = samples.document()
    table = int(document.split(b"startxref\n")[1].split()[0])
    assert document.startswith(b"%PDF-1.4") and document[table:].startswith(b"xref")
    voice = samples.voice(3)
    assert voice.count(b"OggS") == 5  # two heads and a page per second
    assert voice[28:36] == b"OpusHead"


def test_what_is_no_picture_has_no_look(tmp_path: Path) -> None:
    file = tmp_path / "file"
    for content in (b"", b"<html>", samples.picture()[:300]):
        file.write_bytes(content)
        assert pictures.look_of(file) is None
