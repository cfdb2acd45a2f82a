"""Checking what a user writes of a schedule: each value as it is kept, or what to write instead.

Belongs here: one function for each kind of value; all raise DefinitionError. Not here: what a
schedule means (`immutant.schedules`).
"""

from datetime import UTC, datetime
from typing import TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim, CronSimError

from immutant.backoff import Backoff
from immutant.durations import Duration, positive, seconds
from immutant.errors import DefinitionError

__all__ = [
    "FARTHEST",
    *("backoff", "choice", "cron", "instant", "jitter", "period", "repeat", "retries"),
    *("timeout", "zone"),
]

FARTHEST = 6e10
"""Seconds from the epoch, to the year 3871: not far beyond, calendars end."""

_NICKNAMES = {
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
    "@monthly": "0 0 1 * *",
    "@weekly": "0 0 * * 0",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@hourly": "0 * * * *",
}


def zone(name: str) -> ZoneInfo:
    """The time zone of that name."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DefinitionError(
            f"tz={name!r} is no known time zone; write an IANA name such as 'Europe/Berlin' "
            "(a machine without time zone data needs the package tzdata)"
        ) from error


def period(every: Duration) -> float:
    """Seconds between ticks."""
    found = seconds(every, "every")
    if found < 0.01:
        raise DefinitionError(f"every={every!r} must be at least 10ms")
    return found


def cron(expression: str) -> str:
    """The expression, nicknames spelled out."""
    fields = _NICKNAMES.get(expression.strip().lower(), expression.strip())
    try:
        CronSim(fields, datetime(2000, 1, 1, tzinfo=UTC))
    except CronSimError as error:
        raise DefinitionError(
            f"cron={expression!r} is no cron expression ({str(error).lower()}); write five fields, "
            "minute hour day month weekday, as in '*/5 * * * *', or six with the seconds first"
        ) from error
    return fields


def instant(name: str, value: datetime | float | None, zone: ZoneInfo) -> float | None:
    """Seconds since the epoch; a naive datetime is read in the zone."""
    if value is None:
        return None
    if isinstance(value, datetime):
        value = (value if value.tzinfo else value.replace(tzinfo=zone)).timestamp()
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    if not is_number or not -FARTHEST <= value <= FARTHEST:
        raise DefinitionError(
            f"{name}={value!r} is no instant; write a datetime, or seconds since the epoch"
        )
    return float(value)


def repeat(value: int | None) -> int | None:
    """How many runs follow the first."""
    if value is None:
        return None
    return _whole(value, f"repeat={value!r} must be how many runs follow the first")


_Choice = TypeVar("_Choice", bound=str)


def choice(name: str, value: _Choice, choices: tuple[str, ...]) -> _Choice:
    """The value, if it is one of the choices."""
    if value not in choices:
        raise DefinitionError(f"{name}={value!r} must be one of {', '.join(choices)}")
    return value


def jitter(value: Duration, every: float | None) -> float:
    """Seconds by which a tick may begin late."""
    most = seconds(value, "jitter")
    if every is not None and most >= every:
        raise DefinitionError(f"jitter={value!r} must be shorter than every={every:g} s")
    return most


def timeout(value: Duration | None) -> float | None:
    """Seconds that a run may take."""
    return None if value is None else positive(value, "timeout")


def retries(value: int) -> int:
    """How often a run that failed is tried again."""
    return _whole(value, f"retries={value!r} must be how often a failed run is tried again")


def backoff(value: Duration | Backoff) -> Backoff:
    """The waits, in seconds."""
    waits = value if isinstance(value, Backoff) else Backoff(value)
    return Backoff(seconds(waits.first), seconds(waits.most), waits.factor)


def _whole(value: int, said: str) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DefinitionError(said)
    return value
