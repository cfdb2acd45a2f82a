"""What is owed for each tenure that the child runs, and when it is overdue.

Belongs here: all that the supervisor needs of it, so that it loads nothing else. Not here: the
child's half, which says it (`guard`), and what is done about it (`supervisor`).
"""

import json
from dataclasses import dataclass, replace

from immutant.link import ANSWERED

__all__ = ["Deadlines", "Owed"]


@dataclass(frozen=True, slots=True)
class Owed:
    """What is owed for one tenure.

    Attributes:
        tenure: Its id.
        not_after: It is good until then; None: it has stopped, and nothing is owed.
        is_final: Its code has been told to end, and renewals change nothing any more.
        is_hard: The kernel's timer stands for it too.
        alive_within: The loop answers again within so many seconds; None: it need not.
        alive_until: The instant that makes.
    """

    tenure: str
    not_after: float | None = None
    is_final: bool = False
    is_hard: bool = False
    alive_within: float | None = None
    alive_until: float | None = None


class Deadlines:
    """What is owed, and when it is overdue."""

    def __init__(self, stop_margin: float) -> None:
        self._stop_margin = stop_margin
        self._owed: dict[str, Owed] = {}
        self._told: dict[str, float] = {}
        self._rest = b""

    def __contains__(self, tenure: object) -> bool:
        return tenure in self._owed

    def feed(self, data: bytes) -> None:
        """Take what was read from the pipe."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        for line in lines:
            self.owe(Owed(**json.loads(line)))

    def owe(self, owed: Owed) -> None:
        """Take the child's word for one tenure; deadlines never go back."""
        if owed.not_after is None:
            self._owed.pop(owed.tenure, None)
            self._told.pop(owed.tenure, None)
            return
        former = self._owed.get(owed.tenure, owed).not_after or 0.0
        self._owed[owed.tenure] = replace(owed, not_after=max(former, owed.not_after))

    def extend(self, deadlines: dict[str, float]) -> None:
        """Take the coordinator's word, for a child that is too busy to hear it."""
        for tenure in self._owed.keys() & deadlines.keys():
            if not self._owed[tenure].is_final:
                self._told[tenure] = max(self._told.get(tenure, 0.0), deadlines[tenure])

    def forgive(self, now: float) -> None:
        """Count the silence from now on: who was frozen as well cannot tell who was silent."""
        for owed in self._owed.values():
            if owed.alive_within is not None:
                until = now + owed.alive_within
                self._owed[owed.tenure] = replace(owed, alive_until=until)

    def overdue_at(self) -> float | None:
        """When the child has to be killed if nothing changes; None: never."""
        ends = [max(_end(one), self._told.get(one.tenure, 0.0)) for one in self._owed.values()]
        return min(ends) + self._stop_margin if ends else None

    def hard_at(self) -> float | None:
        """When the kernel kills the child, which hears nothing of `extend`; None: never."""
        ends = [_end(one) for one in self._owed.values() if one.is_hard]
        return min(ends) + self._stop_margin if ends else None

    def silent_at(self) -> float | None:
        """When the child has to be killed unless its loop answers before; None: never."""
        ends = [one.alive_until for one in self._owed.values() if one.alive_until is not None]
        return min(ends, default=None)

    def look_every(self) -> float | None:
        """Seconds after which whoever waits for an answer looks again; None: nobody waits.

        Short enough to tell a freeze of one's own that could be taken for a silence: the child
        answers as often.
        """
        ends = [one.alive_within for one in self._owed.values() if one.alive_within is not None]
        return min(ends) * ANSWERED if ends else None


def _end(owed: Owed) -> float:
    return owed.not_after or 0.0
