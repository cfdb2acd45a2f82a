"""When a job is due: the schedule, as the user states it.

Belongs here: parsing and checking, and the next due instant after a given one. Not here: which
ticks were claimed, missed or run (`immutant.election.ticks`). No I/O, no clock: instants are
seconds since the epoch and come in as arguments.
"""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from datetime import UTC, datetime
from typing import Any, Literal, Self, TypeVar, get_args
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from immutant.durations import Duration, seconds
from immutant.errors import DefinitionError

__all__ = ["Interrupted", "Misfire", "Schedule"]

Misfire = Literal["skip", "latest", "all"]
Interrupted = Literal["rerun", "record"]

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


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
        zone = _zone(tz or "UTC")
        return cls(
            every=None if every is None else _period(every),
            cron="" if cron is None else _cron(cron),
            tz=zone.key,
            at=_instant("at", at, zone),
            delay=0.0 if in_ is None else seconds(in_, "in_"),
            until=_instant("until", until, zone),
            repeat=_count(repeat),
            misfire=_choice("misfire", misfire, get_args(Misfire)),
            window=seconds(window, "window"),
            interrupted=_choice("interrupted", interrupted, get_args(Interrupted)),
        )

    @property
    def fingerprint(self) -> str:
        """Changes whenever the schedule changes."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()[:16]

    def to_json(self) -> str:
        """The schedule as JSON text, for `from_json`."""
        return json.dumps(asdict(self), sort_keys=True, separators=(",", ":"))

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The schedule that `to_json` wrote.

        Raises:
            DefinitionError: The text is not such a schedule.
        """
        try:
            known = {field.name for field in fields(cls)}
            raw: dict[str, Any] = json.loads(text)
            return cls(**{name: value for name, value in raw.items() if name in known})
        except (AttributeError, TypeError, ValueError) as error:
            raise DefinitionError(f"this is no schedule: {error}") from error

    def next_after(self, instant: float, anchor: float) -> float | None:
        """The first due instant later than `instant`, None when there is none.

        Args:
            instant: Seconds since the epoch.
            anchor: When the cluster first saw this schedule; `every` and `delay` count from it.
        """
        start = self.at if self.at is not None else anchor + self.delay
        due = self._due(instant, start)
        if due is None or (self.until is not None and due > self.until):
            return None
        return due

    def _due(self, instant: float, start: float) -> float | None:
        if self.cron:
            return self._cron_after(max(instant, math.nextafter(start, -math.inf)))
        if instant < start:
            return start
        if self.every is None:
            return None
        periods = math.floor((instant - start) / self.every) + 1
        # Always start + k · every, never a sum of sums: one tick must not have two floats.
        due = start + periods * self.every
        return due if due > instant else start + (periods + 1) * self.every

    def _cron_after(self, instant: float) -> float | None:
        # From a second before: a datetime knows microseconds only, and must not round a run away.
        begin = datetime.fromtimestamp(instant - 1.0, ZoneInfo(self.tz))
        runs = (found.timestamp() for found in CronSim(self.cron, begin))
        return next((due for due in runs if due > instant), None)


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DefinitionError(
            f"tz={name!r} is no known time zone; write an IANA name such as 'Europe/Berlin' "
            "(a machine without time zone data needs the package tzdata)"
        ) from error


def _period(every: Duration) -> float:
    period = seconds(every, "every")
    if period < 0.01:
        raise DefinitionError(f"every={every!r} must be at least 10ms")
    return period


def _cron(expression: str) -> str:
    fields = _NICKNAMES.get(expression.strip().lower(), expression.strip())
    try:
        CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise DefinitionError(
            f"cron={expression!r} is no cron expression ({str(error).lower()}); write five fields, "
            "minute hour day month weekday, as in '*/5 * * * *', or six with the seconds first"
        ) from error
    return fields


def _instant(name: str, value: datetime | float | None, zone: ZoneInfo) -> float | None:
    if value is None:
        return None
    if isinstance(value, datetime):
        return (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise DefinitionError(
            f"{name}={value!r} is no instant; write a datetime, or seconds since the epoch"
        )
    return float(value)


def _count(repeat: int | None) -> int | None:
    if repeat is None:
        return None
    if isinstance(repeat, bool) or not isinstance(repeat, int) or repeat < 0:
        raise DefinitionError(f"repeat={repeat!r} must be how many runs follow the first")
    return repeat


_Choice = TypeVar("_Choice", bound=str)


def _choice(name: str, value: _Choice, choices: tuple[str, ...]) -> _Choice:
    if value not in choices:
        raise DefinitionError(f"{name}={value!r} must be one of {', '.join(choices)}")
    return value
