"""The envelope of a fenced entry (coordination.md, rule 14): the record and its stored form.

Belongs here: what an envelope holds, how it is written, and what it tells about a write that was
sent. Pure: no store, no clock. On the wire it is JSON with `v` the value (or `b`, bytes in base64;
neither in a tombstone), `t` the tokens by singleton, as decimal text for the languages whose
numbers end at 2^53, `w` the last write-ids, `x` the expiry in seconds since the epoch.
"""

import base64
import binascii
from dataclasses import dataclass, field, replace
from enum import Enum

from immutant.errors import ValueRefusedError
from immutant.services.entries import Mark
from immutant.values import MAX_VALUE, Value, decode, encode

__all__ = ["TOMBSTONE_LIFE", "Envelope", "Fate"]

TOMBSTONE_LIFE = 600.0
"""Seconds that the tokens of a deleted or expired entry are kept."""

_KEPT_WRITES = 8
_MAX_ENVELOPE = 2 * MAX_VALUE
"""Bytes: a value at its limit in base64, and the tokens and write-ids beside it."""


class Fate(Enum):
    """What became of a write that was sent."""

    APPLIED = "applied"
    NOT_APPLIED = "not applied"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Envelope:
    """One version of a fenced entry.

    Attributes:
        value: The value; ABSENT in a tombstone.
        tokens: The highest token of each singleton that has read or written this entry.
        writes: The ids of the last writes, oldest first; the first version has one.
        expiry: When the value ends, seconds since the epoch; None: never.
    """

    value: Value = Mark.ABSENT
    tokens: dict[str, int] = field(default_factory=dict)
    writes: tuple[str, ...] = ()
    expiry: float | None = None

    def at(self, wall: float) -> Value:
        """The value at that time: ABSENT once it has expired."""
        expired = self.expiry is not None and self.expiry <= wall
        return Mark.ABSENT if expired else self.value

    def written(self, write: str, value: Value, expiry: float | None) -> "Envelope":
        """The version that this write makes of it; every writer keeps the tokens there."""
        writes = (*self.writes, write)[-_KEPT_WRITES:]
        return replace(self, value=value, writes=writes, expiry=expiry)

    def stamped(self, singleton: str, token: int) -> "Envelope":
        """The same with the token of a tenure that has read it."""
        return replace(self, tokens={**self.tokens, singleton: token})

    def keep(self, wall: float) -> float | None:
        """Seconds that the store should keep this version, its tokens included."""
        if self.value is Mark.ABSENT:
            return TOMBSTONE_LIFE
        return None if self.expiry is None else max(0.0, self.expiry - wall) + TOMBSTONE_LIFE

    def fate(self, write: str, base: "Envelope") -> Fate:
        """What became of a write sent against `base`, seen from this later version.

        While the last write-id of `base` is still listed here, everything that was applied since is
        listed too. Once it has been pushed out, more than eight writes passed and none can tell.
        """
        if write in self.writes:
            return Fate.APPLIED
        whole = len(self.writes) < _KEPT_WRITES
        if whole if not base.writes else base.writes[-1] in self.writes:
            return Fate.NOT_APPLIED
        return Fate.UNKNOWN

    def encode(self, what: str) -> bytes:
        """The stored form.

        Raises:
            ValueRefusedError: The value cannot be stored.
        """
        record: dict[str, Value] = {
            "t": {singleton: str(token) for singleton, token in self.tokens.items()},
            "w": list(self.writes),
        }
        if self.value is not Mark.ABSENT:
            encode(self.value, what)
        if isinstance(self.value, bytes | bytearray | memoryview):
            record["b"] = base64.b64encode(self.value).decode()
        elif self.value is not Mark.ABSENT:
            record["v"] = self.value
        if self.expiry is not None:
            record["x"] = self.expiry
        return encode(record, what, _MAX_ENVELOPE)

    @classmethod
    def decode(cls, data: bytes, what: str) -> "Envelope":
        """The version that is stored so.

        Raises:
            ValueRefusedError: It is no envelope; a cache that was not fenced wrote it.
        """
        record = decode(data, what)
        try:
            value = base64.b64decode(record["b"]) if "b" in record else record.get("v", Mark.ABSENT)
            tokens = {singleton: int(token) for singleton, token in record["t"].items()}
            return cls(value, tokens, tuple(record["w"]), record.get("x"))
        except (AttributeError, KeyError, TypeError, ValueError, binascii.Error) as error:
            raise ValueRefusedError(
                f"{what} is no entry of a fenced cache; a cache is fenced from its first entry on: "
                "clear it, or give the fenced one a new name"
            ) from error
