"""The launcher: everything that `immutant run` does, put together.

Belongs here: what is opened and in which order it is closed. No user code runs in this process.
"""

import asyncio
import os
import socket
import sys
from contextlib import closing

from immutant.run.assembly import Assembly
from immutant.run.control import Control
from immutant.run.ending import Ending
from immutant.run.fleet import Fleet
from immutant.run.listener import listen, url
from immutant.run.log import Log, wants_colour
from immutant.run.options import Options
from immutant.run.places import Places, announced, claim
from immutant.run.programs import Programs
from immutant.run.reload import Reloader
from immutant.run.router.pool import Pool
from immutant.run.router.server import Router

__all__ = ["Launcher", "launch"]


def launch(options: Options, programs: Programs | None = None) -> int:
    """Run until something ends it; the exit code.

    Raises:
        ConfigurationError: The state folder or the port cannot be used; nothing was started.
    """
    programs = programs or Programs.of(options.target.entrypoint)
    with claim(options.state) as places, closing(listen(options.host, options.port)) as listener:
        return asyncio.run(_launch(options, programs, places, listener))


async def _launch(
    options: Options, programs: Programs, places: Places, listener: socket.socket
) -> int:
    ending, out, loop = Ending(), sys.stdout.fileno(), asyncio.get_running_loop()

    def end_from_thread() -> None:
        loop.call_soon_threadsafe(ending.decide)

    log = Log(out, colour=wants_colour(out), on_broken=end_from_thread)
    with closing(log), Assembly(options, programs, places, log) as assembly:
        await Launcher(options, programs, assembly, log, ending).run(listener, places)
    return ending.code


class Launcher:
    """One run, from the first process to the last."""

    def __init__(
        self, options: Options, programs: Programs, assembly: Assembly, log: Log, ending: Ending
    ) -> None:
        self._options = options
        self._log = log
        self._ending = ending
        self._router = Router(Pool())
        self._fleet = Fleet(options.name, assembly.build, self._router)
        self._control = Control(self._fleet, ending.decide)
        self._reloader = Reloader(options.target.folder, programs.check, self._fleet, log)

    async def run(self, listener: socket.socket, places: Places) -> None:
        """Run until it is decided to end; return when all processes have ended."""
        with self._ending.on_signals(self._say_goodbye, self._fleet.kill):
            try:
                await self._fleet.scale(self._options.replicas)
                await self._router.start(listener)
                await self._control.start(places.control, url(listener))
                with announced(places):
                    self._welcome(listener)
                    await self._until_end()
            finally:
                await self._close()

    async def _until_end(self) -> None:
        async with asyncio.TaskGroup() as background:
            tasks = [background.create_task(self._end_when_hopeless())]
            if self._options.reload:
                tasks.append(background.create_task(self._reloader.run()))
            if self._options.seconds is not None:
                tasks.append(background.create_task(self._end_after(self._options.seconds)))
            await self._ending.wait()
            for task in tasks:
                task.cancel()

    async def _close(self) -> None:
        """Requests at work may finish while the replicas drain; commands may not interfere."""
        self._router.finish()
        await self._control.close()
        await self._fleet.stop_all()
        await self._router.close()

    async def _end_when_hopeless(self) -> None:
        await self._fleet.hopeless.wait()
        self._ending.decide(os.EX_CONFIG)

    async def _end_after(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._ending.decide()

    def _welcome(self, listener: socket.socket) -> None:
        options = self._options
        count = "one replica" if options.replicas == 1 else f"{options.replicas} replicas"
        self._log.say(f"{options.name}: {count} behind {url(listener)}; Ctrl-C stops")

    def _say_goodbye(self) -> None:
        self._log.say("stopping; Ctrl-C again stops at once")
