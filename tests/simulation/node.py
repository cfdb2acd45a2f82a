"""A simulated pod: its coordinator, one election after the other, and what its application runs."""

from collections import defaultdict, deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from immutant.election import Effect, Election, Get, Move, Put, Tell
from immutant.election.ticks import Ticker

if TYPE_CHECKING:
    from tests.simulation.world import World

APP = "demo"
DAEMON = "demo.daemon.counter"
JOB = "demo.job.ajob"
EPOCH = 1_800_000_000.0


@dataclass(slots=True)
class Running:
    """One tenure as an application runs it."""

    singleton: str
    nonce: str
    not_after: float
    incarnation: int
    name: str
    ticks: dict[str, int] = field(default_factory=dict)


@dataclass
class Node:
    """A pod: its coordinator (one election after the other) and its application."""

    world: "World"
    member: str
    offset: float
    rate: float
    names: tuple[str, ...] = (DAEMON, JOB)
    zone: str = ""
    incarnation: int = 0
    name: str = ""
    election: Election | None = None
    alive: bool = True
    replaced: bool = False
    app_died: bool = False
    app_life: int = 0
    paused_until: float = 0.0
    cut_until: float = 0.0
    stall_until: float = 0.0
    watched: int = 0
    running: dict[str, Running] = field(default_factory=dict)
    standing: set[str] = field(default_factory=set)
    stood: dict[str, int] = field(default_factory=dict)
    streams: defaultdict[str, deque[tuple[int, int, Tell]]] = field(
        default_factory=lambda: defaultdict(deque)
    )
    wake_at: float = -1.0

    def now(self) -> float:
        return self.offset + self.rate * self.world.time

    def true_time(self, local: float) -> float:
        return (local - self.offset) / self.rate

    def boot(self) -> None:
        """A new incarnation of the coordinator."""
        self.incarnation += 1
        self.standing.clear()
        world, name = self.world, f"{self.member}/{next(self.world.serial)}"
        self.election = Election(
            APP,
            self.member,
            name,
            world.timings,
            world.fresh,
            absence_is_proof=world.locks,
            zone=self.zone,
            pace=world.pace,
        )
        self.name = name
        self.election.calendar(EPOCH + world.time - self.now())
        self.relist()

    def relist(self) -> None:
        incarnation = self.incarnation

        def answer() -> None:
            if self.incarnation == incarnation:
                snapshot = self.world.store.snapshot()
                self.watched = len(self.world.store.log)
                self.world.reach(self, lambda: self.feed(incarnation, "listed", snapshot))

        self.world.send(self, answer, lambda: self.world.later(0.3, self.relist))

    def feed(self, incarnation: int, what: str, *args: object) -> None:
        """Tell the election something, if it is still that incarnation's."""
        if self.election is None or incarnation != self.incarnation or not self.alive:
            return
        effects = getattr(self.election, what)(*args, self.now())
        self.perform(incarnation, effects)

    def perform(self, incarnation: int, effects: list[Effect]) -> None:
        assert self.election is not None
        for effect in effects:
            if isinstance(effect, Put):
                self.world.put(self, incarnation, effect)
            elif isinstance(effect, Get):
                self.world.get(self, incarnation, effect)
            elif isinstance(effect, Move):
                self.world.moves.append((self.world.time, effect))
            else:
                self.world.tell(self, incarnation, effect)
        if self.election.ended:
            self.world.later(0.01, lambda: self.reboot(incarnation))
            return
        self.world.schedule_wake(self, self.true_time(self.election.next_wake(self.now())))

    def reboot(self, incarnation: int) -> None:
        if self.alive and self.incarnation == incarnation:
            self.world.reach(self, lambda: self.boot() if self.incarnation == incarnation else None)

    def notice_death(self) -> None:
        """The coordinator learns that its application died, at the latest from the next one."""
        if self.app_died:
            self.app_died = False
            self.feed(self.incarnation, "app_died")

    def stand(self) -> None:
        """The application stands for everything that it does not run."""
        self.notice_death()
        election = self.election
        if election is None or not self.alive or election.ended:
            return
        for name in self.names:
            if name not in self.standing and name not in self.running and election.may_stand(name):
                self.standing.add(name)
                self.stood[name] = self.app_life
                ticker = (
                    Ticker("ajob", self.world.schedule, member=self.member) if name == JOB else None
                )
                effects = election.stand(
                    name, ticker, self.now(), prefer=self.world.prefer.get(name, "")
                )
                self.perform(self.incarnation, effects)
