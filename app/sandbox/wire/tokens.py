"""The dictionary (version 3) that shortens common strings on the wire.

`tokens.json` holds the facts: 236 single-byte tokens and four tables of 256 double-byte ones,
as published in whatsmeow's binary/token.
"""

from __future__ import annotations

import json
from pathlib import Path

DICTIONARY_VERSION = 3

_tables = json.loads(Path(__file__).with_name("tokens.json").read_text(encoding="utf-8"))

SINGLE: tuple[str, ...] = tuple(_tables["single"])
DOUBLE: tuple[tuple[str, ...], ...] = tuple(tuple(table) for table in _tables["double"])

SINGLE_INDEX: dict[str, int] = {token: i for i, token in enumerate(SINGLE) if token}
DOUBLE_INDEX: dict[str, tuple[int, int]] = {
    token: (table, i) for table, tokens in enumerate(DOUBLE) for i, token in enumerate(tokens)
}
