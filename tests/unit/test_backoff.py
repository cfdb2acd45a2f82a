"""How long to wait before trying again."""

from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immutant import Backoff, DefinitionError


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_between_half_of_its_step_and_the_most(failures: int, seed: int) -> None:
    backoff = Backoff(first=1.0, most=60.0)
    step = min(60.0, 2.0 ** min(failures - 1, 64))
    assert step / 2 <= backoff.delay(failures, Random(seed)) <= step


def test_waits_are_written_as_any_duration() -> None:
    assert 0.05 <= Backoff(first="100ms", most="1m").delay(1, Random(1)) <= 0.1


def test_the_steepest_backoff_overflows_at_no_failure() -> None:
    assert Backoff(first=1, factor=1000).delay(10_000, Random(1)) <= 300.0


@pytest.mark.parametrize(
    ("options", "because"),
    [
        ({"first": "soon"}, "Backoff.first='soon' is no duration"),
        ({"first": 0}, "more than zero"),
        ({"most": float("inf")}, "Backoff.most=inf"),
        ({"first": "10m"}, "600 s is longer than the longest of 300 s"),
        ({"factor": 0.5}, "Backoff.factor=0.5"),
        ({"factor": float("nan")}, "Backoff.factor=nan"),
        ({"factor": 1e9}, "1 to 1000"),
        ({"factor": "2"}, "Backoff.factor='2'"),
    ],
)
def test_a_backoff_that_cannot_be_is_refused_with_its_place(
    options: dict[str, Any], because: str
) -> None:
    with pytest.raises(DefinitionError) as refused:
        Backoff(**options)
    assert str(refused.value).startswith(f"{__file__}:")
    assert because in str(refused.value)
