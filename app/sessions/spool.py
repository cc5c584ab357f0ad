"""The file between the engine and the database: what arrived and is not committed yet.

The engine acknowledges an event to WhatsApp before anybody has worked on it, so its handler writes
it here first (wire.md section 1.2). One `write` puts a record into the kernel's hands: it survives
the death of this process, not a power cut.

A file belongs to the host that holds its lock. A host that dies leaves the file to the next one,
which reads it to its end and removes it.
"""

from __future__ import annotations

import fcntl
import os
import struct
import threading
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

_HEADER = struct.Struct(">II")  # length of the record, its CRC-32
_SUFFIX = ".spool"
_SET_ASIDE = "set-aside"
_TAIL = "torn-tail"


class SpoolInUse(Exception):
    """Another process holds the file."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Records in the order they were written; `end` is what `done` wants to be told."""

    records: list[bytes]
    end: int


class Spool:
    """An append-only file of records, safe to use from several threads."""

    def __init__(self, path: Path) -> None:
        """Opens `path`, made if it is not there. A torn end is moved out of the way.

        Raises SpoolInUse, OSError.
        """
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            raise SpoolInUse(str(path)) from None
        self._waiting: deque[bytes] = deque()  # what the disk would not take
        self._read_to = 0
        self._size = self._mend()

    def append(self, record: bytes) -> None:
        """Writes one record. What cannot be written is kept in memory and tried again with the
        next one: nobody else has it."""
        with self._lock:
            self._waiting.append(_HEADER.pack(len(record), zlib.crc32(record)) + record)
            try:
                self._write_waiting()
            except OSError as error:
                log.error("spool.not_written", path=str(self.path), error=str(error))

    def read(self, limit: int) -> Batch:
        """Up to `limit` records that are not done yet; the same again until `done` is called."""
        with self._lock:
            if self._waiting:
                self._try_again()
            records, end = [], self._read_to
            for record, after in self._records(self._read_to):
                records.append(record)
                end = after
                if len(records) == limit:
                    break
            return Batch(records, end)

    def done(self, batch: Batch) -> None:
        """Everything up to the end of `batch` is committed."""
        with self._lock:
            self._read_to = batch.end

    def trim(self) -> None:
        """Empties the file when all of it is done."""
        with self._lock:
            if self._read_to == self._size > 0:
                os.ftruncate(self._file, 0)
                self._read_to = self._size = 0

    def set_aside(self, record: bytes) -> None:
        """Keeps a record that cannot be worked on in a file beside, for a person to look at."""
        _append_to(self.path.with_name(_SET_ASIDE), record)

    def close(self) -> None:
        """Gives the file up, and removes it when all of it is done."""
        with self._lock:
            if self._read_to == self._size and not self._waiting:
                self.path.unlink(missing_ok=True)
            os.close(self._file)

    def _write_waiting(self) -> None:
        while self._waiting:
            data = self._waiting[0]
            written = os.pwrite(self._file, data, self._size)
            if written < len(data):
                os.ftruncate(self._file, self._size)
                raise OSError("the disk took only a part")
            self._size += written
            self._waiting.popleft()

    def _try_again(self) -> None:
        try:
            self._write_waiting()
        except OSError as error:
            log.error("spool.not_written", path=str(self.path), error=str(error))

    def _records(self, offset: int) -> Iterator[tuple[bytes, int]]:
        """The whole records from `offset` on, each with the offset after it."""
        while offset + _HEADER.size <= self._size:
            length, checksum = _HEADER.unpack(os.pread(self._file, _HEADER.size, offset))
            start, offset = offset + _HEADER.size, offset + _HEADER.size + length
            if length == 0 or offset > self._size:  # after a power cut the end may be all zeros
                return
            record = os.pread(self._file, length, start)
            if zlib.crc32(record) != checksum:
                return
            yield record, offset

    def _mend(self) -> int:
        """The size of the file's sound part, to which the file is cut."""
        self._size = os.fstat(self._file).st_size
        sound = 0
        for _, after in self._records(0):
            sound = after
        if sound < self._size:
            tail = os.pread(self._file, self._size - sound, sound)
            log.warning("spool.mended", path=str(self.path), bytes_cut=len(tail))
            _append_to(self.path.with_name(_TAIL), tail)
            os.ftruncate(self._file, sound)
        return sound


def path_for(folder: Path, account_id: str, epoch: int) -> Path:
    """Where the host that holds the lease `epoch` keeps the events of `account_id`."""
    return folder / account_id / f"{epoch:010}{_SUFFIX}"


def left_behind(path: Path) -> list[Path]:
    """The files of the hosts that had the account before the one of `path`, oldest first."""
    return sorted(other for other in path.parent.glob(f"*{_SUFFIX}") if other.name < path.name)


def _append_to(path: Path, data: bytes) -> None:
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, _HEADER.pack(len(data), zlib.crc32(data)) + data)
    finally:
        os.close(file)
