"""Durations as users write them.

Belongs here: the one parser. A duration is a number of seconds, text like "250ms", "20s", "5m",
"1h30m", "2d", or a timedelta.
"""

import math
import re
from datetime import timedelta

from immutant.errors import DefinitionError

__all__ = ["Duration", "positive", "seconds"]

Duration = float | str | timedelta

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")
_REMEDY = "write seconds, text like '20s' or '1h30m', or a timedelta"


def seconds(duration: Duration, what: str = "duration") -> float:
    """Return the duration in seconds.

    Args:
        duration: Seconds as a number, text such as "1h30m", or a timedelta.
        what: What the duration is for; named in the error.

    Raises:
        DefinitionError: It is negative, not finite or not a duration.
    """
    parsed = _parse(duration)
    if parsed is None:
        raise DefinitionError(f"{what}={duration!r} is no duration; {_REMEDY}")
    if not math.isfinite(parsed) or parsed < 0:
        raise DefinitionError(f"{what}={duration!r} must be zero or more, and not for ever")
    return parsed


def positive(duration: Duration, what: str) -> float:
    """Return the duration in seconds, where none at all makes no sense; see `seconds`.

    Raises:
        DefinitionError: It is zero, or `seconds` refuses it.
    """
    parsed = seconds(duration, what)
    if parsed == 0:
        raise DefinitionError(f"{what}={duration!r} must be more than zero; {_REMEDY}")
    return parsed


def _parse(duration: object) -> float | None:
    if isinstance(duration, timedelta):
        return duration.total_seconds()
    if isinstance(duration, str):
        parts = _PART.findall(duration) if _WHOLE.fullmatch(duration) else []
        return sum(float(number) * _UNITS[unit] for number, unit in parts) if parts else None
    if isinstance(duration, bool) or not isinstance(duration, int | float):
        return None
    try:
        return float(duration)
    except OverflowError:  # an integer of hundreds of digits
        return math.inf
