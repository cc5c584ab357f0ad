"""Mends one fault of the engine's library, in memory: it drops what collection a patch is for.

neonize 0.5.2 compares pointers where it means values (goneonize/utils/decoder.go, DecodePatchInfo),
and so sends every patch of app state to a collection without a name, which WhatsApp does not have.
The hundred bytes that choose the name can never choose one; they are replaced by code that takes it
from a table of ours. That is done before the library is used, only where exactly these bytes stand,
once; any other build of the library stays as it is, and sends no patches (`mended` is False).
The file on disk is not touched. To be dropped with the first neonize that needs it no more.
"""

from __future__ import annotations

import ctypes
import logging
import mmap
import struct
from pathlib import Path

log = logging.getLogger(__name__)

_LIBRARY_NAME = "neonize"
_NAMES = {
    1: b"critical_block",
    2: b"critical_unblock_low",
    3: b"regular_low",
    4: b"regular_high",
    5: b"regular",
}
"""By neonize's numbers of collections (PatchInfo.Type)."""
_SLOTS = 8

# x86-64: three times "is the pointer this address on the stack?", each with a name that is never
# taken, then the empty one. Before: rdx = PatchInfo.Type (a pointer). After: rcx, rdx = the name.
_LOAD_TYPE = bytes.fromhex("488b5010")
_FAULTY = bytes.fromhex(
    "c744244c010000004c8d44244c4c39c2750e488d0df76f1f00ba0e000000eb44"
    "c7442448020000004c8d4424484c39c2750e488d0d58c71f00ba14000000eb24"
    "c7442444050000004c8d4424444c39c2750e488d0d361c1f00ba07000000eb04"
    "31c931d2"
)
_CODE_BEFORE_TABLE = bytes.fromhex(
    "4885d2"  # test rdx, rdx    no type: the empty name, which is the table's first
    "7402"  # jz +2
    "8b12"  # mov edx, [rdx]
    "83e207"  # and edx, 7
    "48c1e204"  # shl rdx, 4
    "49b8"  # mov r8, the table's address
)
_CODE_AFTER_TABLE = bytes.fromhex(
    "498b0c10"  # mov rcx, [r8 + rdx]
    "498b541008"  # mov rdx, [r8 + rdx + 8]
    "eb"  # jmp to the end of what is replaced
)

_kept: list[object] = []  # the library holds pointers to these for the life of the process
_mended = False


def mended() -> bool:
    """Whether patches of app state reach the collections that they are for."""
    return _mended


def mend() -> bool:
    """Mends the library that this process has loaded; whether it is mended. Call it once, before
    anything of the library runs."""
    global _mended
    try:
        place = _find_fault()
        if place is not None and not _mended:
            _write(place, _replacement(_table()))
            _mended = True
    except OSError as error:  # a system that lets no code be changed
        log.warning("the engine's library was not mended: %s", error)
    if not _mended:
        log.warning("this build of the engine cannot tell phones how chats are kept")
    return _mended


def _replacement(table: int) -> bytes:
    code = _CODE_BEFORE_TABLE + struct.pack("<Q", table) + _CODE_AFTER_TABLE
    rest = len(_FAULTY) - len(code) - 1
    return code + bytes((rest,)) + b"\xcc" * rest


def _table() -> int:
    """The address of a table of Go's strings (pointer, length), one for each number."""
    table = (ctypes.c_uint64 * (2 * _SLOTS))()
    for number, name in _NAMES.items():
        text = ctypes.create_string_buffer(name)
        table[2 * number], table[2 * number + 1] = ctypes.addressof(text), len(name)
        _kept.append(text)
    _kept.append(table)
    return ctypes.addressof(table)


def _find_fault() -> int | None:
    """Where the faulty code is in this process; None unless it is there exactly once."""
    wanted = _LOAD_TYPE + _FAULTY
    hits = []
    for start, end in _library_code():
        code = ctypes.string_at(start, end - start)
        at = code.find(wanted)
        while at >= 0:
            hits.append(start + at + len(_LOAD_TYPE))
            at = code.find(wanted, at + 1)
    return hits[0] if len(hits) == 1 else None


def _library_code() -> list[tuple[int, int]]:
    """The executable mappings of the engine's library."""
    found = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) == 6 and "x" in fields[1] and _LIBRARY_NAME in Path(fields[5]).name:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            found.append((start, end))
    return found


def _write(place: int, code: bytes) -> None:
    """Changes code in place. Raises OSError where the system does not allow it."""
    first = place - place % mmap.PAGESIZE
    length = place + len(code) - first
    usual = mmap.PROT_READ | mmap.PROT_EXEC
    _protect(first, length, usual | mmap.PROT_WRITE)
    ctypes.memmove(place, code, len(code))
    _protect(first, length, usual)


def _protect(first: int, length: int, protection: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mprotect(ctypes.c_void_p(first), ctypes.c_size_t(length), protection):
        raise OSError(ctypes.get_errno(), "mprotect")
