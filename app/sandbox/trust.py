"""Makes the engine in this process trust the sandbox's certificate instead of WhatsApp's.

whatsmeow pins the key that signs WhatsApp's Noise certificates in a package variable
(`WACertPubKey`, handshake.go), so the 32 bytes lie in the writable data of the loaded library. They
are replaced there, in memory; the file on disk is not touched. Without SANDBOX=1 in the environment
nothing here does anything but refuse.
"""

import ctypes
import os
from dataclasses import dataclass
from pathlib import Path

# whatsmeow, handshake.go, WACertPubKey.
_WHATSAPP_ROOT = bytes.fromhex("142375574d0a587166aae71ebe516437c4a28b73e3695c6ce1f7f9545da8ee6b")
_KEY_LENGTH = 32
_LIBRARY_NAME = "neonize"

_trusted: bytes | None = None


class TrustError(RuntimeError):
    """The key could not be replaced; the message says why."""


class SandboxOnly(TrustError):
    """The environment does not say SANDBOX=1, so the engine keeps trusting WhatsApp alone."""


@dataclass(frozen=True)
class _Mapping:
    start: int
    length: int


def trust(noise_root: bytes) -> None:
    """Replaces the pinned key with `noise_root` (32 bytes), once per process.

    Call it after neonize is imported and before the first connect. The same key again is fine.
    Raises SandboxOnly outside sandbox mode, TrustError when the key cannot be replaced.
    """
    global _trusted
    if os.environ.get("SANDBOX") != "1":
        raise SandboxOnly("the engine trusts another server only when SANDBOX=1 is set")
    if len(noise_root) != _KEY_LENGTH:
        raise TrustError(f"a Noise root key has {_KEY_LENGTH} bytes, not {len(noise_root)}")
    if _trusted == noise_root:
        return
    if _trusted is not None:
        raise TrustError("this process trusts another sandbox already")
    ctypes.memmove(_pinned_key_address(), noise_root, _KEY_LENGTH)
    _trusted = bytes(noise_root)


def _pinned_key_address() -> int:
    mappings = _library_data()
    if not mappings:
        raise TrustError("the engine's library is not loaded in this process")
    hits = [address for mapping in mappings for address in _find(mapping)]
    if len(hits) != 1:
        raise TrustError(f"expected WhatsApp's key once in the engine's data, found {len(hits)}")
    return hits[0]


def _library_data() -> list[_Mapping]:
    """Returns the writable mappings of the engine's library."""
    mappings = []
    for line in Path("/proc/self/maps").read_text().splitlines():
        fields = line.split(maxsplit=5)
        if len(fields) < 6 or not fields[1].startswith("rw"):
            continue
        if _LIBRARY_NAME in Path(fields[5]).name:
            start, end = (int(part, 16) for part in fields[0].split("-"))
            mappings.append(_Mapping(start, end - start))
    return mappings


def _find(mapping: _Mapping) -> list[int]:
    data = ctypes.string_at(mapping.start, mapping.length)
    hits, at = [], data.find(_WHATSAPP_ROOT)
    while at >= 0:
        hits.append(mapping.start + at)
        at = data.find(_WHATSAPP_ROOT, at + 1)
    return hits
