"""A request on the control interface, and how it is refused."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_NUMBER = re.compile(r"[1-9][0-9]{6,14}")


class ControlError(Exception):
    """A request that cannot be answered: its HTTP status and what is wrong."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """One request: its JSON body parsed, or a body of another kind in the file `upload`."""

    method: str
    path: str
    query: dict[str, str]
    body: dict[str, Any]
    upload: Path | None = None

    def text(self, name: str, default: str | None = None) -> str:
        """The field as text; raises ControlError when it is missing or something else."""
        value = self.body.get(name, default)
        if not isinstance(value, str) or not value:
            raise ControlError(400, f"{name} is needed, as text")
        return value


def phone_number(text: str) -> str:
    """Return the digits of a phone number; raises ControlError when it is none."""
    digits = text.removeprefix("+")
    if not _NUMBER.fullmatch(digits):
        raise ControlError(400, f"{text!r} is not a phone number")
    return digits
