"""Whose votes count when the grid splits: told to the member beside this sidecar, again and again.

Belongs here: reading it off the member leases (coordination.md, rule 15), telling it, and learning
whether the data can be written here and what the member sees of the grid. Not here: the decision,
which is the grid member's (`Quorum` in images/member), since it alone sees who is in reach.
"""

import logging
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from immutant.clock import Clock
from immutant.contract.environment import Address
from immutant.contract.gridview import GridView
from immutant.coordinator.chores import Chores
from immutant.coordinator.driver import Driver
from immutant.election.stance import Data, Stance
from immutant.errors import CoordinatorError
from immutant.leases import Lease
from immutant.transport import request

__all__ = ["Ballot", "Quorum"]

_log = logging.getLogger(__name__)

_PERIOD: Final = 0.5
"""Seconds from one telling to the next. What was told stays good for up to a renew deadline."""

_LOOK: Final = 0.1
"""Seconds after which a change is told: a member leaves soon after its pod gave its lease back."""

_PATIENCE: Final = 2.0


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the leases say of the pods.

    Attributes:
        voters: Those that have a say: the pod itself, and each that has a member lease. One that is
            silent keeps its vote, since so is one that is cut off; one that has gone in order keeps
            it until it is back, or the operator removes its lease.
        gone: Those of them that were expelled, have given their leases back, or have a dead member:
            nothing is written where they are.
    """

    voters: frozenset[str]
    gone: frozenset[str] = frozenset()

    @classmethod
    def of(cls, replica: str, members: Iterable[Lease]) -> "Ballot":
        """Read it off the member leases, as this replica sees them."""
        others = [lease for lease in members if lease.member != replica]
        gone = (one for one in others if one.ended or Stance.of(one.body).dataless)
        voters = frozenset((replica, *(one.member for one in others)))
        return cls(voters, frozenset(one.member for one in gone))


class Quorum:
    """Tells the member as long as the context is open.

    Attributes:
        told: Whether the member has been told once.
    """

    def __init__(
        self, driver: Driver, clock: Clock, member: Address, on_failure: Callable[[], object]
    ) -> None:
        """Make one that does not tell yet.

        Args:
            driver: Where the leases are seen, and who is told whether data can be written here.
            clock: The one by which its leases are good.
            member: Where the member beside this sidecar listens for it.
            on_failure: Called when a programming error stopped it.
        """
        self.told = False
        self._driver = driver
        self._clock = clock
        self._member = member
        self._silent = False
        self._chores = Chores(on_failure)

    async def __aenter__(self) -> "Quorum":
        self._chores.begin(self._tell_again_and_again())
        return self

    async def __aexit__(self, *error: object) -> None:
        await self._chores.cancel()

    async def _tell_again_and_again(self) -> None:
        last, due = None, self._clock.now()
        while True:
            if (members := self._driver.members()) is not None:
                ballot = Ballot.of(self._driver.replica, members)
                if ballot != last or self._clock.now() >= due:
                    last, due = ballot, self._clock.now() + _PERIOD
                    await self._tell(ballot)
            await self._clock.sleep(_LOOK)

    async def _tell(self, ballot: Ballot) -> None:
        """Tell it; a member that does not answer is one beside which nothing can be written."""
        # The monotonic clock is read first: what is held up in between becomes old sooner.
        until = time.monotonic_ns()
        until += int((self._driver.good_until - self._clock.now()) * 1e9)
        query = {
            "voters": ",".join(sorted(ballot.voters)),
            "gone": ",".join(sorted(ballot.gone)),
            # Java's nanoTime is this clock, and one kernel serves the pod.
            "until": until,
        }
        try:
            path = f"/v1/quorum?{urlencode(query)}"
            answer = await request(self._member, "PUT", path, timeout=_PATIENCE)
            writable = bool(answer["writable"])
        except (CoordinatorError, LookupError, TypeError) as error:
            if not self._silent:
                _log.warning("the member beside this sidecar does not answer: %s", error)
            self._silent = True
            # Its port is the process's: refused, it has ended. One that is only silent may write.
            dead = isinstance(error.__cause__, ConnectionRefusedError)
            self._driver.reaches(Data.GONE if dead else Data.REFUSED)
            self._driver.sees(GridView())
        else:
            self._silent, self.told = False, True
            self._driver.reaches(Data.WRITABLE if writable else Data.REFUSED)
            if (view := GridView.of(answer)) is not None:  # a member of the version before is mute
                self._driver.sees(view)
