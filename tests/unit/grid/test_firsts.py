"""Whoever comes first has decided, whatever is lost on the way."""

from typing import Any

from hazelcast import errors as hz

from immutant.grid.calls import Calls
from immutant.grid.client import packed
from immutant.grid.firsts import first


class Values:
    """A map of one entry whose faults are told to it."""

    def __init__(self, there: bytes | None = None) -> None:
        self.there = None if there is None else packed(there)
        self.loses_at_a_swap = False
        self.unanswered = 0

    async def put_if_absent(self, _: str, value: bytearray, *, ttl: float) -> bytearray | None:
        assert ttl == 60
        there = self.there
        if there is None:
            self.there = value
        if self.unanswered:
            self.unanswered -= 1
            raise hz.IndeterminateOperationStateError("no acknowledgement")
        return there

    async def execute_on_key(self, _: str, __: object) -> bool:
        if self.loses_at_a_swap:
            self.loses_at_a_swap, self.there = False, None
        return self.there is not None


async def decide(values: Any, value: bytes) -> bytes:
    return await first(Calls(), values, "key", value, 60, "it")


async def test_the_first_value_stays() -> None:
    values = Values()
    assert await decide(values, b"one") == b"one"
    assert await decide(values, b"two") == b"one"


async def test_a_value_whose_acknowledgement_was_lost_is_found_again() -> None:
    values = Values()
    values.unanswered = 1
    assert await decide(values, b"one") == b"one"


async def test_a_value_that_died_with_its_only_owner_has_decided_nothing() -> None:
    values = Values(b"lost")
    values.loses_at_a_swap = True
    assert await decide(values, b"two") == b"two"
    assert values.there == packed(b"two")
