"""A simulated cluster: real elections on a simulated store, network, clocks and applications.

Everything happens on one heap of events in true time; a seed decides all of it. What is checked is
what the world can see and no member can: whether two applications ever run the same singleton.
"""

import heapq
import itertools
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.simulation.auditor import Auditor
from tests.simulation.commander import Commander
from tests.simulation.hand import edit
from tests.simulation.node import DAEMON, EPOCH, JOB, Node, Running
from tests.simulation.store import Store

from immutant.backoff import Backoff
from immutant.election import Get, Move, Pace, Put, Tell, Timings
from immutant.election.jobstate import MOST_OPEN, JobState
from immutant.leases import Lease
from immutant.link import (
    Command,
    Granted,
    Heartbeat,
    Outcome,
    Probe,
    Revoked,
    Stopping,
    TickDue,
    TickOvertaken,
)
from immutant.schedules import Misfire, Schedule

__all__ = ["DAEMON", "JOB", "World"]


class World:
    """The whole of it; `run` plays one seed."""

    def __init__(
        self, seed: int, *, nodes: int = 3, faults: bool = True, locks: bool = False
    ) -> None:
        """Prepare one seed.

        Args:
            seed: Decides everything that is left to chance.
            nodes: How many pods there are.
            faults: Whether anything goes wrong.
            locks: Play the embedded store: nobody edits records, and the kernel's locks prove
                deaths. Else play a Kubernetes API server.
        """
        self.random = random.Random(seed)
        self.timings = Timings(1.2, 0.7, 0.25, 0.3, 0.15, 0.18, 0.08)
        self.pace = Pace.of(self.timings)
        self.prefer: dict[str, str] = {}
        self.schedule = self._schedule() if faults else Schedule.of(every=0.3)
        self.time = 0.0
        self.serial = itertools.count(1)
        self.store = Store()
        self.violations: list[str] = []
        self.begun: dict[str, list[int]] = {}
        self.begun_at = 0.0
        self.auditor = Auditor()
        self.commander = Commander(self)
        self.moves: list[tuple[float, Move]] = []
        self.grants = 0
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._faults = faults
        self.locks = locks
        self.nodes = [self._node(f"demo-{n}") for n in range(nodes)]

    def fresh(self) -> str:
        return f"n{next(self.serial)}"

    def run(self, trouble: float, calm: float) -> None:
        """Faults until `trouble`, none until `calm`."""
        for node in self.nodes:
            self.later(self.random.random(), node.boot)
            self._app_loop(node)
        if self._faults:
            self._next_fault(trouble)
            self._next_command(trouble)
        self.go_on(trouble + calm)

    def go_on(self, until: float) -> None:
        """Play what happens up to that moment."""
        while self._events and self._events[0][0] <= until:
            self.time, _, action = heapq.heappop(self._events)
            action()
        self.time = max(self.time, until)

    def _schedule(self) -> Schedule:
        misfire: Misfire = self.random.choice(["skip", "latest", "all"])
        schedule = Schedule.of(
            every=0.3,
            overlap=self.random.choice(["skip", "skip", "queue", "allow", "cancel"]),
            jitter=self.random.choice([0.0, 0.1]),
            retries=self.random.choice([0, 2]),
            backoff=Backoff(first=0.1, most=0.4),
        )
        return replace(schedule, misfire=misfire)  # "all" with "cancel" too, as versions before

    def later(self, delay: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._events, (self.time + delay, next(self.serial), action))

    def reach(self, node: Node, action: Callable[[], None]) -> None:
        """Let something happen in a node: at once, or when its pause is over."""
        if self.time < node.paused_until:
            self.later(
                node.paused_until - self.time + self.random.random() * 0.001,
                lambda: self.reach(node, action),
            )
        elif node.alive:
            action()

    def send(self, node: Node, arrive: Callable[[], None], lost: Callable[[], None]) -> None:
        """One request from a node to the store; `arrive` happens there, perhaps late or never."""
        dropped = self.time < node.cut_until or (self._faults and self.random.random() < 0.03)
        if dropped:
            self.later(self.timings.api_timeout, lost)
            if self.random.random() < 0.5:
                # A request that hung in a cut may land long after its sender gave it up.
                self.later(self.random.uniform(0.2, 3.0), arrive)
            return
        self.later(self._delay(), arrive)

    def put(self, node: Node, incarnation: int, put: Put) -> None:
        settled: list[str] = []

        def reply(what: str, *args: object) -> None:
            if not settled:
                settled.append(what)
                self.reach(node, lambda: node.feed(incarnation, what, put, *args))

        def arrive() -> None:
            version = self.write(put.lease, put.expect)
            answer = ("stored", version) if version is not None else ("refused",)
            if self.time >= node.cut_until and (not self._faults or self.random.random() > 0.03):
                self.later(self._delay(), lambda: reply(*answer))

        self.send(node, arrive, lambda: None)
        self.later(self.timings.api_timeout, lambda: reply("unknown"))

    def write(self, lease: Lease, expect: int) -> int | None:
        """A compare-and-swap reaches the store; of the job's, the auditor hears."""
        before = self.store.records.get(lease.name)
        version = self.store.write(lease, expect)
        if version is not None and lease.name == JOB:
            self.auditor.wrote(before, lease)
        self._after_write()
        return version

    def loses(self) -> bool:
        """Whether an answer gets lost."""
        return self._faults and self.random.random() < 0.05

    def get(self, node: Node, incarnation: int, get: Get) -> None:
        settled: list[str] = []

        def reply(what: str, *args: object) -> None:
            if not settled:
                settled.append(what)
                self.reach(node, lambda: node.feed(incarnation, what, get.name, *args))

        def arrive() -> None:
            lease = self.store.records.get(get.name)
            if self.time >= node.cut_until:
                self.later(self._delay(), lambda: reply("got", lease))

        self.send(node, arrive, lambda: None)
        self.later(self.timings.api_timeout, lambda: reply("unreadable"))

    def schedule_wake(self, node: Node, at: float) -> None:
        at = max(at, self.time + 0.001)
        node.wake_at = at
        incarnation = node.incarnation

        def wake() -> None:
            if node.wake_at == at:
                self.reach(node, lambda: node.feed(incarnation, "wake"))

        if at < 1e12:
            self.later(at - self.time, wake)

    def _after_write(self) -> None:
        for node in self.nodes:
            self.later(self._delay(), partial(self._watch, node))

    def _watch(self, node: Node) -> None:
        blocked = max(node.stall_until, node.cut_until, node.paused_until)
        if not node.alive or node.election is None:
            return
        if self.time < blocked:
            self.later(blocked - self.time + 0.001, lambda: self._watch(node))
            return
        while node.watched < len(self.store.log):
            event = self.store.log[node.watched]
            node.watched += 1
            node.feed(node.incarnation, "saw", event)

    def _delay(self) -> float:
        slow = self._faults and self.random.random() < 0.05
        return self.random.uniform(0.03, 0.25) if slow else self.random.uniform(0.001, 0.015)

    def tell(self, node: Node, incarnation: int, tell: Tell) -> None:
        stream = node.streams[tell.singleton]
        stream.append((incarnation, node.stood.get(tell.singleton, node.app_life), tell))

        def arrive() -> None:
            # A stream keeps its order, and ends with either of its two processes.
            begun_in, life, oldest = stream.popleft()
            if begun_in == node.incarnation and life == node.app_life:
                self._hear(node, begun_in, oldest)

        self.later(self.random.uniform(0.0005, 0.02), lambda: self.reach(node, arrive))

    def _hear(self, node: Node, incarnation: int, tell: Tell) -> None:
        event, running = tell.event, node.running.get(tell.singleton)
        if isinstance(event, Granted):
            self._start(node, incarnation, tell.singleton, event)
        elif isinstance(event, Probe):
            node.feed(incarnation, "ready")
        elif running is None or running.incarnation != incarnation:
            return
        elif isinstance(event, Heartbeat):
            if node.now() < running.not_after:
                running.not_after = max(running.not_after, event.not_after)
                self._guard(node, running)
        elif isinstance(event, TickDue):
            self._tick(node, running, event)
        elif isinstance(event, TickOvertaken):
            self._tick_ends(node, running, event.id, "cancelled", 0.1)
        elif isinstance(event, Revoked | Stopping):
            self.later(
                self.random.uniform(0, self.timings.stop_margin),
                lambda: self.reach(node, lambda: self._stop(node, running)),
            )

    def _start(self, node: Node, incarnation: int, name: str, event: Granted) -> None:
        node.standing.discard(name)
        running = Running(name, event.tenure, event.not_after, incarnation, node.name)
        if node.now() >= event.not_after:
            self._answer(node, running)
            return
        for other in self.nodes:
            held = other.running.get(name)
            if held and self._acts(other, held):
                self.violations.append(
                    f"{self.time:.3f}: {node.member} runs {name} while {other.member} does"
                )
        node.running[name] = running
        self.grants += 1
        self._guard(node, running)

    def _acts(self, node: Node, running: Running) -> bool:
        """Whether user code of the tenure may be acting now.

        Not while frozen, and not after waking past the deadline: a kernel timer ends it there.
        """
        return self.time >= node.paused_until and node.alive

    def _guard(self, node: Node, running: Running) -> None:
        """The deadline: user code stops somewhere between it and the end of both margins."""
        end = running.not_after
        overrun = self.random.uniform(0, self.timings.margins)

        def enforce() -> None:
            if running.not_after == end:
                self._stop(node, running)

        at = node.true_time(end + overrun)
        # Not through `reach`: a kernel timer fires before a frozen process can act again.
        self.later(max(at - self.time, 0.0), enforce)

    def _stop(self, node: Node, running: Running) -> None:
        if node.running.get(running.singleton) is not running:
            return
        del node.running[running.singleton]
        self._answer(node, running)

    def _answer(self, node: Node, running: Running) -> None:
        """Nothing of the tenure runs any more: say so, and leave the stream."""

        def answer() -> None:
            node.feed(running.incarnation, "stopped", running.singleton, running.nonce)
            node.feed(running.incarnation, "leave", running.singleton)

        self.later(0.002, lambda: self.reach(node, answer))

    def _tick(self, node: Node, running: Running, event: TickDue) -> None:
        if node.now() >= event.not_after:
            # Whoever holds the job next runs it again; dropped, it would stay open for ever.
            self._stop(node, running)
            return
        self.begun.setdefault(event.id, []).append(event.attempt)
        self.begun_at = self.time
        running.ticks[event.id] = event.attempt
        room = MOST_OPEN if self.schedule.overlap == "allow" else 1
        if len(running.ticks) > room:
            self.violations.append(f"{self.time:.3f}: {node.member} runs {running.ticks} at once")
        fails = self._faults and self.random.random() < 0.2
        most = 0.3 if self.random.random() < 0.8 else 1.5
        error = "RuntimeError: a test" if fails else ""
        self._tick_ends(node, running, event.id, error, most)

    def _tick_ends(
        self, node: Node, running: Running, tick: str, error: str, within: float
    ) -> None:
        attempt = running.ticks.get(tick)

        def done() -> None:
            if node.running.get(JOB) is running and running.ticks.get(tick) == attempt is not None:
                del running.ticks[tick]
                outcome = Outcome(tick, error, attempt)
                node.feed(running.incarnation, "done", JOB, outcome)
                if self.loses():  # the answer to it, so it is told again, perhaps much later
                    told = partial(node.feed, running.incarnation, "done", JOB, outcome)
                    self.later(self.random.uniform(0.1, 1.0), lambda: self.reach(node, told))

        self.later(self.random.uniform(0.01, within), lambda: self.reach(node, done))

    def _app_loop(self, node: Node) -> None:
        if node.alive:
            if self.time >= node.paused_until:
                node.stand()
            self.later(self.random.uniform(0.02, 0.1), lambda: self._app_loop(node))

    def _next_command(self, until: float) -> None:
        if self.time >= until:
            return
        self.commander.send(self._victim(), self._command())
        self.later(self.random.expovariate(1.5), lambda: self._next_command(until))

    def _command(self) -> Command:
        now, key = EPOCH + self.time, self.fresh()
        return self.random.choice(
            [
                Command("pause"),
                Command("resume"),
                Command("resume"),
                Command("trigger", key),
                Command("trigger", key),
                Command("backfill", key, now - 2.0, now - 1.0),
                Command("unschedule"),
            ]
        )

    def _next_fault(self, until: float) -> None:
        if self.time >= until:
            self._heal()
            return
        self.random.choice(self._mix())()
        pause = min(self.random.expovariate(1.2), until - self.time)
        self.later(pause, lambda: self._next_fault(until))

    def _mix(self) -> list[Callable[[], None]]:
        """The faults, the frequent ones more than once."""
        return [
            self._pause,
            self._pause,
            self._cut,
            self._cut,
            self._stall,
            self._stall,
            self._kill_coordinator,
            self._kill_app,
            self._replace_pod,
            self._drain,
            *([] if self.locks else [self._edit, self._edit]),
        ]

    def _heal(self) -> None:
        self._faults = False
        for node in self.nodes:
            node.paused_until = min(node.paused_until, self.time)
            node.cut_until = min(node.cut_until, self.time)
            node.stall_until = min(node.stall_until, self.time)
            self.later(0.001, partial(self._watch, node))
        self.later(4.0, self._resume)

    def _resume(self) -> None:
        """At the end the job is to go on, whatever it was told before."""
        self.commander.send(self._victim(), Command("resume"))
        if (state := self.job()) is None or state.paused or state.unscheduled:
            self.later(0.3, self._resume)

    def _victim(self) -> Node:
        return self.random.choice([node for node in self.nodes if node.alive])

    def _pause(self) -> None:
        self._victim().paused_until = self.time + self.random.uniform(0.1, 3.0)

    def _cut(self) -> None:
        self._victim().cut_until = self.time + self.random.uniform(0.1, 3.0)

    def _stall(self) -> None:
        self._victim().stall_until = self.time + self.random.uniform(0.1, 3.0)

    def _kill_coordinator(self) -> None:
        node = self._victim()
        self._mourn(node, node.name)
        node.incarnation += 1
        node.election = None
        incarnation = node.incarnation
        self.later(
            self.random.uniform(0.05, 1.0),
            lambda: self.reach(
                node, lambda: node.boot() if node.incarnation == incarnation else None
            ),
        )

    def _kill_app(self) -> None:
        node = self._victim()
        node.running.clear()
        node.standing.clear()
        node.app_died = True
        node.app_life += 1
        self.reach(node, node.notice_death)

    def _mourn(self, node: Node, name: str) -> None:
        """The kernel frees an incarnation's lock once nothing runs in its name any more."""
        if not self.locks:
            return
        if any(running.name == name for running in node.running.values()):
            self.later(0.02, lambda: self._mourn(node, name))
            return
        for other in self.nodes:
            self.reach(other, partial(self._tell_death, other, name))

    def _tell_death(self, node: Node, name: str) -> None:
        node.feed(node.incarnation, "proved_dead", name)

    def _replace_pod(self) -> None:
        """The same name on another node, while the old one may run on, cut off."""
        old = self._victim()
        if old.replaced:
            return
        old.replaced = True
        old.cut_until = old.stall_until = self.time + 60.0
        old.paused_until = max(old.paused_until, self.time + self.random.choice([0.0, 1.0]))
        new = self._node(old.member)
        self.nodes.append(new)
        self.later(self.random.uniform(0.0, 0.5), new.boot)
        self._app_loop(new)

        def gone() -> None:
            old.alive = False
            old.running.clear()
            self._mourn(old, old.name)

        self.later(self.random.uniform(0.5, 4.0), gone)

    def _drain(self) -> None:
        node = self._victim()
        node.feed(node.incarnation, "drain", "a test", 1.0)

    def _edit(self) -> None:
        self.auditor.edited = edit(self.store, self.random) == JOB or self.auditor.edited
        self._after_write()

    def _node(self, member: str) -> Node:
        return Node(
            self,
            member,
            offset=self.random.uniform(0, 1e5),
            rate=1 + self.random.uniform(-0.01, 0.01),
        )

    def holders(self, name: str) -> list[str]:
        return [node.member for node in self.nodes if name in node.running and node.alive]

    def job(self) -> JobState | None:
        lease = self.store.records.get(JOB)
        return JobState.from_body(lease.body) if lease else None
