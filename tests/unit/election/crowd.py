"""Members with applications that answer, on one table: who holds what, and how often it moved.

Everything works at once here, but for what a test breaks by hand; faults are the simulation's.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from tests.unit.election.table import APP, TIMINGS, Table

from immutant.election import Effect, Election, Get, Move, Put, Tell
from immutant.election.order import Rank, rank
from immutant.election.stance import Stance
from immutant.election.ticks import Ticker
from immutant.leases import LeaseSnapshot
from immutant.link import Granted, Outcome, Probe, Stopping, TickDue
from immutant.schedules import Schedule

STEP = 0.1
STEADY = 12 * TIMINGS.renew_period
"""Seconds after which everybody has settled and said what it wants."""


@dataclass
class Person:
    """One member: its election, and an application that stands for `names`.

    Attributes:
        hangs: The application reads and answers nothing.
        step: Seconds until a daemon that is to stop has come to the end of its step.
        failing: The daemons that fail in this place, again and again.
        resident: It is a member even while it stands for nothing.
        moves: What it began to hand over.
    """

    crowd: "Crowd"
    member: str
    names: frozenset[str]
    life: int
    zone: str = ""
    prefer: dict[str, str] = field(default_factory=dict)
    hangs: bool = False
    step: float = 0.0
    failing: set[str] = field(default_factory=set)
    resident: bool = False
    running: dict[str, str] = field(default_factory=dict)
    ending: dict[str, float] = field(default_factory=dict)
    report: dict[str, float] = field(default_factory=dict)
    moves: list[Move] = field(default_factory=list)
    gone: bool = False

    def __post_init__(self) -> None:
        table = self.crowd.table
        self._requests: list[Put | Get] = []
        self._seen = len(table.log)
        name = f"{self.member}/{self.life}"
        self.election = Election(
            APP, self.member, name, TIMINGS, table.fresh, zone=self.zone, resident=self.resident
        )
        snapshot = LeaseSnapshot(tuple(table.records.values()), table.version)
        self._do(self.election.listed(snapshot, table.now))

    def drain(self) -> None:
        self._do(self.election.drain("a test", 1.0, self.crowd.table.now))

    def live(self) -> None:
        """Do what is due now."""
        now, election = self.crowd.table.now, self.election
        for name in sorted(self.names - self.running.keys()):
            if not self.hangs and election.may_stand(name):
                ticker = Ticker(name, Schedule.of(every=1)) if ".job." in name else None
                prefer = self.prefer.get(name, "")
                self._do(election.stand(name, ticker, now, prefer=prefer))
        for name in [name for name, end in self.ending.items() if end <= now and not self.hangs]:
            del self.ending[name]
            self._do(election.stopped(name, self.running.pop(name), now))
            self._do(election.leave(name, now))
        for name in self.failing & self.running.keys():
            if now >= self.report.get(name, 0.0):
                self.report[name] = now + 60.0
                self._do(election.failed(name, self.running[name], now))
        self._do(election.wake(now))
        while self._requests:
            self._serve(self._requests.pop(0))
        while self._seen < len(self.crowd.table.log):
            self._seen += 1
            self._do(election.saw(self.crowd.table.log[self._seen - 1], now))
        if election.ended:
            self.gone = True

    def _serve(self, request: Put | Get) -> None:
        table, election = self.crowd.table, self.election
        if isinstance(request, Get):
            name = request.name
            self._do(election.got(name, table.records.get(name), table.now))
            return
        self.crowd.writes[request.lease.name] += 1
        version = table.write(request.lease, request.expect)
        if version is None:
            self._do(election.refused(request, table.now))
        else:
            self._do(election.stored(request, version, table.now))

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Tell):
                self._hear(effect)
            elif isinstance(effect, Move):
                self.moves.append(effect)
            else:
                self._requests.append(effect)

    def _hear(self, tell: Tell) -> None:
        event, name, now = tell.event, tell.singleton, self.crowd.table.now
        if isinstance(event, Granted):
            self.crowd.grant(self, name)
            self.running[name] = event.tenure
        elif isinstance(event, Stopping):
            self.ending[name] = now + min(self.step, event.grace)
        elif isinstance(event, Probe) and not self.hangs:
            self._do(self.election.ready(now))
        elif isinstance(event, TickDue):
            self.crowd.ticks.append((name, event.id))
            self.crowd.later.append((now + 0.3, self, name, event.id))


class Crowd:
    """The members of a test."""

    def __init__(self) -> None:
        self.table = Table()
        self.people: list[Person] = []
        self.grants: Counter[str] = Counter()
        self.writes: Counter[str] = Counter()
        self.ticks: list[tuple[str, str]] = []
        self.later: list[tuple[float, Person, str, str]] = []
        self._lives: Counter[str] = Counter()

    def join(self, member: str, names: Iterable[str], **more: Any) -> Person:
        """A member begins a life; `more` are attributes of `Person`."""
        self._lives[member] += 1
        person = Person(self, member, frozenset(names), self._lives[member], **more)
        self.people.append(person)
        return person

    def leave(self, person: Person) -> None:
        """Gracefully."""
        person.drain()
        self.live(2.0)
        assert person.gone

    def die(self, person: Person) -> None:
        """As by kill -9."""
        self.people.remove(person)

    def live(self, seconds: float, step: float = STEP) -> None:
        """Let so many seconds pass; in long ones a greater step will do."""
        for _ in range(round(seconds / step)):
            self.table.now += step
            for due, person, name, tick in list(self.later):
                if due <= self.table.now:
                    self.later.remove((due, person, name, tick))
                    person._do(person.election.done(name, Outcome(tick), self.table.now))
            for person in self.people:
                person.live()
            self.people = [person for person in self.people if not person.gone]

    def grant(self, person: Person, name: str) -> None:
        others = [one.member for one in self.people if one is not person and name in one.running]
        assert not others, f"{name} begins at {person.member} while {others} has it"
        self.grants[name] += 1

    def holders(self) -> dict[str, str]:
        found: dict[str, str] = {}
        for person in self.people:
            for name in person.running:
                assert name not in found
                found[name] = person.member
        return found

    def places(self) -> dict[str, str]:
        """Where everything should be: at the first, in order, of those that stand for it."""
        names = {name for person in self.people for name in person.names}
        return {name: self._place(name) for name in names}

    def _place(self, name: str) -> str:
        standing = [one for one in self.people if name in one.names and not one.hangs]
        return max(standing, key=lambda one: self._rank(one, name)).member

    def _rank(self, person: Person, name: str) -> Rank:
        stance = Stance(zone=person.zone, avoids=person.election.stepped_back(self.table.now))
        return rank(name, person.prefer.get(name, ""), person.member, stance)

    def moves(self, *reasons: str) -> list[Move]:
        every = [move for person in self.people for move in person.moves]
        return [move for move in every if not reasons or move.reason in reasons]
