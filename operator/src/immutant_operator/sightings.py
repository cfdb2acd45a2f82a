"""Since when things have been as they are, by the operator's own monotonic clock.

Calendars of other machines prove nothing. What a new operator has not seen itself is young to it.
Belongs here: the memory of one app. Losing it costs a wait. Not here: what follows from ages.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from immutant_operator.members import MemberLease
from immutant_operator.observed import Pod

__all__ = ["Ages", "Sightings"]

_NONE: Mapping[str, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Ages:
    """Seconds, each a lower bound; pods by their UIDs.

    Attributes:
        steady: For which a pod has been as it is: ready or not, on its way out or not.
        silent: For which its Lease, or that it has none, has been the same.
        fresh: The pods that have renewed their Leases before the operator's eyes, and less than
            the Lease's duration ago.
        settled: For which no pod has come or gone.
    """

    steady: Mapping[str, float] = field(default_factory=lambda: _NONE)
    silent: Mapping[str, float] = field(default_factory=lambda: _NONE)
    fresh: frozenset[str] = frozenset()
    settled: float = 0.0


@dataclass(frozen=True, slots=True)
class _Seen:
    """One state of something.

    Attributes:
        state: The state.
        since: When it was first seen.
        after: A moment before which it was another; never, where none was seen.
    """

    state: object
    since: float
    after: float = -math.inf


class Sightings:
    """What was seen of one app's pods."""

    def __init__(self) -> None:
        self._pods: dict[str, _Seen] = {}
        self._leases: dict[str, _Seen] = {}
        self._all = _Seen(frozenset(), math.inf)
        self._asked = -math.inf

    def look(
        self, pods: Iterable[Pod], leases: Mapping[str, MemberLease], asked: float, answered: float
    ) -> Ages:
        """Take note of what was read.

        Args:
            pods: All pods of the app.
            leases: Their member Leases.
            asked: When the API server was asked for the first of it.
            answered: When it had answered the last of it.
        """
        there = {pod.uid: pod for pod in pods}
        states = {uid: (pod.ready, pod.ready_since, pod.leaving) for uid, pod in there.items()}
        self._pods = self._noted(self._pods, states, answered)
        stamps = {uid: leases[uid].stamp if uid in leases else "" for uid in there}
        self._leases = self._noted(self._leases, stamps, answered)
        if self._all.state != frozenset(there):
            self._all = _Seen(frozenset(there), answered)
        self._asked = asked
        return Ages(
            steady={uid: max(0.0, asked - seen.since) for uid, seen in self._pods.items()},
            silent={uid: max(0.0, asked - seen.since) for uid, seen in self._leases.items()},
            fresh=frozenset(
                uid
                for uid, seen in self._leases.items()
                if uid in leases and answered - seen.after <= leases[uid].duration
            ),
            settled=max(0.0, asked - self._all.since),
        )

    def _noted(
        self, before: Mapping[str, _Seen], states: Mapping[str, object], answered: float
    ) -> dict[str, _Seen]:
        noted = {}
        for uid, state in states.items():
            seen = before.get(uid)
            if seen is None:
                noted[uid] = _Seen(state, answered)
            elif seen.state != state:
                # It was the other one still when it was asked for the last time.
                noted[uid] = _Seen(state, answered, self._asked)
            else:
                noted[uid] = seen
        return noted
