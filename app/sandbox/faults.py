"""Misbehaviour on demand, for everybody or for one number."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import Any

EVERYBODY = "*"
_FOR_EVERYBODY = frozenset({"refuse_connections", "pairing_failure"})

_STATUSES = ("upload_failure", "download_failure")
_CODES = ("login_failure", "pairing_failure", *_STATUSES)
_NUMBERS = (*_CODES, "refusal_delay_ms", "ack_delay_ms", "media_kb_per_second")


class FaultError(ValueError):
    """A fault that does not exist, or a value it cannot take."""


@dataclass(slots=True)
class Faults:
    """What goes wrong; the defaults mean nothing does."""

    refuse_connections: bool = False  # the proxy answers 503, live connections stay
    login_failure: int | None = None  # every login is answered with this code
    pairing_failure: int | None = None  # every device that wants to be linked gets this code
    refusal_delay_ms: int = 250  # a refused login is told so this much later
    ack_messages: bool = True  # False: messages are delivered but never acknowledged
    ack_delay_ms: int = 0  # acknowledgements of messages come this much later
    lose_messages: bool = False  # messages are neither delivered nor acknowledged
    withhold_receipts: bool = False  # phones tell nobody that a message arrived; read they may
    mute: bool = False  # connections stand, but nothing that a client sends is heard or answered
    garble_messages: bool = False  # linked devices cannot read what comes, until it is resent
    upload_failure: int | None = None  # every upload of media is answered with this status
    download_failure: int | None = None  # every download of media is answered with this status
    break_off_uploads: bool = False  # the connection ends in the middle of an upload
    break_off_downloads: bool = False  # the connection ends in the middle of a download
    media_kb_per_second: int = 0  # how fast media goes up and down; 0 is as fast as it can

    def change(self, values: dict[str, Any]) -> None:
        """Set the named faults; raises FaultError and changes nothing when one is wrong."""
        checked = {name: self._checked(name, value) for name, value in values.items()}
        for name, value in checked.items():
            setattr(self, name, value)

    def _checked(self, name: str, value: Any) -> Any:
        if name not in {f.name for f in fields(self)}:
            raise FaultError(f"there is no fault {name!r}")
        if name in _STATUSES and value is not None and value not in range(400, 600):
            raise FaultError(f"{name} must be a status from 400 to 599")
        if name in _NUMBERS:
            if (name in _CODES and value is None) or (type(value) is int and value >= 0):
                return value
            raise FaultError(f"{name} must be a number")
        if type(value) is not bool:
            raise FaultError(f"{name} must be true or false")
        return value


@dataclass(slots=True)
class FaultBoard:
    """The faults in force, by the number they are for."""

    _by_number: dict[str, Faults] = field(default_factory=dict)

    def of(self, number: str | None) -> Faults:
        """Return the faults of `number`: its own, if it has any, else everybody's."""
        own = self._by_number.get(number) if number else None
        return own or self._by_number.get(EVERYBODY) or Faults()

    def change(self, number: str | None, values: dict[str, Any]) -> None:
        """Set faults of `number`, or everybody's; raises FaultError."""
        for name in _FOR_EVERYBODY & values.keys() if number else ():
            raise FaultError(f"{name} is for everybody: there is no number yet to tell by")
        scope = number or EVERYBODY
        faults = self._by_number.get(scope) or Faults()
        faults.change(values)
        self._by_number[scope] = faults

    def reset(self) -> None:
        """Everything works again."""
        self._by_number.clear()

    def dump(self) -> dict[str, Any]:
        """Return everybody's faults, and under "numbers" those of single numbers."""
        numbers = {n: asdict(f) for n, f in self._by_number.items() if n != EVERYBODY}
        return {**asdict(self.of(None)), "numbers": numbers}
