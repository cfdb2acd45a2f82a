"""Which tenure the running code acts for.

Belongs here: the context variable that carries the tenure from whoever starts user code to the
services that fence or check writes; tasks and threads started by that code inherit it.
"""

from concurrent.futures import Future
from contextvars import ContextVar
from typing import Any, Protocol

__all__ = ["ActingTenure", "acting_tenure", "run_threads"]


class ActingTenure(Protocol):
    """The part of a tenure that services need."""

    @property
    def singleton(self) -> str:
        """What is held: "daemon.NAME" or "job.NAME"; tokens compare within one of these only."""

    @property
    def token(self) -> int:
        """The fencing token: greater than that of every earlier tenure of this singleton."""

    @property
    def threads(self) -> "set[Future[Any]]":
        """What runs in threads on its behalf."""

    def check(self) -> None:
        """Raise TenureLostError once the tenure has ended or its deadline has passed."""


acting_tenure: ContextVar[ActingTenure | None] = ContextVar("acting_tenure", default=None)

run_threads: ContextVar["set[Future[Any]] | None"] = ContextVar("run_threads", default=None)
"""What runs in threads for the tick's run that the code at hand belongs to, if it does to one."""
