"""What a coordinator has counted since it began.

Belongs here: the numbers, wherever they are read. Not here: how Prometheus is told
(`immutant.sidecar.metrics`), and any decision.
"""

from collections import Counter
from collections.abc import Container
from typing import Final, Literal, get_args

from immutant.contract.records import kind_and_name
from immutant.coordinator.told import Told
from immutant.counting import Distribution
from immutant.election.observer import (
    DEADLINE_PASSED,
    LIFE_ENDED,
    TAKEN_AWAY,
    Observer,
    Predecessor,
)
from immutant.link import KillReason

__all__ = ["Ledger", "Reason"]

Reason = Literal["handed_over", "stopped", "left", "app_died", "deadline", "taken", "expelled"]
"""Why a tenure ended; docs/cluster.md says what each means."""

_REVOCATIONS: Final[dict[str, Reason]] = {
    DEADLINE_PASSED: "deadline",
    LIFE_ENDED: "expelled",
    TAKEN_AWAY: "taken",
}

_FAILOVERS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 5.0, 6.0, 8.0, 16.0, 32.0)
_RENEWALS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 0.85, 1.5, 2.5)
_LATENESS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 60.0, 600.0)


class Ledger(Observer):
    """The counts of one coordinator, over all its incarnations.

    Attributes:
        begun: Tenures that were granted here, by singleton lease.
        ended: Those that ended, by singleton lease and why.
        failovers: Seconds from a former holder's last sign of life, as seen here, to the grant,
            by how that holder ended.
        renewals: Seconds from sending a renewal until it counted.
        ticks: Runs that were given to the application, by job.
        retries: Those of them that were not a tick's first, by job.
        lateness: Seconds from a tick's due instant until it was given out for the first time.
        missed: Ticks that were passed over, by job.
        moves: Hand-overs that this coordinator began, by singleton lease and `MoveReason`.
        runs: Ends of runs that were written down, by job and outcome.
        failures: How often a daemon's code ended by itself here, or was silent, by name.
        kills: How often the application was killed, by reason.
        told: What the application has counted, by its own word.
    """

    def __init__(self) -> None:
        self.begun: Counter[str] = Counter()
        self.ended: Counter[tuple[str, Reason]] = Counter()
        self.failovers: dict[str, Distribution] = {}
        self.renewals = Distribution(_RENEWALS)
        self.ticks: Counter[str] = Counter()
        self.retries: Counter[str] = Counter()
        self.lateness = Distribution(_LATENESS)
        self.missed: Counter[str] = Counter()
        self.runs: Counter[tuple[str, str]] = Counter()
        self.failures: Counter[str] = Counter()
        self.moves: Counter[tuple[str, str]] = Counter()
        self.kills: Counter[KillReason] = Counter(dict.fromkeys(get_args(KillReason), 0))
        self.told = Told()
        self._open: dict[str, Reason] = {}
        self._left: set[str] = set()

    def expect(self, singleton: str) -> None:
        """It is stood for: what alerts look at is there from now on, and zero.

        By a count that begins at one nobody sees that something has just happened, and what no pod
        has held yet would not be missed.
        """
        self.begun[singleton] += 0
        kind, name = kind_and_name(singleton)
        if kind == "job":
            self.missed[name] += 0

    def grant(self, singleton: str, before: Predecessor | None, now: float) -> None:
        """A tenure has begun here."""
        self.stop(singleton)
        self.begun[singleton] += 1
        self._open[singleton] = "stopped"
        if before:
            known = self.failovers.setdefault(before.end, Distribution(_FAILOVERS))
            known.add(now - before.sign)

    def expect_end(self, singleton: str, reason: Reason) -> None:
        """It is known why the tenure will end; the first reason is the one."""
        if self._open.get(singleton) == "stopped":
            self._open[singleton] = reason

    def leave(self, singleton: str) -> None:
        """The application does not listen any more. It may have died, or still say `stopped`."""
        self.expect_end(singleton, "left")
        if singleton in self._open:
            self._left.add(singleton)

    def settle(self, held: Container[str]) -> None:
        """What the application left without a word has ended once it is not held any more."""
        for singleton in [one for one in self._left if one not in held]:
            self.stop(singleton)

    def revoke(self, singleton: str, said: str) -> None:
        """The tenure is over, by the election's own word."""
        self.end(singleton, _REVOCATIONS[said])

    def stop(self, singleton: str) -> None:
        """The application has stopped, as it was told to or by itself."""
        if singleton in self._open:
            self.end(singleton, self._open[singleton])

    def end(self, singleton: str, reason: Reason) -> None:
        """A tenure, if there is one, has ended; only its first end is counted."""
        self._left.discard(singleton)
        if self._open.pop(singleton, None):
            self.ended[singleton, reason] += 1

    def end_all(self, reason: Reason) -> None:
        """All tenures have ended."""
        for singleton in list(self._open):
            self.end(singleton, reason)

    def dispatch(self, job: str, due: float, attempt: int, wall: float) -> None:
        """A run is given to the application."""
        self.ticks[job] += 1
        if attempt > 1:
            self.retries[job] += 1
        else:
            self.lateness.add(max(0.0, wall - due))

    def fail(self, singleton: str) -> None:
        """A daemon's code has ended by itself or was silent, and is started again."""
        _, daemon = kind_and_name(singleton)
        self.failures[daemon] += 1

    def kill(self, reason: KillReason) -> None:
        """The application was killed, by its supervisor or by the kernel for it."""
        self.kills[reason] += 1

    def renewed(self, seconds: float) -> None:
        self.renewals.add(seconds)

    def ran(self, job: str, outcome: str) -> None:
        known = outcome if outcome in ("ok", "interrupted", "cancelled") else "failed"
        self.runs[job, known] += 1

    def passed_over(self, job: str, ticks: int) -> None:
        self.missed[job] += ticks
