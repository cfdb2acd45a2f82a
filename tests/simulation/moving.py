"""A simulated cluster whose members come and go, whose daemons fail, whose versions differ.

Everything else goes wrong as in `world`. What is checked beside: that in the end each singleton is
where it should be, and stays there.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from tests.simulation.node import APP, DAEMON, JOB, Node, Running
from tests.simulation.world import World

from immutant.election import Pace, member_lease
from immutant.election.order import rank
from immutant.election.stance import Stance
from immutant.link import Granted

PREFERRED = "demo.daemon.preferred"
ZONED = "demo.daemon.zoned"
NEW = "demo.daemon.new"
ALL = (DAEMON, JOB, PREFERRED, ZONED, NEW)
_LATEST = 4.0
"""Seconds after the last fault until nothing of it is under way: late requests, pods that go."""

ZONES = ("near", "far", "near", "", "far")


class MovingWorld(World):
    """Its singletons are `ALL`; not every member stands for the last of them."""

    def __init__(self, seed: int, *, locks: bool = False, faults: bool = True) -> None:
        self.healed_at = 0.0
        self.retired: set[int] = set()
        self.failing: set[tuple[str, str]] = set()
        super().__init__(seed, locks=locks, faults=faults)
        self.prefer = {PREFERRED: "demo-1", ZONED: "near"}
        self.pace = Pace(settle=1.25, pause=0.25, cool=1.0, failing=1.5, away=2.0, step=2.0)

    def converge(self) -> float:
        """Go on until all is in place, but not for ever; how long that took without faults.

        The longest patience of all is with a daemon that failed everywhere, and then with members
        that came and went all the time.
        """
        while not self.healed_at:
            self.go_on(self.time + 0.25)
        self.go_on(self.healed_at + _LATEST)
        patience = 16 * (self.pace.away + self.pace.settle)
        while not self.is_placed() and self.time < self.healed_at + patience:
            self.go_on(self.time + 0.25)
        return self.time - self.healed_at

    def is_placed(self) -> bool:
        """Whether each singleton is held by the first, in order, of those that stand for it."""
        alive = [node for node in self.nodes if node.alive]
        if len({node.member for node in self._there()}) < len(alive):
            return False  # one that was replaced or is scaled away has not gone yet
        return not self.misplaced()

    def misplaced(self) -> dict[str, tuple[list[str], str]]:
        """What is not held where it should be: by whom it is, and where that is."""
        return {
            name: (self.holders(name), place)
            for name, place in self.places().items()
            if self.holders(name) != [place] or self._stepped_back(name)
        }

    def places(self) -> dict[str, str]:
        """Where everything should be that anybody stands for."""
        stood_for = {name for node in self._there() for name in node.names}
        return {name: self._place(name) for name in stood_for}

    def come(self, member: str) -> None:
        """A new member."""
        node = self._node(member)
        self.nodes.append(node)
        node.boot()
        self._app_loop(node)

    def _there(self) -> list[Node]:
        return [one for one in self.nodes if one.alive and id(one) not in self.retired]

    def _place(self, name: str) -> str:
        standing = [one for one in self._there() if name in one.names]
        prefer = self.prefer.get(name, "")
        return max(
            standing, key=lambda one: rank(name, prefer, one.member, Stance(zone=one.zone))
        ).member

    def _stepped_back(self, name: str) -> bool:
        elections = [(one, one.election) for one in self._there()]
        return any(there and name in there.stepped_back(one.now()) for one, there in elections)

    def _mix(self) -> list[Callable[[], None]]:
        return [*super()._mix(), *2 * [self._join, self._leave, self._fail], self._ask_for]

    def _heal(self) -> None:
        super()._heal()
        self.healed_at = self.time
        self.failing.clear()

    def _node(self, member: str) -> Node:
        node = super()._node(member)
        number = int(member.rpartition("-")[2])
        is_new = number != 1 or self.random.random() < 0.5
        names = ALL if is_new else ALL[:-1]
        return replace(node, zone=ZONES[number], names=names)

    def _join(self) -> None:
        there = {node.member for node in self._there()}
        missing = [one for one in (f"demo-{n}" for n in range(5)) if one not in there]
        if missing:
            self.come(self.random.choice(missing))

    def _leave(self) -> None:
        """A pod is scaled away: it hands over, and is gone a while later."""
        candidates = [node for node in self._there() if not node.replaced]
        if len(candidates) < 3:
            return
        node = self.random.choice(candidates)
        self.retired.add(id(node))
        node.names = ()
        node.feed(node.incarnation, "drain", "it is scaled away", 1.0)

        def gone() -> None:
            node.alive = False
            node.running.clear()
            self._mourn(node, node.name)

        self.later(self.random.uniform(1.0, 3.0), gone)

    def _fail(self) -> None:
        """From now on a daemon fails in one place, or does not any more."""
        node = self.random.choice(self._there())
        name = self.random.choice([one for one in ALL if one != JOB])
        self.failing ^= {(node.member, name)}
        if running := node.running.get(name):
            self._run_badly(node, running)

    def _ask_for(self) -> None:
        """Somebody writes into a member's lease that it wants what it may not even stand for."""
        if self.locks:
            return
        there = self.store.records.get(member_lease(APP, self._victim().member))
        if there:
            wants = {self.random.choice(ALL): ""}
            self.store.force(replace(there, body=Stance(wants=wants).to_body()))
            self._after_write()

    def _start(self, node: Node, incarnation: int, name: str, event: Granted) -> None:
        super()._start(node, incarnation, name, event)
        running = node.running.get(name)
        if running and running.nonce == event.tenure:
            self._run_badly(node, running)

    def _run_badly(self, node: Node, running: Running) -> None:
        """Report failures as long as the daemon fails there."""
        if (node.member, running.singleton) not in self.failing:
            return

        def report() -> None:
            if node.running.get(running.singleton) is running:
                node.feed(running.incarnation, "failed", running.singleton, running.nonce)
                self.reach_later(node, partial(self._run_badly, node, running))

        self.reach_later(node, report)

    def reach_later(self, node: Node, action: Callable[[], None]) -> None:
        self.later(self.random.uniform(0.1, 0.4), lambda: self.reach(node, action))
