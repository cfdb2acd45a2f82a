"""When a job is due and how its ticks are run: the schedule, as the user states it.

Belongs here: the schedule, and the next due instant after a given one. Not here: checking what a
user wrote (`immutant.schedulechecks`); which ticks were claimed, missed or run
(`immutant.election.ticks`). No I/O, no clock: instants are seconds since the epoch and come in as
arguments. What looks like chance is drawn from a tick's id, so that a successor draws the same.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from random import Random
from typing import Any, Literal, Self, get_args
from zoneinfo import ZoneInfo

from cronsim import CronSim

from immutant import schedulechecks as check
from immutant.backoff import Backoff
from immutant.durations import Duration, seconds
from immutant.errors import DefinitionError

__all__ = ["Interrupted", "Misfire", "Overlap", "Schedule"]

Misfire = Literal["skip", "latest", "all"]
Interrupted = Literal["rerun", "record"]
Overlap = Literal["skip", "queue", "allow", "cancel"]

_IDENTITY = (
    *("every", "cron", "tz", "at", "delay", "until", "repeat"),
    *("misfire", "window", "interrupted"),
)
"""What makes a schedule another one. How a run is run is no part of it: a longer timeout is no
reason to begin a job anew."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job is due, and what becomes of ticks that could not run then.

    Attributes:
        every: Seconds between ticks, counted from the first; None without.
        cron: A cron expression of five fields, or six with the seconds first; "" without.
        tz: The IANA time zone in which `cron` is read.
        at: The first instant a tick may be due, seconds since the epoch; None: no such bound.
        delay: Seconds from the job's first sight in the cluster (its anchor) to its first tick.
        until: No tick is due after this instant; None: no end.
        repeat: How many ticks follow the first; None: no limit.
        misfire: What becomes of ticks missed while nobody held the job: "skip" them, run the
            "latest" one, or run "all" that lie within `window`.
        window: Seconds that "all" looks back.
        interrupted: A run that was cut off is begun again with the same id ("rerun", at least
            once) or only recorded ("record", at most once).
        overlap: What becomes of a tick that comes due during a run: it is passed over ("skip"),
            waits ("queue"), runs beside it ("allow"), or the run is cancelled for it ("cancel").
        jitter: Each tick begins up to so many seconds after it was due.
        timeout: Seconds after which a run is cancelled and has failed; None: never.
        retries: How often a run that failed is tried again.
        backoff: The waits before that.
    """

    every: float | None = None
    cron: str = ""
    tz: str = "UTC"
    at: float | None = None
    delay: float = 0.0
    until: float | None = None
    repeat: int | None = None
    misfire: Misfire = "latest"
    window: float = 3600.0
    interrupted: Interrupted = "rerun"
    overlap: Overlap = "skip"
    jitter: float = 0.0
    timeout: float | None = None
    retries: int = 0
    backoff: Backoff = Backoff()  # noqa: RUF009 - frozen

    @classmethod
    def of(
        cls,
        *,
        every: Duration | None = None,
        cron: str | None = None,
        tz: str | None = None,
        at: datetime | float | None = None,
        in_: Duration | None = None,
        until: datetime | float | None = None,
        repeat: int | None = None,
        misfire: Misfire = "latest",
        window: Duration = 3600.0,
        interrupted: Interrupted = "rerun",
        overlap: Overlap = "skip",
        jitter: Duration = 0.0,
        timeout: Duration | None = None,
        retries: int = 0,
        backoff: Duration | Backoff = 1.0,
    ) -> Self:
        """Check what the user wrote and make a schedule of it.

        One of `every`, `cron`, `at` and `in_` is needed; `at` or `in_` alone is one run, beside
        `every` it is the first. A naive datetime is read in `tz`.

        Raises:
            DefinitionError: It cannot be a schedule; the text says what to write instead.
        """
        if every is not None and cron is not None:
            raise DefinitionError("a job has either every= or cron=, not both")
        if every is None and cron is None and at is None and in_ is None:
            raise DefinitionError('a job needs every="20s", cron="0 */5 * * *", at= or in_=')
        if at is not None and in_ is not None:
            raise DefinitionError("a job has either at= or in_=, not both")
        if repeat is not None and every is None and cron is None:
            raise DefinitionError(
                "repeat= counts the runs of every= or cron=, and at= or in_= alone is one run; "
                "add every=, or leave repeat= out"
            )
        if misfire == "all" and overlap == "cancel":
            raise DefinitionError(
                "with overlap='cancel' all of misfire='all' but the last would begin only to be "
                "cancelled for the next; write misfire='latest', or overlap='queue' to run them all"
            )
        zone = check.zone(tz or "UTC")
        start, end = check.instant("at", at, zone), check.instant("until", until, zone)
        if start is not None and end is not None and end < start:
            raise DefinitionError(
                f"until={until!r} is before at={at!r}, so the job would never run; "
                "swap them or leave until= out"
            )
        return cls(
            every=(period := None if every is None else check.period(every)),
            cron="" if cron is None else check.cron(cron),
            tz=zone.key,
            at=start,
            delay=0.0 if in_ is None else seconds(in_, "in_"),
            until=end,
            repeat=check.repeat(repeat),
            misfire=check.choice("misfire", misfire, get_args(Misfire)),
            window=seconds(window, "window"),
            interrupted=check.choice("interrupted", interrupted, get_args(Interrupted)),
            overlap=check.choice("overlap", overlap, get_args(Overlap)),
            jitter=check.jitter(jitter, period),
            timeout=check.timeout(timeout),
            retries=check.retries(retries),
            backoff=check.backoff(backoff),
        )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the schedule becomes another one."""
        fields = asdict(self)
        text = _json({name: fields[name] for name in _IDENTITY})
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    @property
    def is_of_the_calendar(self) -> bool:
        """Whether the same instants are due whenever the cluster first saw it."""
        return bool(self.cron) or self.at is not None

    def to_json(self) -> str:
        """The schedule as JSON text, for `from_json`."""
        return _json(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The schedule that `to_json` wrote, of this version or the one before or after.

        Raises:
            DefinitionError: The text is not such a schedule.
        """
        try:
            raw: dict[str, Any] = json.loads(text)
            options = {name: raw[name] for name in _OPTIONS if name in raw}
            found = cls.of(
                cron=raw["cron"] or None,
                in_=raw["delay"] if raw["at"] is None else None,
                backoff=Backoff(**raw["backoff"]) if "backoff" in raw else 1.0,
                **options,
            )
            # Versions before took these where they mean nothing. Left out, the schedule would be
            # another one, and its job would begin anew.
            return replace(
                found,
                misfire=check.choice("misfire", raw.get("misfire", "latest"), get_args(Misfire)),
                until=check.instant("until", raw.get("until"), check.zone(found.tz)),
                repeat=check.repeat(raw.get("repeat")),
            )
        except (DefinitionError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise DefinitionError(f"this is no schedule: {error}") from error

    def next_after(self, instant: float, anchor: float) -> float | None:
        """The first due instant later than `instant`, None when there is none.

        Args:
            instant: Seconds since the epoch.
            anchor: When the cluster first saw this schedule; `every` and `delay` count from it.
        """
        due = self._due(instant, self._start(anchor))
        if due is None or (self.until is not None and due > self.until):
            return None
        return due

    def beat_after(self, instant: float, anchor: float) -> float | None:
        """The first instant of the schedule's rhythm later than `instant`, for a backfill.

        The rhythm goes on before the first tick and after the last one.
        """
        start = self._start(anchor)
        if self.cron:
            return self._cron_after(instant)
        if self.every is None:
            return start if instant < start else None
        return _beat_after(instant, start, self.every)

    def late_by(self, due: float, salt: str) -> float:
        """By how many seconds the tick of that instant begins late, for its jitter.

        Args:
            due: The tick's due instant.
            salt: Whose tick it is; two jobs do not draw alike.
        """
        return self.jitter * Random(f"{salt} {due!r}").random() if self.jitter else 0.0  # noqa: S311

    def wait_after(self, failures: int, tick: str) -> float:
        """Seconds until a tick that has failed so often is tried again."""
        return self.backoff.delay(failures, Random(f"{tick} {failures}"))  # noqa: S311

    def _start(self, anchor: float) -> float:
        return self.at if self.at is not None else anchor + self.delay

    def _due(self, instant: float, start: float) -> float | None:
        if self.cron:
            return self._cron_after(max(instant, math.nextafter(start, -math.inf)))
        if instant < start:
            return start
        return None if self.every is None else _beat_after(instant, start, self.every)

    def _cron_after(self, instant: float) -> float | None:
        if instant > check.FARTHEST:
            return None
        # From a second before: a datetime knows microseconds only, and must not round a run away.
        begin = datetime.fromtimestamp(instant - 1.0, ZoneInfo(self.tz))
        runs = (found.timestamp() for found in CronSim(self.cron, begin))
        return next((due for due in runs if due > instant), None)


_OPTIONS = (
    *("every", "tz", "at", "window", "interrupted"),
    *("overlap", "jitter", "timeout", "retries"),
)
"""What `of` takes as it stands in a record."""


def _json(fields: dict[str, Any]) -> str:
    return json.dumps(fields, sort_keys=True, separators=(",", ":"))


def _beat_after(instant: float, start: float, every: float) -> float:
    nearest = math.floor((instant - start) / every)
    # Always start + k · every, never a sum of sums: one tick must not have two floats.
    beats = (start + (nearest + step) * every for step in range(3))
    return next(due for due in beats if due > instant)
