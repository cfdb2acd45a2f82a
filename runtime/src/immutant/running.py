"""The replicas of an application that run in this process, and how its handles find them.

Belongs here: the binding between what was defined (before anything runs) and what runs. Usually one
replica runs in a process; `immutant.testing` runs several, and then the context variable says
for which of them the code at hand works.
"""

import threading
from contextvars import ContextVar
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from immutant.counting import Tally
from immutant.errors import NotRunningError
from immutant.stores import Backend
from immutant.tracing import OFF, Tracer

if TYPE_CHECKING:
    import asyncio

    from immutant.clock import Clock
    from immutant.link import Link

__all__ = ["Binding", "Replica", "acting_replica"]


@dataclass(eq=False, slots=True)
class Replica:
    """One running replica: what services need to do their work.

    Attributes:
        loop: Where the backend lives; blocking facades send their calls there.
        draining: Set once the replica takes no new work.
        thread: The id of the loop's thread.
        link: The way to its coordinator; None where there is none.
        tracer: Who hears of its work.
        tally: What it counts of itself.
    """

    name: str
    backend: Backend
    clock: "Clock"
    loop: "asyncio.AbstractEventLoop"
    random: Random = field(default_factory=Random)
    draining: bool = False
    thread: int = field(default_factory=threading.get_ident)
    link: "Link | None" = None
    tracer: Tracer = OFF
    tally: Tally = field(default_factory=Tally)
    _secrets: dict[str, bytes] = field(default_factory=dict, repr=False)

    async def secret(self, name: str) -> bytes:
        """The backend's secret of that name, asked for once."""
        if name not in self._secrets:
            self._secrets[name] = await self.backend.secret(name)
        return self._secrets[name]


acting_replica: ContextVar[Replica | None] = ContextVar("acting_replica", default=None)


class Binding:
    """An application's running replicas in this process."""

    def __init__(self, app: str) -> None:
        self.app = app
        self._replicas: list[Replica] = []

    def bind(self, replica: Replica) -> None:
        """The replica begins to run."""
        self._replicas.append(replica)

    def unbind(self, replica: Replica) -> None:
        """The replica has stopped; saying so twice does no harm."""
        self._replicas = [running for running in self._replicas if running is not replica]

    def find(self) -> Replica | None:
        """The replica that the code at hand works for, else the first one; None: nothing runs."""
        acting = acting_replica.get()
        if acting in self._replicas:
            return acting
        return self._replicas[0] if self._replicas else None

    def current(self, what: str) -> Replica:
        """The replica that the code at hand works for.

        Raises:
            NotRunningError: None runs; `what` begins the sentence.
        """
        replica = self.find()
        if replica is None:
            raise NotRunningError(
                f"{what} was used while the application {self.app!r} is not running; use it from a "
                "handler, daemon or job under `immutant run`, or in a test inside "
                "`async with immutant.testing.cluster(app)`"
            )
        return replica
