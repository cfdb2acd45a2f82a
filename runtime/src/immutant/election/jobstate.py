"""What the cluster knows of a job: the body of its lease.

Belongs here: the state, and its coder. Not here: which state follows (`ticks`, `commands`). A body
may be of the version before, of the one after, or edited by hand: what cannot be read is None, and
what could be read is in range.

The names of the version before are kept (`schedule`, `anchor`, `last`, `count`, `open`, `runs`), as
it wrote them: after a rollback it finds the job's rhythm and an open tick of the schedule.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any, Self, TypeVar

from immutant.schedulechecks import FARTHEST

__all__ = [
    "MOST_ASKED",
    "MOST_OPEN",
    "RUNS_KEPT",
    "Asked",
    "JobState",
    "OpenTick",
    "Run",
    "tick_id",
]

RUNS_KEPT = 10
MOST_OPEN = 16
"""Ticks that may be open at once (`overlap="allow"`); it bounds the body."""
MOST_ASKED = 10
"""Triggers and backfills that may wait."""

_FORM = 2
_OUTCOME = 200
"""Characters of an error that are kept."""

T = TypeVar("T")


def tick_id(job: str, due: float, key: str = "") -> str:
    """The tick's id: the same for all its attempts, and for no other tick of the job.

    Args:
        job: The job's name.
        due: When the tick was due.
        key: Empty for a tick of the schedule; else the key of what asked for it.
    """
    instant = datetime.fromtimestamp(due, UTC).isoformat(timespec="milliseconds")
    return f"{job}/{instant}/{key}" if key else f"{job}/{instant}"


@dataclass(frozen=True, slots=True)
class OpenTick:
    """A claimed tick that has not ended.

    Attributes:
        due: When it was due, seconds since the epoch.
        attempt: How often it was begun.
        key: Empty for a tick of the schedule; else the key of what asked for it.
        began: When its attempt was claimed.
        member: Where.
        failures: How many of its attempts have failed.
        retry: It runs nowhere, and is begun again at this instant; None: it runs.
        final: The job was unscheduled during this attempt: no other follows.
    """

    due: float
    attempt: int
    key: str = ""
    began: float = 0.0
    member: str = ""
    failures: int = 0
    retry: float | None = None
    final: bool = False

    def again(self, wall: float, member: str) -> Self:
        """Its next attempt begins."""
        return replace(self, attempt=self.attempt + 1, began=wall, member=member, retry=None)

    def failed(self, retry: float) -> Self:
        """Its attempt has failed, and it is begun again at that instant."""
        return replace(self, failures=self.failures + 1, began=0.0, member="", retry=retry)


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asked for beside the schedule, and is still to be begun.

    Attributes:
        key: What tells it from everything else that was asked for.
        after: For a trigger its instant. For a backfill, its ticks are those after this.
        until: The last instant of a backfill; None: this is a trigger.
    """

    key: str
    after: float
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """An attempt that ended, and how: "ok", "interrupted", "cancelled" or the error."""

    due: float
    attempt: int
    ended: float
    outcome: str
    key: str = ""
    began: float = 0.0
    member: str = ""


@dataclass(frozen=True, slots=True)
class JobState:
    """What the cluster knows of a job.

    Attributes:
        schedule: The fingerprint of the schedule that this state belongs to.
        anchor: When the cluster first saw that schedule.
        last: The latest due instant that was claimed or passed over.
        count: How many ticks of the schedule were claimed.
        ticks: Those that are open, in the order of their claims.
        runs: The last runs, oldest first.
        asked: What was asked for and waits, oldest first.
        paused: No tick begins by itself.
        unscheduled: It was unscheduled: a resume, or another schedule, begins it anew.
        queued: What was due up to then waits its turn (`overlap="queue"`), and was not missed.
    """

    schedule: str
    anchor: float
    last: float | None = None
    count: int = 0
    ticks: tuple[OpenTick, ...] = ()
    runs: tuple[Run, ...] = ()
    asked: tuple[Asked, ...] = ()
    paused: bool = False
    unscheduled: bool = False
    queued: float | None = None

    def to_body(self) -> str:
        """The state as JSON text, for `from_body`."""
        plain = next((one for one in self.ticks if not one.key and one.retry is None), None)
        body = {
            "form": _FORM,
            "schedule": self.schedule,
            "anchor": self.anchor,
            "last": self.last,
            "count": self.count,
            "open": plain and {"due": plain.due, "attempt": plain.attempt},
            "runs": [],
            "ticks": [_short(one) for one in self.ticks],
            "ran": [_short(one) for one in self.runs],
            "asked": [_short(one) for one in self.asked],
            "paused": self.paused,
            "unscheduled": self.unscheduled,
            "queued": self.queued,
        }
        return json.dumps(body, separators=(",", ":"))

    @classmethod
    def from_body(cls, body: str) -> Self | None:
        """The state of a body; None for a text that is none (a first run, an edit)."""
        try:
            raw = json.loads(body)
            return cls._of(raw if raw.get("form") else _of_the_version_before(raw))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return None

    @staticmethod
    def takes_commands(body: str) -> bool:
        """Whether who wrote this body knows commands: the version before would drop them."""
        try:
            return bool(json.loads(body).get("form"))
        except (ValueError, AttributeError, RecursionError):
            return False

    @classmethod
    def _of(cls, raw: Mapping[str, Any]) -> Self:
        return cls(
            schedule=_text(raw["schedule"]),
            anchor=_instant(raw["anchor"]),
            last=_optional(raw["last"]),
            count=_whole(raw["count"]),
            ticks=_all(raw["ticks"], _open_tick)[:MOST_OPEN],
            runs=_all(raw["ran"], _run)[-RUNS_KEPT:],
            asked=_all(raw["asked"], _asked)[:MOST_ASKED],
            paused=bool(raw["paused"]),
            unscheduled=bool(raw["unscheduled"]),
            queued=_optional(raw["queued"]),
        )

    def opened(self, tick: OpenTick) -> Self:
        """The tick is open: a new one, or a further attempt at one that is."""
        known = [(one.due, one.key) for one in self.ticks]
        if (tick.due, tick.key) not in known:
            return replace(self, ticks=(*self.ticks, tick))
        place = known.index((tick.due, tick.key))
        return replace(self, ticks=(*self.ticks[:place], tick, *self.ticks[place + 1 :]))

    def ended(
        self, tick: OpenTick, wall: float, outcome: str, left: OpenTick | None = None
    ) -> Self:
        """The tick's attempt has ended, and this is left of the tick: None when it is over."""
        said = _coded(outcome)[:_OUTCOME]
        run = Run(tick.due, tick.attempt, wall, said, tick.key, tick.began, tick.member)
        mapped = (left if one == tick else one for one in self.ticks)
        ticks = tuple(one for one in mapped if one is not None)
        return replace(self, ticks=ticks, runs=(*self.runs, run)[-RUNS_KEPT:])


def _of_the_version_before(raw: Mapping[str, Any]) -> dict[str, Any]:
    """It knew one open tick at most, no commands, and less of a run."""
    ticks = [] if raw["open"] is None else [raw["open"]]
    return {
        **{name: raw[name] for name in ("schedule", "anchor", "last", "count")},
        "ticks": ticks,
        "ran": raw["runs"],
        "asked": [],
        "paused": False,
        "unscheduled": False,
        "queued": None,
    }


def _short(record: OpenTick | Asked | Run) -> dict[str, Any]:
    """The record without what is as it is by default."""
    values = ((field, getattr(record, field.name)) for field in fields(record))
    return {field.name: value for field, value in values if value != field.default}


def _open_tick(raw: Mapping[str, Any]) -> OpenTick:
    return OpenTick(
        due=_instant(raw["due"]),
        attempt=_whole(raw["attempt"]),
        key=_text(raw.get("key", "")),
        began=_instant(raw.get("began", 0.0)),
        member=_text(raw.get("member", "")),
        failures=_whole(raw.get("failures", 0)),
        retry=_optional(raw.get("retry")),
        final=bool(raw.get("final", False)),
    )


def _asked(raw: Mapping[str, Any]) -> Asked:
    return Asked(
        _text(raw.get("key", "")), _instant(raw.get("after", 0.0)), _optional(raw.get("until"))
    )


def _run(raw: Mapping[str, Any]) -> Run:
    return Run(
        due=_instant(raw["due"]),
        attempt=_whole(raw["attempt"]),
        ended=_instant(raw.get("ended", 0.0)),
        outcome=_text(raw.get("outcome", "")),
        key=_text(raw.get("key", "")),
        began=_instant(raw.get("began", 0.0)),
        member=_text(raw.get("member", "")),
    )


def _all(raw: object, make: Callable[[Mapping[str, Any]], T]) -> tuple[T, ...]:
    if not isinstance(raw, list):
        raise TypeError(f"{raw!r} is no list")
    return tuple(make(one) for one in raw)


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise TypeError(f"{raw!r} is no text")
    return _coded(raw)


def _coded(text: str) -> str:
    """The text as every coder takes it: JSON may hold lone surrogates, which UTF-8 may not."""
    return text.encode("utf-8", "backslashreplace").decode()


def _whole(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int) or raw < 0:
        raise TypeError(f"{raw!r} is no count")
    return raw


def _instant(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float):
        raise TypeError(f"{raw!r} is no instant")
    if not -FARTHEST <= raw <= FARTHEST:  # what is beyond was not written by us
        raise ValueError(f"{raw!r} is out of range")
    return float(raw)


def _optional(raw: object) -> float | None:
    return None if raw is None else _instant(raw)
