"""Reading what an application has counted, or a sentence that says what is wrong with it.

Belongs here: one series after the other, from JSON. What this version does not know is left out:
the application may be one minor version newer, or older.
"""

from typing import Any, Final

from immutant.counting import FAMILIES, SERIES, Series
from immutant.errors import RequestRefusedError

__all__ = ["read_series"]

_MOST: Final = len(FAMILIES) * (SERIES + 1)
_FARTHEST: Final = 2.0**63


def read_series(said: object) -> tuple[Series, ...]:
    """The series that are known.

    Raises:
        RequestRefusedError: It is no list of series, or a longer one than can be.
    """
    if not isinstance(said, list):
        raise RequestRefusedError("the field 'series' must be a list")
    if len(said) > _MOST:
        raise RequestRefusedError(f"the field 'series' must be of at most {_MOST} series")
    return tuple(one for one in map(_series, said) if _is_known(one))


def _series(said: object) -> Series:
    fields: dict[str, Any] = said if isinstance(said, dict) else {}
    labels, counts = fields.get("labels", []), fields.get("counts", [])
    if not isinstance(fields.get("name"), str):
        raise _refused("name", "a text")
    if not isinstance(labels, list) or not all(isinstance(one, str) for one in labels):
        raise _refused("labels", "a list of texts")
    if not isinstance(counts, list) or not all(map(_is_count, counts)):
        raise _refused("counts", "a list of whole numbers, zero or more")
    return Series(fields["name"], tuple(labels), _number(fields.get("value")), tuple(counts))


def _number(said: object) -> float:
    if isinstance(said, bool) or not isinstance(said, int | float) or not abs(said) <= _FARTHEST:
        raise _refused("value", "a number")
    return float(said)


def _is_count(said: object) -> bool:
    return isinstance(said, int) and not isinstance(said, bool) and 0 <= said <= _FARTHEST


def _is_known(one: Series) -> bool:
    family = FAMILIES.get(one.name)
    if family is None or len(family.labels) != len(one.labels):
        return False
    buckets = len(family.bounds) + 1 if family.shape == "histogram" else 0
    return len(one.counts) == buckets


def _refused(field: str, kind: str) -> RequestRefusedError:
    return RequestRefusedError(f"the field {field!r} of a series must be {kind}")
