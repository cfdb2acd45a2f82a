"""How long to wait before trying again."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from immutant.backoff import Backoff


@given(st.integers(1, 10_000), st.integers())
def test_a_wait_is_between_half_of_its_step_and_the_most(failures: int, seed: int) -> None:
    backoff = Backoff(first=1.0, most=60.0)
    step = min(60.0, 2.0 ** min(failures - 1, 64))
    assert step / 2 <= backoff.delay(failures, Random(seed)) <= step
