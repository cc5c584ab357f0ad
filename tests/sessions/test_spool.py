"""The file between the engine and the database."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from app.sessions.spool import Spool, SpoolInUse, left_behind, path_for


@pytest.fixture
def path(data_dir: Path) -> Path:
    return path_for(data_dir, "acc_1", 3)


def written(path: Path, *records: bytes) -> None:
    spool = Spool(path)
    for record in records:
        spool.append(record)
    spool.close()


def everything(path: Path) -> list[bytes]:
    spool = Spool(path)
    try:
        return spool.read(1000).records
    finally:
        spool.close()


def test_records_come_back_in_order_after_a_crash(path: Path) -> None:
    written(path, b"one", b"two", b"three")

    assert everything(path) == [b"one", b"two", b"three"]


def test_what_is_not_done_is_read_again(path: Path) -> None:
    spool = Spool(path)
    spool.append(b"one")
    spool.append(b"two")
    first = spool.read(1)

    assert first.records == spool.read(1).records == [b"one"]
    spool.done(first)
    assert spool.read(1000).records == [b"two"]
    spool.close()


def test_done_records_stay_in_the_file_until_it_is_trimmed(path: Path) -> None:
    spool = Spool(path)
    spool.append(b"one")
    spool.done(spool.read(1))
    assert path.stat().st_size > 0

    spool.trim()

    assert path.stat().st_size == 0
    spool.append(b"two")
    assert spool.read(1).records == [b"two"]
    spool.close()


def test_trim_leaves_what_is_not_done(path: Path) -> None:
    spool = Spool(path)
    spool.append(b"one")
    spool.trim()

    assert spool.read(1).records == [b"one"]
    spool.close()


@pytest.mark.parametrize("torn", [b"\0", b"\0\0\0\5", b"\0\0\0\5\1\2\3\4abc", bytes(64)])
def test_torn_end_is_cut_off_and_kept_beside(path: Path, torn: bytes) -> None:
    written(path, b"whole")
    with path.open("ab") as file:
        file.write(torn)

    spool = Spool(path)
    spool.append(b"next")

    assert spool.read(1000).records == [b"whole", b"next"]
    assert torn in (path.parent / "torn-tail").read_bytes()
    spool.close()


def test_damaged_record_ends_what_can_be_trusted(path: Path) -> None:
    written(path, b"good", b"spoilt")
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)

    assert everything(path) == [b"good"]


def test_length_from_a_damaged_header_is_not_believed(path: Path) -> None:
    written(path, b"good")
    with path.open("ab") as file:
        file.write(b"\xff\xff\xff\xff\0\0\0\0and more")

    assert everything(path) == [b"good"]


def test_file_has_one_owner_at_a_time(path: Path) -> None:
    spool = Spool(path)
    with pytest.raises(SpoolInUse):
        Spool(path)
    spool.append(b"one")
    spool.close()

    assert everything(path) == [b"one"]


def test_file_that_is_all_done_is_removed_when_closed(path: Path) -> None:
    spool = Spool(path)
    spool.append(b"one")
    spool.done(spool.read(1))
    spool.close()

    assert not path.exists()


def test_record_that_the_disk_refuses_is_written_with_the_next(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = Spool(path)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", full)
        spool.append(b"kept in memory")
    spool.append(b"next")

    assert spool.read(1000).records == [b"kept in memory", b"next"]
    spool.close()


def test_half_a_record_that_fits_on_a_full_disk_is_taken_back(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spool, real = Spool(path), os.pwrite

    with monkeypatch.context() as broken:
        broken.setattr(os, "pwrite", lambda file, data, at: real(file, data[:5], at))
        spool.append(b"too long")
    assert path.stat().st_size == 0

    assert spool.read(1000).records == [b"too long"]
    spool.close()


def test_files_of_earlier_leases_are_found_oldest_first(data_dir: Path) -> None:
    for epoch in (10, 2, 11):
        written(path_for(data_dir, "acc_1", epoch), b"left")
    written(path_for(data_dir, "acc_2", 1), b"of somebody else")

    found = left_behind(path_for(data_dir, "acc_1", 11))

    assert found == [path_for(data_dir, "acc_1", 2), path_for(data_dir, "acc_1", 10)]
