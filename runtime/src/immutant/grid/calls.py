"""How the grid is called: for how long, how often, and what a failure says about a write.

Belongs here: patience, repetition, translation of errors. Not here: what is called.

A compare-and-swap that was repeated would answer False although the first one was applied. So the
client is told to repeat nothing whose connection broke (`redo_operation` is off); it does repeat
what a member refused, as one that is leaving does. What else may be repeated is known here, call by
call.
"""

import asyncio
from collections.abc import Awaitable, Callable
from random import Random
from typing import Final, TypeVar

from hazelcast import errors as hz

from immutant.backoff import Backoff
from immutant.errors import StoreError, UncertainWriteError

__all__ = ["Calls"]

T = TypeVar("T")

_PATIENCE: Final = 12.0
"""Seconds of a call, repetitions included. A frozen member is suspected after 4, its partitions are
served by their backups soon after that, and a client lets go of its connection after 5."""

_PAUSES: Final = Backoff(first=0.05, most=1.0)

_DOUBTFUL: Final = (hz.HazelcastError, OSError, TimeoutError)
"""After these a write may or may not have been done."""

_REFUSED: Final = (
    hz.HazelcastSerializationError,
    hz.IllegalArgumentError,
    hz.ClassNotFoundError,
    hz.ClassCastError,
    hz.QueryError,
    hz.UnsupportedOperationError,
)
"""By these the members say that they did not do it and would not if asked again, or the client that
it cannot read what is there: for a write that answers with a value, `put_if_absent`, that nothing
was written."""


_SPLIT: Final = hz.SplitBrainProtectionError
"""The members refuse it now, since most of the pods are not in reach; nothing was written."""


class Calls:
    """Calls of one client."""

    def __init__(self) -> None:
        self._random = Random()  # noqa: S311 - jitter
        self._closed = False

    def close(self) -> None:
        """Call nothing more."""
        self._closed = True

    def check_open(self) -> None:
        """Raise StoreError once it is closed."""
        if self._closed:
            raise StoreError("this replica has closed its connection to the grid")

    async def read(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Read, repeatedly if need be.

        Raises:
            StoreError: The grid does not answer.
        """
        return await self._repeat(what, call, _no_answer)

    async def repeat(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a write that may be made twice, until all owners have it.

        Raises:
            UncertainWriteError: It may or may not have been done.
            StoreError: It was not done.
        """
        return await self._repeat(what, call, _uncertain)

    async def once(self, what: str, call: Callable[[], Awaitable[T]]) -> T:
        """Make a write that must not be made twice; again only where it was refused in a split.

        Raises:
            UncertainWriteError: It may or may not have been done.
            StoreError: It was not done.
        """
        return await self._repeat(what, call, _uncertain, twice=False)

    async def _repeat(
        self,
        what: str,
        call: Callable[[], Awaitable[T]],
        failure: Callable[[str, BaseException], StoreError],
        *,
        twice: bool = True,
    ) -> T:
        """Call until it succeeds; if it must not be done `twice`, until it may have been done."""
        loop = asyncio.get_running_loop()
        end = loop.time() + _PATIENCE
        trials, doubt = 0, False
        while True:
            self.check_open()
            try:
                async with asyncio.timeout_at(end):
                    return await call()
            except (_SPLIT, *_REFUSED, *_DOUBTFUL) as caught:
                error = caught
            doubt = doubt or not isinstance(error, (_SPLIT, *_REFUSED))
            trials += 1
            pause = _PAUSES.delay(trials, self._random)
            is_over = isinstance(error, _REFUSED) or loop.time() + pause >= end
            if is_over or (doubt and not twice):
                raise (failure if doubt else _refused)(what, error) from error
            await asyncio.sleep(pause)


def _no_answer(what: str, error: BaseException) -> StoreError:
    return StoreError(f"{what} could not be read: the grid does not answer ({_text(error)})")


def _uncertain(what: str, error: BaseException) -> StoreError:
    return UncertainWriteError(
        f"{what} may or may not have been written on all its owners ({_text(error)}); "
        "read it once the grid is back, and write again if need be"
    )


def _refused(what: str, error: BaseException) -> StoreError:
    if isinstance(error, _SPLIT):
        return StoreError(
            f"the grid refused {what}: too few of the application's pods are in reach from here to "
            "be sure that the others do not write too; nothing was written, try again once they are"
        )
    return StoreError(f"the grid refused {what}: {_text(error)}")


def _text(error: BaseException) -> str:
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
