"""The control commands, in the launcher.

Belongs here: the socket, JSON lines in and out, and which verb does what. One request is one line,
{"verb": …, arguments}; its answer is one line, {"ok": …} or {"error": sentence}. The verb `ask`
hands a request on to a replica's console; `console` tells where that console's socket is.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from immutant.console.requests import LONGEST, Json
from immutant.errors import ImmutantError
from immutant.run.asking import pass_on
from immutant.run.fleet import Fleet
from immutant.values import Value

__all__ = ["Control"]


class Control:
    """Answers `immutant gears`, `stop`, `start`, `scale`, `url`, `shutdown`, what looks inside."""

    def __init__(self, fleet: Fleet, shut_down: Callable[[], None]) -> None:
        """Prepare to answer.

        Args:
            fleet: What the commands act on.
            shut_down: Begins the end of the run.
        """
        self._fleet = fleet
        self._url = ""
        self._shut_down = shut_down
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self, socket: Path, url: str) -> None:
        """Listen; the folder of the socket is nobody else's.

        Args:
            socket: Where to listen.
            url: Where the run is served.
        """
        self._url = url
        self._server = await asyncio.start_unix_server(self._accept, socket, limit=LONGEST)

    async def close(self) -> None:
        """Answer nothing any more."""
        if self._server is not None:
            self._server.close()
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(self._converse(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _converse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while line := await reader.readline():
                writer.write(json.dumps(await self._answer(line)).encode() + b"\n")
                await writer.drain()
        except (OSError, ValueError):  # the other end has gone, or its line is too long
            pass
        finally:
            writer.close()

    async def _answer(self, line: bytes) -> dict[str, Any]:
        try:
            request = json.loads(line)
            return {"ok": await self._act(request.pop("verb"), **request)}
        except ImmutantError as error:
            return {"error": str(error)}
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            return {"error": f"this is no request that the launcher knows: {error!r}"}

    async def _act(
        self, verb: str, name: str = "", replicas: int = 0, request: Json | None = None
    ) -> Value:
        match verb:
            case "ask" if request is not None:
                replica = self._fleet.running(name)
                return await pass_on(replica.console, replica.name, request)
            case "console":
                return str(self._fleet.running(name).console)
            case "gears":
                return [asdict(gear) for gear in await self._fleet.gears()]
            case "stop":
                return await self._fleet.stop(name)
            case "start":
                return await self._fleet.start(name)
            case "scale" if replicas > 0:
                return await self._fleet.scale(replicas)
            case "url":
                return self._url
            case "shutdown":
                self._shut_down()
                return "all replicas are being stopped"
        raise ValueError(verb)
