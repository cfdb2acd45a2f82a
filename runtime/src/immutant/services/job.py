"""A job as users hold it, once it is defined.

Belongs here: commands to a job of which the cluster has one, and what is known of its runs. Not
here: running it (`immutant.singletons`) and what a command does (`immutant.election.commands`).
"""

import uuid
from datetime import datetime
from functools import cached_property

from immutant.definitions import JobDefinition
from immutant.errors import CoordinatorError, DefinitionError
from immutant.link import Command, JobStatus, Link, TickRun, Verb
from immutant.running import Binding
from immutant.services.blocking import BlockingJob
from immutant.services.entries import check_tenure

__all__ = ["Job", "Jobs"]


class Job:
    """A job of which the cluster has one, whichever replica holds it.

    A command is written into the job's lease by this replica's coordinator, and its holder follows.
    Every method raises CoordinatorError where that cannot be done now, and NotRunningError while
    the application does not run. A command raises TenureLostError when the daemon or job that gives
    it has lost its tenure. Before a replica has held the job for the first time there is nothing to
    command.
    """

    def __init__(self, definition: JobDefinition, binding: Binding) -> None:
        self.definition = definition
        self._binding = binding
        self._what = f"job {definition.name!r}"

    @property
    def name(self) -> str:
        """The job's name."""
        return self.definition.name

    @cached_property
    def blocking(self) -> BlockingJob:
        """The same job for plain `def` functions, which run in threads."""
        return BlockingJob(self, self._binding, self._what)

    async def pause(self) -> None:
        """Begin no tick of the schedule, also after a new version of the application came.

        What runs ends by itself. What is asked for, by `trigger` and `backfill`, runs all the same.
        """
        await self._command("pause")

    async def resume(self) -> None:
        """Go on from now; what is due by now is passed over, also what waited before the pause.

        A job that was unscheduled begins anew, as if it had just been defined.
        """
        await self._command("resume")

    async def unschedule(self) -> None:
        """End the schedule: no tick of it begins until it is another one, or until `resume`.

        What waits is forgotten, what runs ends by itself and is not tried again.
        """
        await self._command("unschedule")

    async def trigger(self, *, key: str | None = None) -> str:
        """Run the job once, as soon as no other run is in the way; returns the tick's id.

        Args:
            key: Up to 64 letters, digits, dashes and underscores. To ask again with the same key
                changes nothing for as long as that run is among the last ones.
        """
        key = key or uuid.uuid4().hex
        status = await self._command("trigger", key)
        found = (*status.asked, *status.open, *status.runs)
        return next(one.id for one in found if one.id.endswith(f"/trigger-{key}"))

    async def backfill(
        self, since: datetime | float, until: datetime | float, *, key: str | None = None
    ) -> None:
        """Run the ticks that the schedule has in this range of the past, one after the other.

        They have ids of their own, so that a tick which had run is run again.

        Args:
            since: The first instant that counts; a naive datetime is read in the job's `tz`.
            until: The last one; not later than now.
            key: See `trigger`.
        """
        first, last = self._instant("since", since), self._instant("until", until)
        if first > last:
            raise DefinitionError(
                f"{self._what}: backfill since={since!r} is later than until={until!r}; swap them"
            )
        await self._command("backfill", key or uuid.uuid4().hex, first, last)

    async def status(self) -> JobStatus:
        """What the cluster knows of the job: what has been, and not when it is due next."""
        return await self._link().job(self.name)

    async def runs(self) -> tuple[TickRun, ...]:
        """The last runs, oldest first."""
        return (await self.status()).runs

    async def _command(
        self, verb: Verb, key: str = "", since: float = 0.0, until: float = 0.0
    ) -> JobStatus:
        link = self._link()
        check_tenure()
        return await link.command(self.name, Command(verb, key, since, until))

    def _link(self) -> Link:
        if not self.definition.singleton:
            raise DefinitionError(
                f"{self._what} has singleton=False: every replica runs it by itself, and nobody "
                "can command all of them; leave singleton=False out for a job with commands"
            )
        link = self._binding.current(self._what).link
        if link is None:
            raise CoordinatorError(f"{self._what}: this replica has no coordinator")
        return link

    def _instant(self, name: str, value: datetime | float) -> float:
        from immutant import schedulechecks as check  # only who has jobs pays for time zones

        found = check.instant(name, value, check.zone(self.definition.schedule.tz))
        if found is None:
            raise DefinitionError(f"{self._what}: backfill needs {name}=, an instant of the past")
        return found


class Jobs(dict[str, Job]):
    """The jobs of an application, by name."""

    def __missing__(self, name: str) -> Job:
        known = ", ".join(map(repr, self)) or "none"
        raise DefinitionError(f"no job {name!r} is defined; there is: {known}")
