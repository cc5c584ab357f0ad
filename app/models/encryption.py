"""Columns whose content is unreadable without the deployment's key."""

from __future__ import annotations

import json
from typing import Any

from cryptography.fernet import Fernet, MultiFernet
from sqlalchemy import Text, TypeDecorator
from sqlalchemy.engine import Dialect

_cipher: MultiFernet | None = None


def use_encryption_keys(keys: list[str]) -> None:
    """Sets the process's keys: the first encrypts, all decrypt, so that a key can be replaced."""
    global _cipher
    _cipher = MultiFernet([Fernet(key) for key in keys])


def _current() -> MultiFernet:
    if _cipher is None:
        raise RuntimeError("use_encryption_keys() was not called")
    return _cipher


class EncryptedText(TypeDecorator[str]):
    """Text kept encrypted (Fernet: AES-CBC with HMAC-SHA256)."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _current().encrypt(value.encode()).decode()

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        return None if value is None else _current().decrypt(value.encode()).decode()


class EncryptedJSON(TypeDecorator[Any]):
    """A JSON value kept encrypted."""

    impl = EncryptedText
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        return None if value is None else json.dumps(value, ensure_ascii=False)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:
        return None if value is None else json.loads(value)
