"""What a daemon or a job is given: its tenure, its tick.

Belongs here: the objects that user code sees, and the deadline's enforcement in their own calls.
Not here: where tenures come from (`immutant.singletons`).
"""

import asyncio
import threading
from collections.abc import AsyncIterator, Generator, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any, Literal

from immutant.calls import waiting
from immutant.clock import Clock
from immutant.durations import Duration, seconds
from immutant.errors import TenureEndedExit, TenureLostError

__all__ = ["BlockingMoment", "BlockingTenure", "Moment", "Tenure", "Tick"]


class Moment(asyncio.Event):
    """Something that happens once in a tenure's life, and then has happened for good.

    `await moment`, like `await moment.wait()`, returns once it has; `is_set()` may be asked in any
    thread. Threads wait by its blocking side (`BlockingMoment`).
    """

    def __init__(self, clock: Clock) -> None:
        super().__init__()
        self._clock = clock

    def __await__(self) -> Generator[Any, None, Literal[True]]:
        return self.wait().__await__()

    async def within(self, duration: Duration) -> bool:
        """Wait for it, but no longer than that; whether it has happened."""
        pause = asyncio.ensure_future(self._clock.sleep(seconds(duration)))
        come = asyncio.ensure_future(self.wait())
        try:
            await asyncio.wait({pause, come}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()
            come.cancel()
        return self.is_set()


class BlockingMoment:
    """A moment as plain functions see it, in their threads."""

    def __init__(self, moment: Moment, loop: asyncio.AbstractEventLoop) -> None:
        self._moment = moment
        self._loop = loop

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._moment.is_set()

    def wait(self, timeout: Duration | None = None) -> bool:
        """Wait for it, and no longer than `timeout` where one is given; whether it has happened."""
        come = self._moment.wait() if timeout is None else self._moment.within(timeout)
        with waiting():
            return asyncio.run_coroutine_threadsafe(come, self._loop).result()


class Tenure:
    """One holding of a singleton by this replica.

    Attributes:
        singleton: What is held, "daemon.NAME" or "job.NAME".
        token: The fencing token: greater than that of every earlier tenure of the singleton. Give
            it to systems outside, and let them refuse smaller ones.
        stopping: Set when the tenure is to end: finish the step at hand and return. `sleep` and
            `every` see to it by themselves.
        lost: Set once the tenure has ended whether or not the code has stopped; `stopping` is set
            then too. The loop sets it: while the loop is busy, `check` alone knows the time.
        blocking: The same tenure for plain functions, in their threads.
        threads: What runs in threads on its behalf; it has not stopped before all of them have.
    """

    def __init__(
        self, singleton: str, token: int, clock: Clock, not_after: float = float("inf")
    ) -> None:
        self.singleton = singleton
        self.token = token
        self.stopping = Moment(clock)
        self.lost = Moment(clock)
        self.not_after = not_after
        self.threads: set[Future[Any]] = set()
        self._clock = clock
        self._resting = 0
        self._seen = clock.now()
        self.blocking = BlockingTenure(self)

    def expires_in(self) -> float:
        """Seconds until the tenure ends unless it is renewed before; inf outside a cluster."""
        return self.not_after - self._clock.now()

    def check(self) -> None:
        """Make sure that the tenure is good at this instant.

        Raises:
            TenureLostError: It has ended or its deadline has passed; do not go on.
        """
        self._seen = self._clock.now()
        if self.lost.is_set() or self._clock.now() >= self.not_after:
            raise TenureLostError(
                f"the tenure of {self.singleton} with token {self.token} has ended; "
                "another replica may hold it now, so nothing more must be done in its name"
            )

    async def sleep(self, duration: Duration) -> None:
        """Sleep; at the end of the tenure the calling function ends here instead."""
        self._resting += 1
        try:
            is_over = await self.stopping.within(duration)
        finally:
            self._resting -= 1
            self._seen = self._clock.now()
        if is_over:
            raise TenureEndedExit

    async def every(self, period: Duration) -> AsyncIterator[int]:
        """Count 0, 1, 2, …, at once and then once a period; ends with the tenure.

        Counted from the first: a step that takes long does not shift the later ones, and periods
        that passed during it are left out.
        """
        step, start = seconds(period, "period"), self._clock.now()
        count = 0
        while not self.stopping.is_set():
            yield count
            elapsed = self._clock.now() - start
            count = max(count + 1, int(elapsed / step)) if step else count + 1
            try:
                await self.sleep(max(0.0, start + count * step - self._clock.now()))
            except TenureEndedExit:
                return

    def silence(self) -> float:
        """Seconds since its code was last seen in `sleep`, `every` or `check`; 0 in `sleep`."""
        return 0.0 if self._resting else self._clock.now() - self._seen

    def stop(self) -> None:
        """Ask the code to end between its steps; called by whoever granted the tenure."""
        self.stopping.set()

    def end(self) -> None:
        """The tenure is over, whatever still runs."""
        self.lost.set()
        self.stop()


class BlockingTenure:
    """A tenure as plain functions see it, in their threads.

    Attributes:
        stopping: Set when the tenure is to end; see `Tenure.stopping`.
        lost: Set once it has ended; see `Tenure.lost`.
    """

    def __init__(self, tenure: Tenure) -> None:
        self._tenure = tenure
        self._loop = asyncio.get_running_loop()
        self.stopping = BlockingMoment(tenure.stopping, self._loop)
        self.lost = BlockingMoment(tenure.lost, self._loop)

    @property
    def singleton(self) -> str:
        """What is held, "daemon.NAME" or "job.NAME"."""
        return self._tenure.singleton

    @property
    def token(self) -> int:
        """The fencing token; see `Tenure.token`."""
        return self._tenure.token

    def expires_in(self) -> float:
        """Seconds until the tenure ends unless it is renewed before."""
        return self._tenure.expires_in()

    def check(self) -> None:
        """See `Tenure.check`."""
        self._tenure.check()

    def sleep(self, duration: Duration) -> None:
        """Sleep; at the end of the tenure the calling function ends here instead."""
        with waiting():
            asyncio.run_coroutine_threadsafe(self._tenure.sleep(duration), self._loop).result()

    def every(self, period: Duration) -> Iterator[int]:
        """Count 0, 1, 2, …, at once and then once a period; ends with the tenure."""
        counts = self._tenure.every(period)
        while not self.stopping.is_set():
            with waiting():
                count = asyncio.run_coroutine_threadsafe(_next(counts), self._loop).result()
            if count is None:
                return
            yield count


async def _next(counts: AsyncIterator[int]) -> int | None:
    return await anext(counts, None)


@dataclass(frozen=True, slots=True)
class Tick:
    """One run of a job.

    Attributes:
        id: The same for every attempt at this tick and for no other tick of the job: the key for
            making side effects idempotent.
        scheduled_at: When it was due, seconds since the epoch.
        attempt: 1, or more when an earlier run was interrupted or has failed.
        tenure: The tenure in which it runs.
        stopping: Set when the run is to end: its tenure does, its timeout is over, or the next tick
            is due (`overlap="cancel"`). An `async def` is cancelled as well; a plain function in
            its thread has to look, between its steps or by `tick.stopping.wait(seconds)`.
    """

    id: str
    scheduled_at: float
    attempt: int
    tenure: Tenure
    stopping: threading.Event = field(default_factory=threading.Event, repr=False, compare=False)
