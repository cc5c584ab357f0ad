"""Nodes to bytes and back.

Source of the format: wire captures of the web protocol and whatsmeow's binary package.
"""

from __future__ import annotations

import zlib

from app.sandbox.wire import tokens
from app.sandbox.wire.jid import JID, LID_SERVER, USER_SERVER
from app.sandbox.wire.node import Content, Node, Value

LIST_EMPTY, DICTIONARY_0 = 0, 236
DEVICE_JID, LIST_8, LIST_16, JID_PAIR = 247, 248, 249, 250
HEX_8, BINARY_8, BINARY_20, BINARY_32, NIBBLE_8 = 251, 252, 253, 254, 255
PACKED_MAX = 127
COMPRESSED_FLAG = 2

_DOMAINS = {USER_SERVER: 0, LID_SERVER: 1}
_SERVERS = {0: USER_SERVER, 1: LID_SERVER, 128: "hosted", 129: "hosted.lid"}
_NIBBLES = "0123456789-."
_HEX = "0123456789ABCDEF"


MOST_BYTES = 1 << 25
"""Of one node, unpacked: twice what a frame can have."""
_DEEPEST = 64


class CodecError(ValueError):
    """The bytes are not a node."""


def pack(node: Node) -> bytes:
    """Return `node` as the plaintext of one frame (flag byte 0: not compressed)."""
    out = bytearray(1)
    _write_node(out, node)
    return bytes(out)


def unpack(frame: bytes) -> Node:
    """Return the node in the plaintext of one frame; raises CodecError."""
    if not frame:
        raise CodecError("empty frame")
    try:
        body = _inflated(frame[1:]) if frame[0] & COMPRESSED_FLAG else frame[1:]
        reader = _Reader(body)
        node = reader.node()
    except (zlib.error, UnicodeDecodeError, IndexError) as error:
        raise CodecError(str(error)) from error
    if reader.at != len(body):
        raise CodecError("bytes after the node's end")
    return node


def _inflated(data: bytes) -> bytes:
    inflater = zlib.decompressobj()
    body = inflater.decompress(data, MOST_BYTES)
    if inflater.unconsumed_tail or not inflater.eof:
        raise CodecError("too long unpacked, or not whole")
    return body


def _write_node(out: bytearray, node: Node) -> None:
    _write_list(out, 2 * len(node.attrs) + (1 if node.content is None else 2))
    _write_string(out, node.tag)
    for key, value in node.attrs.items():
        _write_string(out, key)
        _write_value(out, value)
    if node.content is not None:
        _write_content(out, node.content)


def _write_value(out: bytearray, value: Value) -> None:
    if isinstance(value, JID):
        _write_jid(out, value)
    else:
        _write_string(out, str(value))


def _write_content(out: bytearray, content: Content) -> None:
    if isinstance(content, list):
        _write_list(out, len(content))
        for child in content:
            _write_node(out, child)
    elif isinstance(content, bytes):
        _write_raw(out, content)
    elif content is not None:
        _write_string(out, content)


def _write_list(out: bytearray, size: int) -> None:
    if size == 0:
        out.append(LIST_EMPTY)
    elif size < 256:
        out += bytes((LIST_8, size))
    else:
        out.append(LIST_16)
        out += size.to_bytes(2, "big")


def _write_raw(out: bytearray, data: bytes) -> None:
    size = len(data)
    if size < 1 << 8:
        out += bytes((BINARY_8, size))
    elif size < 1 << 20:
        out.append(BINARY_20)
        out += size.to_bytes(3, "big")
    else:
        out.append(BINARY_32)
        out += size.to_bytes(4, "big")
    out += data


def _write_string(out: bytearray, text: str) -> None:
    if (single := tokens.SINGLE_INDEX.get(text)) is not None:
        out.append(single)
    elif (double := tokens.DOUBLE_INDEX.get(text)) is not None:
        out += bytes((DICTIONARY_0 + double[0], double[1]))
    elif 0 < len(text) <= PACKED_MAX and all(c in _NIBBLES for c in text):
        _write_packed(out, NIBBLE_8, _NIBBLES, text)
    elif 0 < len(text) <= PACKED_MAX and all(c in _HEX for c in text):
        _write_packed(out, HEX_8, _HEX, text)
    else:
        _write_raw(out, text.encode())


def _write_packed(out: bytearray, kind: int, alphabet: str, text: str) -> None:
    digits = [alphabet.index(c) for c in text]
    odd = len(digits) % 2
    if odd:
        digits.append(15)
    out += bytes((kind, len(digits) // 2 | odd << 7))
    out += bytes(high << 4 | low for high, low in zip(digits[::2], digits[1::2], strict=True))


def _write_jid(out: bytearray, jid: JID) -> None:
    if jid.device and jid.server in _DOMAINS:
        out += bytes((DEVICE_JID, _DOMAINS[jid.server], jid.device))
        _write_string(out, jid.user)
        return
    out.append(JID_PAIR)
    if jid.user:
        _write_string(out, jid.user)
    else:
        out.append(LIST_EMPTY)
    _write_string(out, jid.server)


class _Reader:
    """Walks over one encoded node."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0
        self._depth = 0

    def take(self, size: int) -> bytes:
        piece = self.data[self.at : self.at + size]
        if len(piece) != size:
            raise CodecError("the node ends too early")
        self.at += size
        return piece

    def number(self, size: int) -> int:
        return int.from_bytes(self.take(size), "big")

    def node(self) -> Node:
        size = self.list_size(self.number(1))
        if size == 0:
            raise CodecError("a node without a tag")
        tag = self.text()
        attrs: dict[str, Value] = {}
        for _ in range((size - 1) // 2):
            key = self.text()
            attrs[key] = self.value()
        return Node(tag, attrs, None if size % 2 else self.content())

    def list_size(self, kind: int) -> int:
        if kind == LIST_EMPTY:
            return 0
        if kind == LIST_8:
            return self.number(1)
        if kind == LIST_16:
            return self.number(2)
        raise CodecError(f"{kind} is no list")

    def content(self) -> Content:
        kind = self.number(1)
        if kind in (LIST_EMPTY, LIST_8, LIST_16):
            return self.nodes(kind)
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            return self.raw(kind)
        return str(self.value_of(kind))

    def nodes(self, kind: int) -> list[Node]:
        if self._depth == _DEEPEST:
            raise CodecError("nodes within nodes within nodes")
        self._depth += 1
        found = [self.node() for _ in range(self.list_size(kind))]
        self._depth -= 1
        return found

    def value(self) -> Value:
        return self.value_of(self.number(1))

    def text(self) -> str:
        value = self.value()
        if not isinstance(value, str):
            raise CodecError(f"{value!r} where a string is wanted")
        return value

    def value_of(self, kind: int) -> Value:
        if kind in (BINARY_8, BINARY_20, BINARY_32):
            return self.raw(kind).decode()
        if DICTIONARY_0 <= kind < DICTIONARY_0 + len(tokens.DOUBLE):
            return tokens.DOUBLE[kind - DICTIONARY_0][self.number(1)]
        if kind in (NIBBLE_8, HEX_8):
            return self.packed(_NIBBLES if kind == NIBBLE_8 else _HEX)
        if kind == JID_PAIR:
            return JID(self.optional_text(), self.text())
        if kind == DEVICE_JID:
            server = _SERVERS.get(self.number(1), USER_SERVER)
            device = self.number(1)
            return JID(self.text(), server, device)
        if 0 < kind < len(tokens.SINGLE):
            return tokens.SINGLE[kind]
        raise CodecError(f"unknown token {kind} at {self.at}")

    def optional_text(self) -> str:
        if self.data[self.at : self.at + 1] == bytes((LIST_EMPTY,)):
            self.at += 1
            return ""
        return self.text()

    def raw(self, kind: int) -> bytes:
        if kind == BINARY_20:
            return self.take(self.number(3) & 0xFFFFF)
        return self.take(self.number(1 if kind == BINARY_8 else 4))

    def packed(self, alphabet: str) -> str:
        head = self.number(1)
        digits = [digit for byte in self.take(head & 0x7F) for digit in (byte >> 4, byte & 15)]
        if head & 0x80:
            digits.pop()
        if any(digit >= len(alphabet) for digit in digits):
            raise CodecError("a packed string with a digit outside its alphabet")
        return "".join(alphabet[digit] for digit in digits)
