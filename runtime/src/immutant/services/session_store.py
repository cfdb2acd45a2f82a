"""Where web sessions are kept (coordination.md, rule 20).

Belongs here: reading, merging and ending stored sessions. Not here: what a request sees of one
(`immutant.services.session`). A record is an envelope whose value holds `a`, the attributes, and
`r`, when its time to live was last begun (seconds since the epoch); an ended session is a
tombstone, so that no slow request brings it back.
"""

import secrets
from collections.abc import Callable
from typing import Final, TypeAlias

from immutant.errors import ValueRefusedError
from immutant.running import Binding, Replica
from immutant.services.entries import Mark
from immutant.services.envelope import TOMBSTONE_LIFE, Envelope
from immutant.services.versions import Seen, Versions
from immutant.values import Value

__all__ = ["Attributes", "SessionStore"]

_CACHE: Final = "immutant.sessions"

_REFRESHES: Final = 10
"""The time to live is begun anew at most every tenth of it, not with every request."""

Attributes: TypeAlias = dict[str, Value]
Apply: TypeAlias = Callable[[Attributes], Attributes]


class SessionStore:
    """All sessions of an application."""

    def __init__(self, binding: Binding, idle: float) -> None:
        self._binding = binding
        self._idle = idle

    @property
    def replica(self) -> Replica:
        """The replica whose backend keeps them.

        Raises:
            NotRunningError: The application does not run.
        """
        return self._binding.current("the web session")

    async def read(self, session: str) -> Attributes | None:
        """The session's attributes, None when it has ended; begins its time to live anew."""
        versions = self._versions()
        seen = await _read(versions, session)
        attributes = _attributes(seen)
        if attributes is not None and self._is_due(seen):
            # A lost compare-and-swap is no loss here: whoever won has begun it anew.
            await self._write(versions, session, seen, attributes)
        return attributes

    async def create(self, attributes: Attributes) -> str:
        """Store a new session; returns its id."""
        session = secrets.token_urlsafe(32)
        await self._write(self._versions(), session, Seen(None, Envelope()), attributes)
        self.replica.tally.add("immutant_sessions_created")
        return session

    async def change(self, session: str, apply: Apply) -> Attributes | None:
        """Replace the attributes by what `apply` makes of them, atomically.

        `apply` may be called several times. Returns what is stored now; None when the session has
        ended, which nothing revives.
        """
        versions = self._versions()
        losses = 0
        while True:
            seen = await _read(versions, session)
            before = _attributes(seen)
            if before is None:
                return None
            after = apply(before)
            if await self._write(versions, session, seen, after):
                return after
            losses += 1
            await versions.pause(losses)

    async def end(self, session: str) -> Attributes | None:
        """End the session, leaving a tombstone; returns its last attributes, None without any."""
        versions = self._versions()
        losses = 0
        while True:
            seen = await _read(versions, session)
            last = _attributes(seen)
            write = _write_id()
            grave = seen.envelope.written(write, Mark.ABSENT, None)
            if last is None:
                return None
            if await versions.swap(session, seen, grave, write):
                self.replica.tally.add("immutant_sessions_ended")
                return last
            losses += 1
            await versions.pause(losses)

    def _versions(self) -> Versions:
        return Versions(_CACHE, self.replica, self._keep)

    def _keep(self, version: Envelope) -> float:
        return TOMBSTONE_LIFE if version.value is Mark.ABSENT else self._idle

    async def _write(
        self, versions: Versions, session: str, seen: Seen, attributes: Attributes
    ) -> bool:
        value = {"a": attributes, "r": self.replica.clock.wall()}
        write = _write_id()
        wanted = seen.envelope.written(write, value, None)
        return await versions.swap(session, seen, wanted, write)

    def _is_due(self, seen: Seen) -> bool:
        age = self.replica.clock.wall() - seen.envelope.value.get("r", 0.0)
        # A time in the future is another machine's wrong clock: refresh rather than let it expire.
        return not 0 <= age < self._idle / _REFRESHES


async def _read(versions: Versions, session: str) -> Seen:
    try:
        return await versions.read(session)
    except ValueRefusedError:
        return Seen(None, Envelope())  # not ours: no session


def _attributes(seen: Seen) -> Attributes | None:
    value = seen.envelope.value
    attributes = value.get("a") if isinstance(value, dict) else None
    return dict(attributes) if isinstance(attributes, dict) else None


def _write_id() -> str:
    return secrets.token_hex(6)
