"""The API server's calendar, from the Date headers of its answers (rule 12).

Belongs here: what the headers tell. Not here: who asks for them (`client`).

A Date header has whole seconds: each answer says that the server's calendar is that second or up
to one more. What several answers say together is narrower. The least of it is what counts: by it
nothing is ever due before its time, at most a second after, and the calendar is not set back unless
the server's was.
"""

import math
from email.utils import parsedate_to_datetime

__all__ = ["Calendar"]

_RATE_ERROR = 0.0001
"""How fast two clocks may part: what was learnt earlier is that much less exact."""


class Calendar:
    """How far the server's calendar is ahead of a monotonic clock."""

    def __init__(self) -> None:
        self._least = -math.inf
        self._most = math.inf
        self._learnt = -math.inf

    def learn(self, date: str, sent: float, received: float) -> None:
        """Take one answer's header.

        Args:
            date: Its text; what is no date is passed over.
            sent: When the request was sent, on the monotonic clock, in seconds.
            received: When the answer came.
        """
        try:
            second = parsedate_to_datetime(date).timestamp()
        except ValueError:
            return
        least, most = second - received, second + 1 - sent
        blur = (received - self._learnt) * _RATE_ERROR
        self._least, self._most = max(self._least - blur, least), min(self._most + blur, most)
        if math.isnan(self._least) or self._least > self._most:
            # The calendar was set, or another server of the same API answered.
            self._least, self._most = least, most
        self._learnt = received

    def age(self, now: float) -> float:
        """Seconds since the last answer, infinite without one."""
        return now - self._learnt

    def at(self, now: float) -> float:
        """The server's calendar at this instant, in seconds since the epoch, or a bit less."""
        return now + self._least
