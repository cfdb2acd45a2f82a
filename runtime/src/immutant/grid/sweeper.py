"""What happens to a queue's messages by themselves: leases and delays end, messages expire.

Belongs here: the sweep that every replica makes of the queues it uses. Not here: what consumers do.

A lease has run out when its record has not changed for its visibility on this replica's own
monotonic clock: a step of anybody's calendar redelivers nothing. Delays and times to live are
moments of the calendar. A message that is ready while the line lacks its key, as after the death of
a replica that had just taken it, is offered again; before that its record is changed, so that of
all replicas one does it.
"""

import asyncio
import logging
from dataclasses import dataclass
from random import Random
from typing import Final

from immutant.clock import Clock
from immutant.errors import StoreError
from immutant.grid.batches import Batches
from immutant.grid.dispatch import Line
from immutant.grid.held import Held
from immutant.grid.messages import Glimpse, Messages
from immutant.grid.records import Record, State, message_of

__all__ = ["Sweeper"]

_PERIOD: Final = 2.0
"""Seconds between two sweeps, when nothing is known to be due before."""

_THOROUGH: Final = 15
"""Every so many sweeps the line is compared with the records even if it seems complete."""

_GRAIN: Final = 0.005
"""Seconds that a sweep is put off: one that comes just before its time would find nothing."""

_UNDECIDED: Final = 5.0
"""Seconds after which a pending message's batch is asked for; its sender mostly is faster."""

_ABANDONED: Final = 60.0
"""Seconds after which a batch without a verdict is dropped. A sender that is slower than that,
since the grid fails it again and again, hears at its end that none of its messages was sent."""

_log = logging.getLogger("immutant.grid")


@dataclass(frozen=True, slots=True)
class _Sight:
    """A version of a record, and since when it has been seen (monotonic seconds)."""

    change: str
    since: float


class Sweeper:
    """Sweeps one queue."""

    def __init__(
        self,
        queue: str,
        messages: Messages,
        line: Line,
        batches: Batches,
        clock: Clock,
        held: Held,
    ) -> None:
        """Make a sweeper.

        Args:
            queue: The queue's name.
            messages: Its records.
            line: Its dispatch queue.
            batches: The verdicts on unfinished batches.
            clock: The machine's clock.
            held: What this replica's consumers hold; what the grid does not know so is forgotten.
        """
        self._queue = queue
        self._messages = messages
        self._line = line
        self._batches = batches
        self._clock = clock
        self._held = held
        self._random = Random()  # noqa: S311 - jitter
        self._sights: dict[str, _Sight] = {}
        self._missing: dict[str, str] = {}
        self._next = float("inf")
        self._sooner = asyncio.Event()
        self._sweeping = asyncio.Lock()
        self._count = 0
        self._restored_at = float("-inf")

    def watch(self, record: Record) -> None:
        """Note a lease that was taken or extended just now."""
        now = self._clock.now()
        self._sights[record.id] = _Sight(record.change, now)
        self.expect(record.visibility)

    def expect(self, seconds: float) -> None:
        """Sweep when so many seconds have passed."""
        moment = self._clock.now() + seconds + _GRAIN
        if moment < self._next:
            self._next = moment
            self._sooner.set()

    async def run(self) -> None:
        """Sweep on and on."""
        while True:
            try:
                await self.sweep()
                await self._restore()
            except StoreError as error:
                _log.warning("queue %r: cannot be swept, trying again: %s", self._queue, error)
            await self._rest()

    async def sweep(self) -> None:
        """Do what the time has come for.

        Raises:
            StoreError: The grid does not answer; what was not done will be.
        """
        async with self._sweeping:
            self._next = float("inf")
            before = self._held.moment()
            found = await self._messages.restless(self._clock.wall())
            self._held.keep({glimpse.change for glimpse in found}, before)
            present = {glimpse.id for glimpse in found}
            self._sights = {id_: sight for id_, sight in self._sights.items() if id_ in present}
            for glimpse in found:
                await self._look(glimpse)

    async def _look(self, glimpse: Glimpse) -> None:
        if glimpse.state in (State.READY, State.DELAYED):
            await self._release(glimpse)
        elif glimpse.state is State.LEASED:
            if self._seen_for(glimpse) >= glimpse.visibility:
                await self._release(glimpse)
            else:
                self.expect(glimpse.visibility - self._seen_for(glimpse))
        elif self._seen_for(glimpse) >= _UNDECIDED:
            await self._finish(glimpse)

    def _seen_for(self, glimpse: Glimpse) -> float:
        """For how many seconds this version has been seen."""
        now = self._clock.now()
        sight = self._sights.get(glimpse.id)
        if sight is None or sight.change != glimpse.change:
            sight = self._sights[glimpse.id] = _Sight(glimpse.change, now)
        return now - sight.since

    async def _release(self, glimpse: Glimpse) -> None:
        """End the lease or the delay, or the message's life, if that is still the version."""
        record = await self._current(glimpse)
        if record is None:
            return
        if record.is_expired(self._clock.wall()):
            after = record.expired()
        elif record.state is State.READY:
            return
        else:
            after = record.ready()
        if await self._messages.swap(record, after):
            self._held.forget(record)
            if after.state is State.READY:
                await self._line.offer([after.key])

    async def _finish(self, glimpse: Glimpse) -> None:
        """Do with a message of an unfinished batch what was, or is now, decided about it."""
        record = await self._current(glimpse)
        if record is None:
            return
        if await self._batches.is_sent(record.batch):
            await self.release_pending(record)
        elif self._seen_for(glimpse) >= _ABANDONED and await self._batches.drop(record.batch):
            await self._messages.remove(record)

    async def release_pending(self, record: Record) -> None:
        """Let a message of a batch that is sent be received."""
        after = record.released()
        if await self._messages.swap(record, after) and after.state is State.READY:
            await self._line.offer([after.key])

    async def _restore(self) -> None:
        """Offer again what is ready and has been missing in the line since the last look."""
        if self._clock.now() - self._restored_at < _PERIOD / 2:
            return
        self._restored_at = self._clock.now()
        self._count += 1
        ready, length = await asyncio.gather(self._messages.count(State.READY), self._line.length())
        if ready <= length and self._count % _THOROUGH:
            self._missing.clear()
            return
        standing = {message_of(key) for key in await self._line.keys()}
        found = await self._messages.in_state(State.READY)
        missing = {glimpse.id: glimpse for glimpse in found if glimpse.id not in standing}
        for glimpse in missing.values():
            if self._missing.get(glimpse.id) == glimpse.change:
                await self._offer_again(glimpse)
        self._missing = {id_: glimpse.change for id_, glimpse in missing.items()}

    async def _offer_again(self, glimpse: Glimpse) -> None:
        record = await self._current(glimpse)
        if record is not None and await self._messages.swap(record, record.changed()):
            await self._line.offer([record.key])

    async def _current(self, glimpse: Glimpse) -> Record | None:
        record = await self._messages.read(glimpse.id)
        return record if record is not None and record.change == glimpse.change else None

    async def _rest(self) -> None:
        period = _PERIOD * self._random.uniform(0.8, 1.2)
        seconds = max(0.0, min(self._next - self._clock.now(), period))
        self._sooner.clear()
        try:
            async with asyncio.timeout(seconds):
                await self._sooner.wait()
        except TimeoutError:
            return
