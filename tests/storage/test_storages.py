"""Files in a folder and in a bucket: whole or not there, and under no name from outside."""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from app.config import Settings
from app.storage import FileMissing, Storage, StorageUnreachable, storage_of
from app.storage.base import HEAD, PIECE
from app.storage.local import LocalStorage
from app.storage.s3 import Bucket, S3Storage
from tests.bucket import client_of, running_bucket


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "media"


@pytest.fixture(scope="module")
def service() -> Iterator[str]:
    """The address of an S3-compatible service with the bucket "files"."""
    with running_bucket() as address:
        yield address


@pytest.fixture(params=["folder", "bucket"])
def storage(request: pytest.FixtureRequest, folder: Path) -> Storage:
    if request.param == "folder":
        return LocalStorage(folder)
    url = f"{request.getfixturevalue('service')}/files/{secrets.token_hex(4)}"
    return S3Storage(Bucket(url, "key", "secret", "us-east-1"), folder)


def put(storage: Storage, content: bytes) -> str:
    with storage.draft() as draft:
        draft.write(content)
        return draft.keep()


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_kept_draft_is_read_back(storage: Storage) -> None:
    content = os.urandom(3 * PIECE + 17)

    key = put(storage, content)

    assert b"".join(storage.open(key)) == content
    assert storage.size(key) == len(content)


@pytest.mark.parametrize(
    ("start", "length"), [(0, 1), (5, 10), (PIECE - 1, 2), (PIECE * 2, None), (10**9, 5), (3, 0)]
)
def test_part_of_a_file_is_read(storage: Storage, start: int, length: int | None) -> None:
    content = os.urandom(2 * PIECE + 100)
    key = put(storage, content)

    end = None if length is None else start + length
    assert b"".join(storage.open(key, start=start, length=length)) == content[start:end]


def test_draft_knows_its_size_hash_and_first_bytes(storage: Storage) -> None:
    content = os.urandom(HEAD + 500)
    with storage.draft() as draft:
        for at in range(0, len(content), 999):
            draft.write(content[at : at + 999])

        assert draft.size == len(content)
        assert draft.sha256 == hashlib.sha256(content).hexdigest()
        assert draft.head == content[:HEAD]


def test_draft_that_was_not_kept_leaves_nothing(storage: Storage, folder: Path) -> None:
    with storage.draft() as draft:
        draft.write(b"half of it")

    assert files(folder) == []
    assert list(storage.entries()) == []


def test_draft_is_no_entry_before_it_is_kept(storage: Storage) -> None:
    with storage.draft() as draft:
        draft.write(b"x")
        assert list(storage.entries()) == []
        key = draft.keep()
        assert [entry.key for entry in storage.entries()] == [key]


def test_files_are_readable_by_us_alone(folder: Path) -> None:
    put(LocalStorage(folder), b"x")

    (path,) = files(folder)
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700


def test_deleted_file_is_missing_and_may_be_deleted_again(storage: Storage) -> None:
    key = put(storage, b"x")

    storage.delete(key)
    storage.delete(key)

    with pytest.raises(FileMissing):
        storage.size(key)
    with pytest.raises(FileMissing):
        storage.open(key)


@pytest.mark.parametrize(
    "key", ["../../secret.key", "", "ab", "/etc/passwd", "a" * 31 + "/", "G" * 32]
)
def test_what_is_no_key_of_ours_leads_nowhere(storage: Storage, key: str) -> None:
    for act in (storage.open, storage.size, storage.delete):
        with pytest.raises(FileMissing):
            act(key)


def test_only_drafts_that_nobody_writes_are_dropped(storage: Storage, folder: Path) -> None:
    abandoned, current = storage.draft(), storage.draft()
    old = time.time() - 7200
    os.utime(next(iter(files(folder))), (old, old))

    dropped = storage.drop_drafts(datetime.now(UTC) - timedelta(hours=1))

    assert dropped == 1
    assert len(files(folder)) == 1
    for draft in (abandoned, current):
        draft.close()


def test_entries_tell_when_a_file_was_written(storage: Storage) -> None:
    put(storage, b"x")

    (entry,) = storage.entries()
    assert abs(entry.modified_at - datetime.now(UTC)) < timedelta(minutes=1)


def test_a_kept_file_leaves_no_draft_behind(storage: Storage, folder: Path) -> None:
    put(storage, b"x")

    assert files(folder / "drafts") == []


def test_a_bucket_keeps_files_of_several_parts(service: str, folder: Path) -> None:
    storage = S3Storage(Bucket(f"{service}/files", "key", "secret", "us-east-1"), folder)
    content = os.urandom(11 * 1024 * 1024)

    key = put(storage, content)

    assert storage.size(key) == len(content)
    assert storage.read(key) == content
    assert files(folder) == []


def test_a_service_that_is_not_there_is_named_and_leaves_no_draft(folder: Path) -> None:
    storage = S3Storage(Bucket("http://127.0.0.1:9/files", "key", "secret", "x"), folder)
    with storage.draft() as draft:
        draft.write(b"x")
        with pytest.raises(StorageUnreachable):
            draft.keep()
    for act in (storage.size, storage.read, storage.delete):
        with pytest.raises(StorageUnreachable):
            act("a" * 32)
    assert files(folder) == []


def test_a_bucket_in_the_settings_is_where_files_go(service: str, settings: Settings) -> None:
    keys = {"media_s3_access_key": "key", "media_s3_secret_key": "secret"}
    url = {"media_s3_url": f"{service}/files/mine"}
    key = put(storage_of(settings.model_copy(update=url | keys)), b"x")

    found = client_of(service).list_objects("files", "mine/", recursive=True)
    assert [one.object_name for one in found] == [f"mine/{key[:2]}/{key}"]
    assert storage_of(settings) is not storage_of(settings.model_copy(update=url | keys))
