"""What passes between an application and the coordinator beside it.

Belongs here: the events, the answers and the protocol of a link. Not here: how they travel
(`immutant.transport`), who decides them (`immutant.election`) and what the application does about
them (`immutant.singletons`). All instants named `not_after` are CLOCK_BOOTTIME seconds: absolute,
so that what is read late does not prolong anything.
"""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Literal, Protocol

__all__ = [
    "ANSWERED",
    "Candidacy",
    "Command",
    "Event",
    "Failure",
    "Granted",
    "Heartbeat",
    "JobStatus",
    "KillReason",
    "Kind",
    "Link",
    "Outcome",
    "Probe",
    "Revoked",
    "Stopping",
    "TickDue",
    "TickOvertaken",
    "TickRun",
    "Verb",
]

Kind = Literal["daemon", "job"]
KillReason = Literal["grace", "overdue", "silent", "hard_deadline"]
"""Why an application is killed: it outlives the grace, or a tenure; its loop does not answer
(`alive_within`); or the kernel did it for `hard_deadline`."""
Verb = Literal["pause", "resume", "trigger", "backfill", "unschedule"]

ANSWERED = 0.25
"""The share of `alive_within` after which the application's loop answers again."""


@dataclass(frozen=True, slots=True)
class Candidacy:
    """Standing for election for one singleton.

    Attributes:
        kind: Daemon or job; names of the two don't collide.
        name: The singleton's name within its kind.
        schedule: For a job, `immutant.schedules.Schedule` as JSON text; "" for a daemon.
        hard_deadline: The kernel ends the process that outlives the deadline of a tenure. That is
            between the application and its supervisor; the coordinator is not told.
        prefer: The member or the zone that should have it; "" for none.
    """

    kind: Kind
    name: str
    schedule: str = ""
    hard_deadline: bool = False
    prefer: str = ""


@dataclass(frozen=True, slots=True)
class Granted:
    """The tenure has begun; `token` is its fencing token, a decimal number as text."""

    tenure: str
    token: str
    not_after: float


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """The tenure is good until `not_after`."""

    not_after: float


@dataclass(frozen=True, slots=True)
class Stopping:
    """The tenure is to be handed over: finish the step at hand, then answer `stopped`.

    After `grace` seconds what still runs is cancelled.
    """

    reason: str
    grace: float


@dataclass(frozen=True, slots=True)
class Revoked:
    """The tenure is over now: cancel, then answer `stopped`."""

    reason: str


@dataclass(frozen=True, slots=True)
class TickDue:
    """One claimed run of a job.

    Read after `not_after` it is run only if the tenure has been renewed meanwhile. If not, the
    tenure is given up, and the job's next holder runs it again: dropped, it would stay open.

    Attributes:
        id: The same for every attempt at this tick, and for no other tick of the job.
        scheduled_at: When it was due, seconds since the epoch.
        attempt: 1, or more when an earlier run was interrupted or has failed.
    """

    id: str
    scheduled_at: float
    attempt: int
    not_after: float


@dataclass(frozen=True, slots=True)
class TickOvertaken:
    """A run is to be cancelled, since the job's next tick is due; answered as any end, by `done`.

    An application of the version before does not know it: there the run ends by itself.
    """

    id: str


@dataclass(frozen=True, slots=True)
class Probe:
    """Another replica's singleton should come to this one: answer `ready` if it may.

    An application that hangs does not answer, and nothing is moved to it.
    """


Event = Granted | Heartbeat | Stopping | Revoked | TickDue | TickOvertaken | Probe


@dataclass(frozen=True, slots=True)
class Failure:
    """How a daemon ended that should have gone on.

    Attributes:
        error: What went wrong.
        times: How often in a row, in this tenure.
        elsewhere: It is time for another replica to try it; here it is started again anyway.
    """

    error: str
    times: int
    elsewhere: bool


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tick's run ended; `error` is "" when it went well, `attempt` 0 when it is not told."""

    tick: str
    error: str = ""
    attempt: int = 0


@dataclass(frozen=True, slots=True)
class Command:
    """What somebody asks of a job, beside its schedule. To ask twice for the same is no harm.

    Attributes:
        verb: What is to be done.
        key: Of a trigger or a backfill: what tells it from every other one of this job.
        since: Of a backfill: the first instant that counts, seconds since the epoch.
        until: Of a backfill: the last one.
    """

    verb: Verb
    key: str = ""
    since: float = 0.0
    until: float = 0.0


@dataclass(frozen=True, slots=True)
class TickRun:
    """One attempt at a tick of a job, or one that was asked for.

    Attributes:
        id: The tick's id; see `Tick.id`.
        scheduled_at: When the tick was due. All instants are seconds since the epoch.
        attempt: 1, or more.
        started: When the attempt was claimed; None for one that waits to be begun again.
        ended: When its end was known; None while it is open.
        member: Where it ran.
        outcome: "running" or "waiting" while it is open; "ok", "interrupted", "cancelled" or the
            error after.
        retry_at: When one that waits is begun again.
    """

    id: str
    scheduled_at: float
    attempt: int
    started: float | None = None
    ended: float | None = None
    member: str = ""
    outcome: str = ""
    retry_at: float | None = None


@dataclass(frozen=True, slots=True)
class JobStatus:
    """What the cluster knows of a job.

    Attributes:
        name: The job.
        paused: No tick of its schedule begins.
        unscheduled: It was unscheduled: `resume`, or another schedule, begins it anew. A job that
            its `until` or `repeat` has ended is not.
        ticks: How many ticks of the schedule were claimed.
        open: What runs, or waits to be begun again.
        runs: The last runs, oldest first.
        asked: The triggers and backfills that wait, with the outcome "asked".
        holder: The member that holds the job; "" when nobody does.
        anchor: When the cluster first saw the schedule: `every` counts from it, seconds since the
            epoch. None from a coordinator of the version before.
    """

    name: str
    paused: bool = False
    unscheduled: bool = False
    ticks: int = 0
    open: tuple[TickRun, ...] = ()
    runs: tuple[TickRun, ...] = ()
    asked: tuple[TickRun, ...] = ()
    holder: str = ""
    anchor: float | None = None


class Link(Protocol):
    """An application's connection to its coordinator."""

    def stand(self, candidacy: Candidacy) -> AbstractAsyncContextManager[AsyncIterator[Event]]:
        """Stand for election while the context is open, and hear what comes of it.

        The events end when the coordinator is gone or will not go on; standing again is up to the
        caller, once its code of the former tenure has stopped. Leaving the context while a tenure
        runs is not an answer: the coordinator waits out its deadline unless `stopped` was sent.

        Raises:
            CoordinatorError: There is no coordinator now.
        """

    def alive(self, tenure: str, within: float) -> None:
        """The application's loop answers, and does so again within that many seconds.

        Whoever can end the process does so when it does not, until `ending` or `stopped`.
        """

    def ending(self, tenure: str, not_after: float) -> None:
        """Its code has been told to end, and renewals are no reason to wait for it any longer.

        Whoever can end the process does so when it goes on beyond `not_after` and the stop margin.
        """

    async def stopped(self, tenure: str) -> None:
        """Nothing of this tenure runs any more."""

    async def done(self, tenure: str, outcome: Outcome) -> None:
        """The tick's run has ended."""

    async def failed(self, tenure: str, failure: Failure) -> None:
        """A daemon has failed, or returned, and is started again."""

    async def ready(self) -> None:
        """This application runs and hears what it is told; the answer to a `Probe`."""

    async def drain(self, reason: str, grace: float) -> None:
        """Hand over everything this replica holds and stand for nothing more.

        Returns when all is given back. What has not stopped by itself after `grace` seconds is
        cancelled; `reason` is for the log.
        """

    async def job(self, name: str) -> JobStatus:
        """What the cluster knows of a job, whoever holds it.

        Raises:
            CoordinatorError: Nobody has held it yet, or it cannot be told now.
        """

    async def command(self, job: str, command: Command) -> JobStatus:
        """Command a job, whoever holds it; what it is once the command is written down.

        Raises:
            RequestRefusedError: It cannot be done.
            CoordinatorError: It may or may not have been written; ask again with the same key.
        """

    async def close(self) -> None:
        """Let go of the coordinator."""
