"""What an election asks its driver to do."""

from dataclasses import dataclass

from immutant.leases import Lease
from immutant.link import Event

__all__ = ["Effect", "Get", "Put", "Tell"]


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


Effect = Put | Get | Tell
