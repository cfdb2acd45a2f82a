"""A link to a coordinator in a process of its own."""

import dataclasses
import uuid
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

from immutant import filelock, transport
from immutant.contract.environment import Address
from immutant.counting import Series
from immutant.errors import CoordinatorError, LockHeldError
from immutant.link import Candidacy, Command, Event, Failure, JobStatus, Outcome
from immutant.wire import decode_event, decode_job

__all__ = ["HttpLink"]

_DRAIN_SLACK = 5.0
"""Seconds beyond the grace in which the coordinator gives up waiting by itself."""

_COMMAND_TIMEOUT = 10.0
"""Seconds; the coordinator gives up before."""


class HttpLink:
    """See `immutant.link.Link`.

    While it stands it holds a share of the incarnation's lock, where there is one: the incarnation
    is not dead as long as an application may act in its name.
    """

    def __init__(self, address: Address) -> None:
        self._address = address
        self._process = uuid.uuid4().hex
        self._reports = 0
        self._is_heard = False

    @asynccontextmanager
    async def stand(self, candidacy: Candidacy) -> AsyncIterator[AsyncIterator[Event]]:
        hello = await self._post("/v1/hello", {"process": self._process})
        body = {
            "incarnation": hello["incarnation"],
            "kind": candidacy.kind,
            "name": candidacy.name,
            "schedule": candidacy.schedule,
            "prefer": candidacy.prefer,
        }
        with _sharing(hello["lock"]):
            async with transport.stream(self._address, "POST", "/v1/singletons", body) as lines:
                yield _events(lines)

    def alive(self, tenure: str, within: float) -> None:
        """Nothing: nobody beyond this link could end the process."""

    def ending(self, tenure: str, not_after: float) -> None:
        """Nothing: nobody beyond this link could end the process."""

    async def stopped(self, tenure: str) -> None:
        await self._post(f"/v1/tenures/{tenure}/stopped")

    async def done(self, tenure: str, outcome: Outcome) -> None:
        body = {"tick": outcome.tick, "error": outcome.error, "attempt": outcome.attempt}
        await self._post(f"/v1/tenures/{tenure}/done", body)

    async def failed(self, tenure: str, failure: Failure) -> None:
        await self._post(f"/v1/tenures/{tenure}/failed", dataclasses.asdict(failure))

    async def ready(self) -> None:
        await self._post("/v1/ready", {"process": self._process})

    async def drain(self, reason: str, grace: float) -> None:
        body = {"process": self._process, "reason": reason, "grace": grace}
        await self._post("/v1/drain", body, timeout=grace + _DRAIN_SLACK)

    async def job(self, name: str) -> JobStatus:
        return decode_job(await transport.request(self._address, "GET", _path(name)))

    async def command(self, job: str, command: Command) -> JobStatus:
        body = {"key": command.key, "since": command.since, "until": command.until}
        path = f"{_path(job)}/{command.verb}"
        return decode_job(await self._post(path, body, timeout=_COMMAND_TIMEOUT))

    async def tell(self, series: tuple[Series, ...]) -> None:
        """Tell what this process has counted so far.

        Raises:
            CoordinatorError: It may or may not have been heard; tell again.
        """
        self._reports += 1
        body = {
            "process": self._process,
            "number": self._reports,
            "heard": self._is_heard,
            "series": [dataclasses.asdict(one) for one in series],
        }
        await self._post("/v1/metrics", body)
        self._is_heard = True

    async def close(self) -> None:
        """Nothing is kept open between requests."""

    async def _post(self, path: str, body: object = None, timeout: float = 5.0) -> Any:  # noqa: ANN401 - JSON
        return await transport.request(self._address, "POST", path, body, timeout=timeout)


def _path(job: str) -> str:
    return f"/v1/jobs/{quote(job, safe='')}"


async def _events(lines: AsyncIterator[dict[str, Any]]) -> AsyncIterator[Event]:
    async for line in lines:
        event = decode_event(line)
        if event is not None:
            yield event


@contextmanager
def _sharing(lock: str | None) -> Iterator[None]:
    if lock is None:
        yield
        return
    try:
        held = filelock.hold(Path(lock), shared=True)
    except LockHeldError as error:
        raise CoordinatorError(f"the coordinator's incarnation is dead: {error}") from error
    try:
        yield
    finally:
        held.release()
