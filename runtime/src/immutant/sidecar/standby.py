"""The sidecar of a pod whose part in its cluster is stopped.

Belongs here: waiting until it is to take part again, with the member out of the grid meanwhile, and
saying so to those who ask. Not here: the mark (`immutant.stopped`), and what ends before.
"""

import asyncio
import contextlib
from pathlib import Path
from typing import Final

from fastapi import FastAPI
from starlette.responses import JSONResponse, PlainTextResponse, Response

from immutant.contract.environment import Address
from immutant.errors import CoordinatorError
from immutant.filelock import is_free
from immutant.stopped import Mark
from immutant.transport import request
from immutant.webserver import WebServer

__all__ = ["app_has_ended", "stand_by"]

_AGAIN: Final = 2.0
"""Seconds after which the member is told again: it may have been started anew."""

_LEAVES: Final = 60.0
"""Seconds in which a member gives what it alone has to the others."""

_LOOK: Final = 0.2


async def app_has_ended(mark: Mark, lock: Path) -> None:
    """Wait until the pod's part is to be stopped, and its application has ended."""
    await mark.until(is_set=True)
    while not is_free(lock):  # noqa: ASYNC110 - another process lets go
        await asyncio.sleep(_LOOK)


async def stand_by(mark: Mark, ops: Address, member: Address | None, end: asyncio.Event) -> None:
    """Keep the member out of the grid until the mark is gone or the process is to end."""
    waiting = _Waiting()
    async with WebServer(waiting.api(), ops):
        keeping = asyncio.create_task(_keep_out(member, waiting))
        ends = {asyncio.create_task(mark.until(is_set=False)), asyncio.create_task(end.wait())}
        await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
        for task in (keeping, *ends):
            task.cancel()
        await asyncio.gather(keeping, *ends, return_exceptions=True)
    if member is not None:
        await _bring_back(member, end)


class _Waiting:
    """What is told of a sidecar that waits."""

    def __init__(self) -> None:
        self.stopped = False

    def api(self) -> FastAPI:
        api = FastAPI(openapi_url=None)

        @api.get("/livez", response_model=None)
        async def livez() -> Response:
            return PlainTextResponse("ok")

        @api.get("/readyz", response_model=None)
        async def readyz() -> Response:
            return PlainTextResponse("stopped: immutant start POD", status_code=503)

        @api.get("/standby", response_model=None)
        async def standby() -> Response:
            return JSONResponse({"stopped": self.stopped})

        return api


async def _keep_out(member: Address | None, waiting: _Waiting) -> None:
    while True:
        if member is None or await _tell(member, "/v1/stop"):
            waiting.stopped = True
        await asyncio.sleep(_AGAIN)


async def _bring_back(member: Address, end: asyncio.Event) -> None:
    """Have the member join again; one that cannot yet is told again."""
    while not end.is_set() and not await _tell(member, "/v1/start"):
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(end.wait(), _AGAIN)


async def _tell(member: Address, path: str) -> bool:
    with contextlib.suppress(CoordinatorError):
        await request(member, "PUT", path, timeout=_LEAVES)
        return True
    return False
