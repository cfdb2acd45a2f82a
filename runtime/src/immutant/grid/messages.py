"""The messages of one queue in the grid: reading, changing and finding records.

Belongs here: exact changes of one record although answers get lost, and the queries. Not here: who
is served (`dispatch`), and which change follows which (`queue`, `sweeper`).

Every version of a record is unique, so that its compare-and-swap can be told from anyone else's
afterwards: a version that is found there was written, and is written over itself until all owners
have acknowledged it.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from random import Random
from typing import Any, Final

from hazelcast import aggregator, predicate, projection
from hazelcast.asyncio import HazelcastClient, Map
from hazelcast.core import HazelcastJsonValue
from hazelcast.predicate import Predicate

from immutant.backoff import Backoff
from immutant.errors import StoreError, UncertainWriteError
from immutant.grid.calls import Calls
from immutant.grid.records import Record, State
from immutant.stores import QueueDepth

__all__ = ["Glimpse", "Messages"]

_TRIALS: Final = 6
_PAUSES: Final = Backoff(first=0.02, most=0.5)


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What a query tells of a message: all but its content."""

    id: str
    state: State
    change: str
    visibility: float
    batch: str


class Messages:
    """The records of one queue."""

    def __init__(self, queue: str, entries: "Map[str, HazelcastJsonValue]", calls: Calls) -> None:
        """Use `open`."""
        self._what = f"queue {queue!r}"
        self._entries = entries
        self._calls = calls
        self._random = Random()  # noqa: S311 - jitter

    @classmethod
    async def open(cls, queue: str, client: HazelcastClient, calls: Calls) -> "Messages":
        """The records of that queue."""
        name = f"queue.{queue}"
        what = f"queue {queue!r}"
        entries: Map[str, HazelcastJsonValue] = await calls.read(what, lambda: client.get_map(name))
        return cls(queue, entries, calls)

    async def read(self, message: str) -> Record | None:
        """The record as it stands now."""
        value = await self._calls.read(self._name(message), lambda: self._entries.get(message))
        if value is None:
            return None
        try:
            return Record.decode(message, value.to_string())
        except (AttributeError, LookupError, TypeError, ValueError) as error:
            raise StoreError(
                f"{self._name(message)} cannot be read ({error}); remove it from the map "
                f"'queue.…' by hand"
            ) from error

    async def create(self, record: Record) -> None:
        """Store a new message, until all owners have it.

        Raises:
            UncertainWriteError: It may or may not be there.
        """
        if not await self._settle(None, record) and await self.read(record.id) is None:
            raise StoreError(f"{self._name(record.id)} was removed while it was being sent")

    async def swap(self, old: Record, new: Record) -> bool:
        """Replace one version by the next; False when the old one is not there any more.

        Raises:
            UncertainWriteError: That could not be settled.
        """
        return await self._settle(old, new)

    async def remove(self, record: Record) -> bool:
        """Remove the message if this is its version; False when it is not.

        Raises:
            UncertainWriteError: That could not be settled.
        """
        what, value = self._name(record.id), _json(record)
        doubt: UncertainWriteError | None = None
        for trial in range(1, _TRIALS + 1):
            try:
                if await self._calls.once(
                    what, lambda: self._entries.remove_if_same(record.id, value)
                ):
                    return True
            except UncertainWriteError as error:
                doubt = error
            now = await self.read(record.id)
            if now is None:
                return doubt is not None
            if now.change != record.change:
                return False
            await self._pause(trial)
        raise doubt or self._unsettled(record.id)

    async def restless(self, wall: float) -> list[Glimpse]:
        """What changes by itself: leased, of an unfinished batch, or due by that time."""
        moving = predicate.in_("s", State.LEASED.value, State.PENDING.value)
        return await self._find(predicate.or_(moving, predicate.less_or_equal("w", wall)))

    async def in_state(self, state: State) -> list[Glimpse]:
        """All that are in that state, in the order of sending."""
        return await self._find(predicate.equal("s", state.value))

    async def count(self, *states: State) -> int:
        """How many are in one of these states at this moment."""
        wanted = predicate.in_("s", *(state.value for state in states))
        query = partial(self._entries.aggregate, aggregator.count(), wanted)
        return int(await self._calls.read(self._what, query))

    async def depth(self) -> QueueDepth:
        """How many messages there are, by state.

        Each state is counted at a moment of its own. A message that goes from one to another in
        between is among `everything`, so the rest of that misses none; it may count one twice.
        """
        states = (State.READY, State.DELAYED, State.DEAD)
        everything, ready, delayed, dead = await asyncio.gather(
            self.count(*states, State.LEASED), *(self.count(state) for state in states)
        )
        return QueueDepth(ready, delayed, max(0, everything - ready - delayed - dead), dead)

    async def dead(self) -> list[str]:
        """The ids of dead letters in the order of their deaths."""
        wanted = projection.multi_attribute("died", "__key")
        query = partial(self._entries.project, wanted, predicate.equal("s", State.DEAD.value))
        rows: Sequence[Sequence[Any]] = await self._calls.read(self._what, query)
        return [str(message) for _, message in sorted(map(tuple, rows))]

    async def _settle(self, old: Record | None, new: Record) -> bool:
        doubt: UncertainWriteError | None = None
        for trial in range(1, _TRIALS + 1):
            try:
                if await self._write(old, new):
                    return True
                clear = True
            except UncertainWriteError as error:
                doubt, clear = error, False
            now = await self.read(new.id)
            if now is not None and now.change == new.change:
                if clear:
                    return True
                old = new
            elif (None if now is None else now.change) != (None if old is None else old.change):
                return False
            await self._pause(trial)
        raise doubt or self._unsettled(new.id)

    async def _write(self, old: Record | None, new: Record) -> bool:
        what, value = self._name(new.id), _json(new)
        if old is None:
            there = await self._calls.once(
                what, lambda: self._entries.put_if_absent(new.id, value, ttl=0)
            )
            return there is None
        former = _json(old)
        done = await self._calls.once(
            what,
            # The client declares the key as a value.
            lambda: self._entries.replace_if_same(new.id, former, value),  # type: ignore[arg-type]
        )
        return bool(done)

    async def _find(self, condition: Predicate) -> list[Glimpse]:
        wanted = projection.multi_attribute("__key", "s", "c", "hold", "batch")
        rows: Sequence[Sequence[Any]] = await self._calls.read(
            self._what, lambda: self._entries.project(wanted, condition)
        )
        found = [
            Glimpse(message, State(state), change, hold, batch or "")
            for message, state, change, hold, batch in rows
        ]
        return sorted(found, key=lambda glimpse: glimpse.id)

    async def _pause(self, trial: int) -> None:
        await asyncio.sleep(_PAUSES.delay(trial, self._random))

    def _name(self, message: str) -> str:
        return f"message {message} of {self._what}"

    def _unsettled(self, message: str) -> UncertainWriteError:
        return UncertainWriteError(f"{self._name(message)}: the grid contradicts itself")


def _json(record: Record) -> HazelcastJsonValue:
    return HazelcastJsonValue(record.encode())
