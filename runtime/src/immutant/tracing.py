"""What is told to whoever traces the application's work.

Belongs here: the protocol, in plain words, and the tracer that does nothing, which is everybody's
until a process is told of another. Not here: spans, and any library for them
(`immutant.telemetry`).
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Final, Literal, Protocol

__all__ = ["OFF", "Operation", "Sending", "Tracer"]

Operation = Literal["send", "publish"]


class Sending(Protocol):
    """One sending that goes on."""

    def carrying(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers to send: these, and beside them what leads a consumer back to here."""

    def sent(self, ids: Sequence[str]) -> None:
        """It is done; the ids of the messages, where they have any."""


class Tracer(Protocol):
    """Hears when work begins, and how it ends: an error that leaves the context is its end.

    Within the context the user's own code is part of that work, in tasks and threads as well.
    """

    def sending(
        self, operation: Operation, destination: str, count: int
    ) -> AbstractContextManager[Sending]:
        """Messages are sent to a queue, or one is published on a topic.

        Args:
            operation: What the user called.
            destination: The queue's or the topic's name.
            count: How many messages.
        """

    def processing(
        self,
        destination: str,
        message: str,
        attempt: int,
        headers: Mapping[str, str],
        subscription: str | None = None,
    ) -> AbstractContextManager[object]:
        """A message is handled.

        Args:
            destination: The queue or the topic that it came from.
            message: Its id.
            attempt: The number of this delivery, from 1.
            headers: As received.
            subscription: The topic's durable subscription that it came by, if it did by one.
        """

    def running(
        self, job: str, tick: str, attempt: int, scheduled_at: float, late_by: float
    ) -> AbstractContextManager[object]:
        """A job runs.

        Args:
            job: Its name.
            tick: The tick's id.
            attempt: The number of this run of it, from 1.
            scheduled_at: When it was due, seconds since the epoch.
            late_by: Seconds since then.
        """


class _Nothing:
    def carrying(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        return headers

    def sent(self, ids: Sequence[str]) -> None: ...


_NOTHING: Final = nullcontext(_Nothing())
"""One for all: it keeps nothing, so it can be entered again and again."""


class _Off:
    def sending(
        self, operation: Operation, destination: str, count: int
    ) -> AbstractContextManager[Sending]:
        return _NOTHING

    def processing(
        self,
        destination: str,
        message: str,
        attempt: int,
        headers: Mapping[str, str],
        subscription: str | None = None,
    ) -> AbstractContextManager[object]:
        return _NOTHING

    def running(
        self, job: str, tick: str, attempt: int, scheduled_at: float, late_by: float
    ) -> AbstractContextManager[object]:
        return _NOTHING


OFF: Final[Tracer] = _Off()
"""Traces nothing."""
