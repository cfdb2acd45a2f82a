"""What a failing call says about a write."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hazelcast import errors as hz

from immutant.errors import StoreError, UncertainWriteError
from immutant.grid import calls as module
from immutant.grid.calls import Calls

DOUBTFUL = [
    hz.IndeterminateOperationStateError("no acknowledgement"),
    hz.TargetDisconnectedError("gone"),
    hz.OperationTimeoutError("late"),
    OSError("broken pipe"),
]


def failing(*errors: Exception) -> Callable[[], Awaitable[str]]:
    """A call that fails with these, one after the other, and then succeeds."""
    left = list(errors)

    async def call() -> str:
        if left:
            raise left.pop(0)
        return "done"

    return call


@pytest.mark.parametrize("error", DOUBTFUL)
async def test_what_may_be_done_twice_is_done_until_it_is_certain(error: Exception) -> None:
    assert await Calls().repeat("it", failing(error, error)) == "done"
    assert await Calls().read("it", failing(error, error)) == "done"


@pytest.mark.parametrize("error", DOUBTFUL)
async def test_what_must_not_be_done_twice_is_uncertain(error: Exception) -> None:
    with pytest.raises(UncertainWriteError, match="it may or may not"):
        await Calls().once("it", failing(error))


async def test_a_refusal_is_no_doubt() -> None:
    for act in (Calls().once, Calls().repeat):
        with pytest.raises(StoreError, match="refused it") as refused:
            await act("it", failing(hz.QueryError("no such field")))
        assert not isinstance(refused.value, UncertainWriteError)


async def test_a_refusal_after_a_doubt_does_not_take_it_away() -> None:
    doubtful = failing(hz.IndeterminateOperationStateError("?"), hz.QueryError("no such field"))
    with pytest.raises(UncertainWriteError):
        await Calls().repeat("it", doubtful)


async def test_what_the_smaller_side_of_a_split_refuses_is_tried_again() -> None:
    split = hz.SplitBrainProtectionError("minority")
    for act in (Calls().once, Calls().repeat, Calls().read):
        assert await act("it", failing(split, split)) == "done"


async def test_a_split_that_lasts_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    for act in (Calls().once, Calls().repeat):
        with pytest.raises(StoreError, match="too few of the application's pods") as refused:
            await act("it", failing(*[hz.SplitBrainProtectionError("minority")] * 50))
        assert not isinstance(refused.value, UncertainWriteError)


async def test_a_doubt_before_a_split_stays_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    split = [hz.SplitBrainProtectionError("minority")] * 50
    with pytest.raises(UncertainWriteError):
        await Calls().repeat("it", failing(OSError("broken pipe"), *split))


async def test_patience_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PATIENCE", 0.05)
    calls = Calls()
    with pytest.raises(UncertainWriteError):
        await calls.once("it", asyncio.Event().wait)
    with pytest.raises(UncertainWriteError):
        await calls.repeat("it", asyncio.Event().wait)
    with pytest.raises(StoreError, match="does not answer") as unread:
        await calls.read("it", asyncio.Event().wait)
    assert not isinstance(unread.value, UncertainWriteError)


async def test_a_closed_connection_calls_nothing() -> None:
    calls = Calls()
    calls.close()
    for act in (calls.once, calls.repeat, calls.read):
        with pytest.raises(StoreError, match="closed"):
            await act("it", failing())
