"""Commands to the job from any simulated pod, over its bad network: read, compute, swap, repeat."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

from tests.simulation.node import EPOCH, JOB, Node

from immutant.election.commands import commanded
from immutant.election.jobstate import JobState
from immutant.errors import RequestRefusedError
from immutant.leases import Lease
from immutant.link import Command

if TYPE_CHECKING:
    from tests.simulation.world import World

_TRIES = 6


class Commander:
    """Sends commands, and knows which of them were acknowledged."""

    def __init__(self, world: "World") -> None:
        self._world = world
        self.acknowledged: list[Command] = []

    def send(self, node: Node, command: Command, tries: int = _TRIES) -> None:
        """Try, and try again when anything gets lost."""
        if tries == 0 or not node.alive:
            return
        settled: list[bool] = []

        def again() -> None:
            if not settled:
                settled.append(True)
                self._world.later(
                    0.1,
                    lambda: self._world.reach(node, lambda: self.send(node, command, tries - 1)),
                )

        def read() -> None:
            found = self._world.store.records.get(JOB)
            self._answer(node, lambda: self._swap(node, command, found, settled))

        self._world.later(3 * self._world.timings.api_timeout, again)
        self._world.send(node, read, lambda: None)

    def _swap(self, node: Node, command: Command, found: Lease | None, settled: list[bool]) -> None:
        state = JobState.from_body(found.body) if found and found.holder else None
        if found is None or state is None:
            return
        try:
            wanted = commanded(state, command, EPOCH + self._world.time)
        except RequestRefusedError:
            settled.append(True)
            return
        if wanted == state:
            self._acknowledge(command, settled)
            return
        lease = replace(found, body=wanted.to_body())

        def write() -> None:
            if self._world.write(lease, found.version) is not None:
                self._answer(node, lambda: self._acknowledge(command, settled))

        self._world.send(node, write, lambda: None)

    def _acknowledge(self, command: Command, settled: list[bool]) -> None:
        if not settled:
            settled.append(True)
            self.acknowledged.append(command)

    def _answer(self, node: Node, action: Callable[[], None]) -> None:
        """The way back; some answers get lost."""
        if self._world.loses() or self._world.time < node.cut_until:
            return
        self._world.later(0.005, lambda: self._world.reach(node, action))
