"""One queue in the grid: what senders and consumers do to its messages.

Belongs here: sending, leasing, settling. Not here: how a record is changed exactly (`messages`),
who is next (`dispatch`), and what happens by itself (`sweeper`).

The records are the truth, and each change of them comes before its dispatch: whatever is lost in
between, or in the line, costs time and no message.
"""

import asyncio
import contextlib
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial
from typing import Any, Final

from hazelcast.asyncio import HazelcastClient, Ringbuffer

from immutant.clock import Clock
from immutant.errors import StoreError
from immutant.grid.batches import Batches
from immutant.grid.calls import Calls
from immutant.grid.dispatch import Line, to_its_end
from immutant.grid.held import Held
from immutant.grid.messages import Messages
from immutant.grid.records import Record, State, message_id, message_of
from immutant.grid.sweeper import Sweeper
from immutant.stores import Delivery, Outgoing, QueueDepth, StoredLetter

__all__ = ["GridQueue"]

_TRIALS: Final = 3
"""How often a change is tried on versions that this replica itself has just made."""

_AT_ONCE: Final = 100


class GridQueue:
    """One queue, as one replica uses it."""

    def __init__(
        self,
        name: str,
        messages: Messages,
        line: Line,
        counter: "Ringbuffer[str]",
        batches: Batches,
        calls: Calls,
        clock: Clock,
    ) -> None:
        """Use `open`."""
        self._what = f"queue {name!r}"
        self._messages = messages
        self._line = line
        self._counter = counter
        self._batches = batches
        self._calls = calls
        self._clock = clock
        self._held = Held()
        self._taking: set[asyncio.Task[Delivery | None]] = set()
        self._sweeper = Sweeper(name, messages, line, batches, clock, self._held)
        self._sweeping = asyncio.ensure_future(self._sweeper.run())
        self._died_at = 0.0

    @classmethod
    async def open(
        cls, name: str, client: HazelcastClient, calls: Calls, clock: Clock
    ) -> "GridQueue":
        """Begin to use a queue, and to sweep it."""
        messages, line, counter = await asyncio.gather(
            Messages.open(name, client, calls),
            Line.open(name, client, calls),
            calls.read(f"queue {name!r}", partial(client.get_ringbuffer, f"order.{name}")),
        )
        return cls(name, messages, line, counter, Batches(client, calls), calls, clock)

    async def send(self, outgoing: Sequence[Outgoing]) -> list[str]:
        if not outgoing:
            return []
        number = int(await self._calls.repeat(self._what, partial(self._counter.add, "")))
        now = self._clock.wall()
        batch = secrets.token_hex(8) if len(outgoing) > 1 else ""
        records = [
            Record.sent(message, message_id(number, place), now, batch=batch)
            for place, message in enumerate(outgoing)
        ]
        await _by_parts(self._messages.create, records)
        if batch:
            await self._batches.commit(batch)
            # From here on it is sent: what cannot be done now, a sweeper does.
            with contextlib.suppress(StoreError):
                records = await _by_parts(self._release_pending, records)
        await self._dispatch(records)
        return [record.id for record in records]

    async def receive(self, *, visibility: float, timeout: float | None) -> Delivery | None:
        loop = asyncio.get_running_loop()
        end = None if timeout is None else loop.time() + timeout
        while True:
            key = await self._line.next(None if end is None else end - loop.time())
            if key is None:
                return None
            taking = asyncio.ensure_future(self._take(message_of(key), visibility))
            self._taking.add(taking)
            taking.add_done_callback(self._taking.discard)
            try:
                delivery = await asyncio.shield(taking)
            except asyncio.CancelledError:
                await to_its_end(self._withdraw(taking))
                raise
            if delivery is not None:
                return delivery

    async def extend(self, deliveries: Sequence[Delivery], visibility: float) -> list[Delivery]:
        moved = await asyncio.gather(
            *(self._move(one, lambda record: record.extended(visibility)) for one in deliveries)
        )
        return [one for one, record in zip(deliveries, moved, strict=True) if record is None]

    async def ack(self, delivery: Delivery) -> bool:
        return await self._settle(delivery, self._messages.remove)

    async def give_back(self, delivery: Delivery, *, delay: float, counted: bool) -> bool:
        def give_back(record: Record) -> Record:
            now = self._clock.wall()
            due = now + delay if delay > 0 else None
            after = record.given_back(due, counted=counted)
            return after.dead("expired", self._death(now)) if after.is_expired(now) else after

        record = await self._move(delivery, give_back)
        if record is not None:
            await self._dispatch([record])
        return record is not None

    async def bury(self, delivery: Delivery, reason: str) -> bool:
        dead = await self._move(
            delivery, lambda record: record.dead(reason, self._death(self._clock.wall()))
        )
        return dead is not None

    async def dead(self, limit: int) -> list[StoredLetter]:
        return [record.letter() for record in await self._dead(limit)]

    async def replay(self, ids: Sequence[str] | None) -> int:
        """Send dead letters again, as new messages.

        A replica that dies while it replays may leave a letter whose message was sent already.
        """
        chosen = await self._chosen(ids)
        for record in chosen:
            again = Outgoing(record.body, record.headers, record.priority)
            await self.send([again])
            await self._messages.remove(record)
        return len(chosen)

    async def discard(self, ids: Sequence[str] | None) -> int:
        removed = await _by_parts(self._messages.remove, await self._chosen(ids))
        return sum(removed)

    async def depth(self) -> QueueDepth:
        await self._sweeper.sweep()
        return await self._messages.depth()

    async def close(self) -> None:
        """End what waits, and give back what this replica holds."""
        await self._line.close()
        if self._taking:
            await asyncio.wait(self._taking)
        self._sweeping.cancel()
        await asyncio.wait({self._sweeping})
        held = [record.delivery() for record in self._held.all()]
        await asyncio.gather(
            *(self.give_back(one, delay=0.0, counted=True) for one in held),
            return_exceptions=True,  # what cannot be given back comes again after its visibility
        )

    async def _take(self, message: str, visibility: float) -> Delivery | None:
        """Lease the message if it is ready."""
        record = await self._messages.read(message)
        if record is None or record.state is not State.READY:
            return None
        if record.is_expired(self._clock.wall()):
            await self._messages.swap(record, record.expired())
            return None
        leased = record.leased(secrets.token_hex(8), visibility)
        if not await self._messages.swap(record, leased):
            return None
        self._hold(leased)
        return leased.delivery()

    async def _withdraw(self, taking: "asyncio.Task[Delivery | None]") -> None:
        """Undo a receive that was cancelled; what fails here, the visibility settles."""
        with contextlib.suppress(StoreError):
            delivery = await taking
            if delivery is not None:
                await self.give_back(delivery, delay=0.0, counted=False)

    async def _move(self, delivery: Delivery, change: Callable[[Record], Record]) -> Record | None:
        """Change the record of a delivery; None when the delivery was overtaken."""
        after: Record | None = None

        async def swap(record: Record) -> bool:
            nonlocal after
            after = change(record)
            swapped = await self._messages.swap(record, after)
            if swapped and after.state is State.LEASED:
                self._hold(after)
            return swapped

        return after if await self._settle(delivery, swap) else None

    async def _settle(self, delivery: Delivery, act: Callable[[Record], Awaitable[bool]]) -> bool:
        """Do something to the record of a delivery; False when the delivery was overtaken.

        The version that is remembered may have been followed by another one of this same lease.
        """
        mark: str | None = None
        for _ in range(_TRIALS):
            record = await self._record_of(delivery)
            if record is None or record.mark != (mark or record.mark):
                return False
            mark = record.mark
            done = await act(record)
            self._held.forget(record)
            if done:
                return True
        return False

    async def _record_of(self, delivery: Delivery) -> Record | None:
        """The record of a delivery that is still in hand; as it is remembered, or as it stands."""
        remembered = self._held.of(delivery)
        if remembered is not None:
            return remembered
        record = await self._messages.read(delivery.id)
        if record is None or record.state is not State.LEASED or record.attempt != delivery.attempt:
            return None
        return record

    async def _release_pending(self, record: Record) -> Record:
        after = record.released()
        await self._messages.swap(record, after)
        return after

    async def _dispatch(self, records: Iterable[Record]) -> None:
        """Let those that are ready be received, and expect those that will be."""
        now = self._clock.wall()
        for record in records:
            if record.state is State.DELAYED and record.wake is not None:
                self._sweeper.expect(record.wake - now)
        with contextlib.suppress(StoreError):  # the sweeper offers what is missing in the line
            await self._line.offer([one.key for one in records if one.state is State.READY])

    async def _dead(self, limit: int | None = None) -> list[Record]:
        await self._sweeper.sweep()
        ids = (await self._messages.dead())[:limit]
        found = await _by_parts(self._messages.read, ids)
        return [record for record in found if record is not None and record.state is State.DEAD]

    async def _chosen(self, ids: Sequence[str] | None) -> list[Record]:
        return [record for record in await self._dead() if ids is None or record.id in ids]

    def _hold(self, record: Record) -> None:
        self._held.hold(record)
        self._sweeper.watch(record)

    def _death(self, now: float) -> float:
        """A time of death after those before: the dead are listed in the order of their deaths."""
        self._died_at = max(now, self._died_at + 1e-6)
        return self._died_at


async def _by_parts(work: Callable[[Any], Any], items: Sequence[Any]) -> list[Any]:
    """Do the work for each of the items, so many at a time; more make backups late."""
    done: list[Any] = []
    for start in range(0, len(items), _AT_ONCE):
        done += await asyncio.gather(*map(work, items[start : start + _AT_ONCE]))
    return done
