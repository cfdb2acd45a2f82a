"""Durations as users write them."""

from datetime import timedelta
from typing import Any

import pytest

from immutant.durations import positive, seconds
from immutant.errors import DefinitionError


@pytest.mark.parametrize(
    ("duration", "expected"),
    [
        (0, 0.0),
        (2.5, 2.5),
        ("250ms", 0.25),
        ("1h30m", 5400.0),
        ("1.5d", 129_600.0),
        (timedelta(minutes=2), 120.0),
    ],
)
def test_a_duration_is_seconds_text_or_a_timedelta(duration: Any, expected: float) -> None:
    assert seconds(duration) == expected


@pytest.mark.parametrize("duration", [None, True, "", "20", "soon", "-1s", [20], b"20s", 2j])
def test_what_is_no_duration_is_refused_with_what_to_write(duration: Any) -> None:
    with pytest.raises(DefinitionError, match=r"^every=.* is no duration; write seconds"):
        seconds(duration, "every")


@pytest.mark.parametrize(
    "duration", [-1, timedelta(seconds=-1), float("nan"), float("inf"), 10**400, "9" * 400 + "s"]
)
def test_what_never_begins_or_never_ends_is_refused(duration: Any) -> None:
    with pytest.raises(DefinitionError, match="zero or more"):
        seconds(duration)


@pytest.mark.parametrize("duration", [0, "0s", timedelta()])
def test_none_at_all_is_refused_where_it_makes_no_sense(duration: Any) -> None:
    with pytest.raises(DefinitionError, match=r"^ttl=.* must be more than zero"):
        positive(duration, "ttl")
