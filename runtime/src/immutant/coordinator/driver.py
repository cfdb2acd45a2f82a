"""Drives elections: gives them time, the store's answers and the application's, and acts for them.

Belongs here: all the waiting that `immutant.election` leaves to others. Not here: any decision.
"""

import asyncio
import contextlib
import logging
import secrets
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

from immutant.clock import Clock
from immutant.contract.gridview import GridView
from immutant.coordinator.bookkeeping import enter_move, enter_word
from immutant.coordinator.chores import Chores
from immutant.coordinator.jobdesk import JobDesk
from immutant.coordinator.ledger import Ledger
from immutant.coordinator.outage import Outage
from immutant.coordinator.tenures import Tenures
from immutant.counting import Report
from immutant.election import Effect, Election, Get, Move, Put, Timings, singleton_lease
from immutant.election.progress import observe
from immutant.election.stance import Data
from immutant.election.ticks import Ticker
from immutant.errors import ConflictError, CoordinatorError, StoreError
from immutant.leases import Hold, Lease, LeaseStore
from immutant.link import (
    Candidacy,
    Event,
    Failure,
    Outcome,
)
from immutant.schedules import Schedule

__all__ = ["Driver"]

_log = logging.getLogger("immutant.coordinator")

_PATIENCE = 2.0
"""Seconds that an application waits for its former candidacy to come to its end."""

_LOOK = 0.05
"""Seconds after which one of many who wait looks again. Were each to look at each event, the cost
of an outage would grow with the square of the singletons."""

_LONGEST_SLEEP = 3600.0


class Driver:
    """One coordinator: an incarnation after the other, on one lease store, for one application.

    Attributes:
        replica: The member that it is.
        ledger: What it has counted.
        jobs: What the cluster knows of its jobs, whoever holds them.
    """

    def __init__(
        self,
        app: str,
        replica: str,
        store: LeaseStore,
        clock: Clock,
        timings: Timings,
        on_failure: Callable[[], object] = lambda: None,
        life: str = "",
        epoch: int = 0,
        zone: str = "",
        resident: bool = False,
    ) -> None:
        """Make a coordinator; needs a running loop.

        Args:
            app: The application.
            replica: The member that this coordinator is.
            store: Where the leases are.
            clock: The machine's clock, or a test's.
            timings: The election's timings.
            on_failure: Called when a programming error stopped it: a coordinator that does half of
                its work must not go on.
            life: What the names of its incarnations begin with, before a random part; by default
                the member's name. Where another member of that name can be, as a pod that was
                replaced, it tells the two apart for whoever looks at a lease.
            epoch: What fencing tokens begin with; see `Election`.
            zone: Where the member is; see `Election`.
            resident: Whether it is a member without daemons and jobs too; see `Election`.
        """
        self.replica = replica
        self.ledger = Ledger()
        self._life = life or replica
        self._epoch = epoch
        self.jobs = JobDesk(app, store, clock, timings)
        self._zone = zone
        self._resident = resident
        self._app = app
        self._store = store
        self._clock = clock
        self._timings = timings
        self._chores = Chores(on_failure)
        self._progress: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._dead: set[str] = set()
        self._process = ""
        self._calendar_due = 0.0
        self._outage = Outage(timings.renew_period / 4, timings.renew_period)
        self._listed = False
        self._data = Data.WRITABLE
        self._grid: GridView | None = None
        self._streams: dict[str, asyncio.Queue[Event | None]] = {}
        self._tenures = Tenures()
        self._closing = False
        self._drained = False
        self._begin()

    @property
    def incarnation(self) -> str:
        """The incarnation that lives now."""
        return self._incarnation

    @property
    def hold(self) -> Hold:
        """The proof that it lives."""
        return self._hold

    @property
    def listed(self) -> bool:
        """Whether the leases have been seen; they may be out of sight again by now."""
        return self._listed

    @property
    def good_until(self) -> float:
        """The deadline that the last renewal that counts gives, in seconds of the boot clock."""
        return self._election.good_until

    def members(self) -> list[Lease] | None:
        """The records of all members, also of those that have ended; None before a listing."""
        return self._election.members()

    def reaches(self, data: Data) -> None:
        """Learn how the grid's data is reached: singletons rather go to where it can be written."""
        if data is not self._data:
            self._data = data
            self._feed(Election.reaches, data)

    def sees(self, grid: GridView) -> None:
        """Learn what the grid's member sees: the next renewal passes it on."""
        if grid != self._grid:
            self._grid = grid
            self._feed(Election.sees, grid)

    def tenures(self) -> dict[str, int]:
        """The fencing tokens of what is held, by singleton lease."""
        return self._election.tenures()

    def running(self) -> set[str]:
        """The singletons that may run here: granted, not stopped, not past their deadlines.

        Less than `tenures`, which has those too that are still to be given back to the store.
        """
        return self._tenures.running(self._clock.now())

    def stepped_back(self) -> frozenset[str]:
        """The singletons that failed here too often and are for others now, if there are any."""
        return self._election.stepped_back(self._clock.now())

    def start(self) -> None:
        """Begin to follow the store; the application may stand from now on."""
        for work in (self._follow(), self._keep_time(), self._follow_deaths()):
            self._chores.begin(work)

    async def close(self) -> None:
        """Stop at once; what is held is not given back."""
        self._closing = True
        await self._chores.cancel()
        self._end_streams()
        self._hold.release()

    def meet(self, process: str) -> None:
        """The application's process says hello; another one than before proves that one dead."""
        if process == self._process:
            return
        self.app_died()
        self._process = process
        if self._drained:
            self._drained = False
            if self._election.ended:
                self._begin_again()

    def gone(self, process: str) -> None:
        """An application's process has died; nothing comes of it if another one said hello."""
        self.ledger.told.gone(process)
        if process == self._process:
            self.app_died()

    def told(self, report: Report) -> None:
        """An application's process tells what it has counted; it need not have said hello."""
        self.ledger.told.take(report, self._clock.now())

    def app_died(self) -> None:
        """The application is dead beyond doubt."""
        if self._streams or self._tenures:
            self.ledger.end_all("app_died")
            self._end_streams()
            self._tenures.clear()
            self._feed(Election.app_died)

    @asynccontextmanager
    async def stand(self, candidacy: Candidacy) -> AsyncIterator[AsyncIterator[Event]]:
        """See `Link.stand`; in the incarnation that lives when this is called, or not at all.

        Whoever stands has a share in that one's proof of life, and in no other's.
        """
        incarnation = self._incarnation
        name = singleton_lease(self._app, candidacy.kind, candidacy.name)
        ticker = None
        if candidacy.kind == "job":
            schedule = Schedule.from_json(candidacy.schedule)
            step = partial(observe, self.ledger, candidacy.name, schedule)
            ticker = Ticker(candidacy.name, schedule, step, member=self.replica)
        self.ledger.expect(name)
        await self._until_free(name)
        if incarnation != self._incarnation:
            raise CoordinatorError("another incarnation has begun; say hello again")
        stream = self._streams[name] = asyncio.Queue()
        self._feed(partial(Election.stand, prefer=candidacy.prefer), name, ticker)
        try:
            yield _events(stream)
        finally:
            if self._streams.get(name) is stream:
                del self._streams[name]
                self.ledger.leave(name)
                self._feed(Election.leave, name)

    def stopped(self, tenure: str) -> None:
        """See `Link.stopped`."""
        if name := self._tenures.stop(tenure):
            self.ledger.stop(name)
            self._feed(Election.stopped, name, tenure)

    def done(self, tenure: str, outcome: Outcome) -> None:
        """See `Link.done`."""
        if name := self._tenures.singleton(tenure):
            self._feed(Election.done, name, outcome)

    def failed(self, tenure: str, failure: Failure) -> None:
        """See `Link.failed`."""
        if name := self._tenures.singleton(tenure):
            self.ledger.fail(name)
            if failure.elsewhere:
                self._feed(Election.failed, name, tenure)

    def ready(self, process: str) -> None:
        """See `Link.ready`; of a process that is not the one that said hello last it is nothing."""
        if process == self._process:
            self._feed(Election.ready)

    async def deadlines(self) -> AsyncIterator[dict[str, float]]:
        """What has been granted and not answered as stopped, each with its deadline, as it goes.

        They are told all together, and so not at each change.
        """
        told: dict[str, float] | None = None
        while True:
            progress = self._progress
            if told != (deadlines := self._tenures.deadlines()):
                told = deadlines
                yield told
            await self._clock.sleep(_LOOK)
            await asyncio.wait({progress})

    async def drain(self, process: str, reason: str, grace: float) -> None:
        """See `Link.drain`; of a process that is not the one that said hello last it is nothing.

        What follows is for the next process: until that says hello, no other life begins.
        """
        if process == self._process:
            self._drained = True
            await self._hand_over(reason, grace)

    async def retire(self, reason: str, grace: float) -> None:
        """Hand over everything, for good: this coordinator is about to end."""
        self._closing = True
        await self._hand_over(reason, grace)

    async def _hand_over(self, reason: str, grace: float) -> None:
        """Return when all is given back, or when it took too long."""
        election = self._election
        self._feed(Election.drain, reason, grace)
        deadline = self._clock.now() + grace + self._timings.margins
        while not election.ended and self._clock.now() < deadline:
            await self._progress_or(deadline - self._clock.now())

    def _begin(self) -> None:
        self._incarnation = f"{self._life}/{secrets.token_hex(8)}"
        self._hold = self._store.hold(self._incarnation)
        self._election = Election(
            self._app,
            self.replica,
            self._incarnation,
            self._timings,
            lambda: secrets.token_hex(8),
            absence_is_proof=self._store.absence_is_proof,
            epoch=self._epoch,
            observer=self.ledger,
            zone=self._zone,
            data=self._data,
            grid=self._grid,
            resident=self._resident,
        )

    async def _follow(self) -> None:
        """List, then watch; again when the watch breaks."""
        while True:
            try:
                version = await self._list()
                async for event in self._store.watch(version):
                    self._feed(Election.saw, event)
            except StoreError as error:
                self._outage.failed(error)
            await self._clock.sleep(self._outage.pause)

    async def _list(self) -> int:
        """Show the election that lives now all records; the listing's version."""
        snapshot = await self._store.snapshot()
        self._election.calendar(await self._store.wall() - self._clock.now())
        for incarnation in self._dead:
            self._feed(Election.proved_dead, incarnation)
        self._listed = True
        self._outage.over()
        self._feed(Election.listed, snapshot)
        return snapshot.version

    async def _list_again(self) -> None:
        """List for a new incarnation; the watch goes on meanwhile."""
        election = self._election
        while self._election is election:
            try:
                await self._list()
            except StoreError as error:
                self._outage.failed(error)
                await self._clock.sleep(self._outage.pause)
            else:
                return

    async def _keep_time(self) -> None:
        while True:
            now = self._clock.now()
            due = self._election.next_wake(now)
            await self._progress_or(min(due - now, _LONGEST_SLEEP))
            is_due = self._clock.now() >= min(due, self._calendar_due)
            if self._clock.now() >= self._calendar_due:
                await self._read_calendar()
            if is_due:
                self._feed(Election.wake)

    async def _read_calendar(self) -> None:
        """Learn the store's calendar; when it does not answer, the last one goes on."""
        self._calendar_due = self._clock.now() + self._timings.renew_period
        with contextlib.suppress(StoreError):
            self._election.calendar(await self._store.wall() - self._clock.now())

    async def _follow_deaths(self) -> None:
        async for incarnation in self._store.deaths():
            self._dead.add(incarnation)
            self._feed(Election.proved_dead, incarnation)

    async def _put(self, election: Election, put: Put) -> None:
        try:
            async with asyncio.timeout(self._timings.api_timeout):
                version = await self._store.write(put.lease, put.expect)
        except ConflictError:
            self._feed_to(election, Election.refused, put)
        except (StoreError, TimeoutError):
            self._feed_to(election, Election.unknown, put)
        else:
            self._feed_to(election, Election.stored, put, version)

    async def _get(self, election: Election, get: Get) -> None:
        try:
            async with asyncio.timeout(self._timings.api_timeout):
                lease = await self._store.read(get.name)
        except (StoreError, TimeoutError):
            self._feed_to(election, Election.unreadable, get.name)
        else:
            self._feed_to(election, Election.got, get.name, lease)

    def _feed_to(
        self,
        election: Election,
        what: Callable[..., list[Effect]],
        *arguments: object,
    ) -> None:
        """Answer an election; one that is over hears nothing any more."""
        if election is self._election:
            self._feed(what, *arguments)

    def _feed(self, what: Callable[..., list[Effect]], *arguments: object) -> None:
        """Tell the election that lives something, at this instant, and do what follows."""
        effects = what(self._election, *arguments, self._clock.now())
        for effect in effects:
            self._perform(effect)
        self.ledger.settle(self._election.held)
        if self._election.ended:
            self._end_incarnation()
        progress, self._progress = self._progress, asyncio.get_running_loop().create_future()
        progress.set_result(None)

    def _perform(self, effect: Effect) -> None:
        if isinstance(effect, Put):
            self._chores.begin(self._put(self._election, effect))
        elif isinstance(effect, Get):
            self._chores.begin(self._get(self._election, effect))
        elif isinstance(effect, Move):
            enter_move(self.ledger, effect)
        else:
            enter_word(self.ledger, self._election, effect, self._clock.now())
            self._tenures.tell(effect.singleton, effect.event)
            if stream := self._streams.get(effect.singleton):
                stream.put_nowait(effect.event)

    def _end_incarnation(self) -> None:
        """The incarnation is over; unless this coordinator closes, another one begins."""
        self.ledger.end_all("expelled")
        self._end_streams()
        self._tenures.clear()
        self._hold.release()
        if not self._closing and not self._drained:
            self._begin_again()

    def _begin_again(self) -> None:
        self._begin()
        self._chores.begin(self._list_again())

    def _end_streams(self) -> None:
        for stream in self._streams.values():
            stream.put_nowait(None)
        self._streams.clear()

    async def _until_free(self, name: str) -> None:
        """Wait until the former candidacy for the same singleton has come to its end."""
        deadline = self._clock.now() + _PATIENCE
        while name in self._streams or not self._election.may_stand(name):
            if self._closing or self._drained or self._clock.now() >= deadline:
                raise CoordinatorError(f"{name} cannot be stood for now: its former tenure ends")
            await self._clock.sleep(_LOOK)

    async def _progress_or(self, seconds: float) -> None:
        """Return when something happened, or after so many seconds."""
        pause = asyncio.ensure_future(self._clock.sleep(max(0.0, seconds)))
        try:
            await asyncio.wait({pause, self._progress}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            pause.cancel()


async def _events(stream: "asyncio.Queue[Event | None]") -> AsyncIterator[Event]:
    while (event := await stream.get()) is not None:
        yield event
