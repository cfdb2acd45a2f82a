"""Durations as users write them.

Belongs here: the one parser. A duration is a number of seconds or text like "250ms", "20s", "5m",
"1h30m", "2d".
"""

import math
import re

from immutant.errors import DefinitionError

__all__ = ["Duration", "seconds"]

Duration = float | str

_UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_WHOLE = re.compile(rf"(?:{_PART.pattern})+")


def seconds(duration: Duration, what: str = "duration") -> float:
    """Return the duration in seconds.

    Args:
        duration: Seconds as a number, or text such as "1h30m".
        what: What the duration is for; named in the error.

    Raises:
        DefinitionError: It is negative, not finite or not a duration.
    """
    if isinstance(duration, str):
        if not _WHOLE.fullmatch(duration):
            raise DefinitionError(
                f"{what}={duration!r} is no duration; write seconds, or text like '20s' or '1h30m'"
            )
        return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(duration))
    if isinstance(duration, bool) or not math.isfinite(duration) or duration < 0:
        raise DefinitionError(f"{what}={duration!r} must be a number of seconds, zero or more")
    return float(duration)
