"""A table of records, and members whose requests and watches a test holds in its hand."""

import itertools
from collections import deque
from dataclasses import replace

from immutant.election import Effect, Election, Get, Move, Put, Tell, Timings, member_lease
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot
from immutant.link import Event, Probe

APP = "demo"
COUNTER = "demo.daemon.counter"
TIMINGS = Timings()


class Table:
    """The store: compare-and-swap, and every change in order."""

    def __init__(self) -> None:
        self.version = 0
        self.records: dict[str, Lease] = {}
        self.log: list[LeaseEvent] = []
        self.now = 100.0
        self._serial = itertools.count(1)

    def fresh(self) -> str:
        return f"n{next(self._serial)}"

    def write(self, lease: Lease, expect: int) -> int | None:
        there = self.records.get(lease.name)
        if (there.version if there else 0) != expect:
            return None
        return self.edit(lease)

    def edit(self, lease: Lease) -> int:
        """Write without asking, as a person with an editor does."""
        self.version += 1
        self.records[lease.name] = stored = replace(lease, version=self.version)
        self.log.append(LeaseEvent(lease.name, self.version, stored))
        return self.version

    def delete(self, name: str) -> None:
        del self.records[name]
        self.version += 1
        self.log.append(LeaseEvent(name, self.version, None))

    def member(self, name: str) -> Lease:
        return self.records[member_lease(APP, name)]


class Seat:
    """A member. Its requests wait in `requests` until `serve`; its watch moves in `watch`.

    Attributes:
        answers: Whether its application answers a probe.
        asked: The requests that were served.
    """

    def __init__(
        self,
        table: Table,
        member: str,
        *,
        life: int = 1,
        epoch: int = 0,
        seen: int | None = None,
        listing: LeaseSnapshot | None = None,
    ) -> None:
        """Sit down, with that listing (by default of now).

        The watch begins after so many changes; what there are by now it shows before the listing.
        """
        self.table = table
        self.requests: deque[Put | Get] = deque()
        self.asked: list[Put | Get] = []
        self.heard: list[tuple[str, Event]] = []
        self.answers = True
        incarnation = f"{member}/{life}"
        self.election = Election(APP, member, incarnation, TIMINGS, table.fresh, epoch=epoch)
        self._seen = len(table.log) if seen is None else seen
        self.watch()
        snapshot = listing or LeaseSnapshot(tuple(table.records.values()), table.version)
        self.do(self.election.listed(snapshot, table.now))
        self.do(self.election.stand(COUNTER, None, table.now))

    def do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Tell) and isinstance(effect.event, Probe):
                if self.answers:
                    self.do(self.election.ready(self.table.now))
            elif isinstance(effect, Tell):
                self.heard.append((type(effect.event).__name__, effect.event))
            elif not isinstance(effect, Move):
                self.requests.append(effect)

    def serve(self, *, lose_reply: bool = False) -> Put | Get:
        """Let the oldest request reach the table, and its answer come back unless it is lost."""
        request, election, now = self.requests.popleft(), self.election, self.table.now
        self.asked.append(request)
        if isinstance(request, Get):
            self.do(election.got(request.name, self.table.records.get(request.name), now))
            return request
        version = self.table.write(request.lease, request.expect)
        if lose_reply:
            self.do(election.unknown(request, now))
        elif version is None:
            self.do(election.refused(request, now))
        else:
            self.do(election.stored(request, version, now))
        return request

    def relist(self) -> None:
        """Let the watch break, and begin anew from a listing: what was in between is not seen."""
        self._seen = len(self.table.log)
        snapshot = LeaseSnapshot(tuple(self.table.records.values()), self.table.version)
        self.do(self.election.listed(snapshot, self.table.now))

    def watch(self) -> None:
        """Let the watch come up to the present."""
        while self._seen < len(self.table.log):
            event = self.table.log[self._seen]
            self._seen += 1
            self.do(self.election.saw(event, self.table.now))

    def settle(self) -> None:
        """Serve and watch until nothing is under way."""
        self.watch()
        while self.requests:
            self.serve()
            self.watch()

    def live(self, seconds: float, *others: "Seat", watching: bool = True) -> None:
        """Let time pass with everything working, for this member and the others."""
        for _ in range(round(seconds / 0.1)):
            self.table.now += 0.1
            for seat in (self, *others):
                seat.do(seat.election.wake(self.table.now))
                while seat.requests:
                    seat.serve()
                if watching:
                    seat.watch()

    def pass_time(self, seconds: float) -> None:
        """Let time pass while this member is told nothing but the time."""
        for _ in range(round(seconds / 0.1)):
            self.table.now += 0.1
            self.do(self.election.wake(self.table.now))

    def acquires(self) -> bool:
        """Whether the oldest request is the one that would acquire the counter."""
        oldest = self.requests[0] if self.requests else None
        return isinstance(oldest, Put) and oldest.lease.name == COUNTER

    @property
    def holds(self) -> bool:
        return COUNTER in self.election.tenures()

    def words(self) -> list[str]:
        return [name for name, _ in self.heard if name != "Heartbeat"]


def holder(table: Table, member: str = "demo-0") -> Seat:
    """A member that holds the counter, on an empty table."""
    seat = Seat(table, member)
    seat.live(TIMINGS.lease_duration + 1)
    assert seat.holds
    return seat
