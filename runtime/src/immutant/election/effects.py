"""What an election asks its driver to do."""

from dataclasses import dataclass
from typing import Literal

from immutant.leases import Lease
from immutant.link import Event

__all__ = ["Effect", "Get", "Move", "MoveReason", "Put", "Tell"]


@dataclass(frozen=True, slots=True)
class Put:
    """Write this record if it has version `expect`; then call `stored`, `refused` or `unknown`."""

    lease: Lease
    expect: int


@dataclass(frozen=True, slots=True)
class Get:
    """Read this record from the truth; then call `got` or `unreadable`."""

    name: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Give this event to the application's stream for the singleton."""

    singleton: str
    event: Event


MoveReason = Literal["placement", "failures", "drain"]
"""Why a holder hands over: another ranks before it; its daemon fails here; it is leaving."""


@dataclass(frozen=True, slots=True)
class Move:
    """Take note that a singleton is being handed over; `to` is the member that wants it, if any."""

    singleton: str
    reason: MoveReason
    to: str = ""


Effect = Put | Get | Tell | Move
