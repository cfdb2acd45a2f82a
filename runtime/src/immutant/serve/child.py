"""The application's process: the user's code, its web server, its end.

Belongs here: putting the parts of one replica's application together. Not here: any of the parts.
"""

import asyncio
import logging
import os
import sys
import threading
import traceback
from collections.abc import Callable
from functools import partial
from io import TextIOWrapper
from typing import Any, Final, NoReturn

from immutant import filelock
from immutant.app import App
from immutant.calls import TenuredThreads
from immutant.clock import Clock, SystemClock
from immutant.console.prompt import names_of
from immutant.console.server import Console
from immutant.contract.environment import Environment, Grid
from immutant.contract.timings import Timings
from immutant.errors import ImmutantError
from immutant.processes import EX_SOFTWARE, ending, say, status_of, told
from immutant.runtime import AppRuntime
from immutant.serve.connections import Connections
from immutant.serve.guard import GuardedLink, HardDeadline
from immutant.serve.http_link import HttpLink
from immutant.serve.kernel_timer import KernelTimer
from immutant.serve.loading import load_app, module_of
from immutant.serve.reporting import Reporting
from immutant.stores import Backend
from immutant.telemetry import Identity, Telemetry, start
from immutant.webserver import WebServer

__all__ = ["hard_deadline", "run_child"]

_LAST_TRACES: Final = 2.0
"""Seconds, at most, for traces that are not sent yet at the end."""


def run_child(entrypoint: str, report: int, lifeline: int) -> int:
    """Run the application until told to end; the exit status.

    Args:
        entrypoint: What to run.
        report: Where to report tenures (`immutant.serve.guard`).
        lifeline: A pipe that ends when the supervisor dies; then this process dies as well.
    """
    logging.basicConfig(level=logging.WARNING, format="%(name)s: %(message)s")
    logging.getLogger("immutant.singleton").setLevel(logging.INFO)  # who took over is news
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(line_buffering=True)  # a line printed is a line seen
    threading.Thread(target=_die_with, args=(lifeline,), daemon=True).start()
    return status_of(lambda: _run(entrypoint, report))


def _run(entrypoint: str, report: int) -> int:
    environment = Environment.read()
    app = load_app(entrypoint)
    identity = Identity(environment.app, environment.replica, environment.namespace)
    telemetry = start(identity)  # after the user's code, which may have set it up
    names = partial(names_of, app, module_of(entrypoint)) if environment.repl else None
    with asyncio.Runner() as runner:
        try:
            runner.run(_serve(app, environment, report, telemetry, names))
        except BaseException as error:
            _die_of(error)
    return os.EX_OK


def _die_of(error: BaseException) -> NoReturn:
    """End at once.

    Not gracefully: an orderly end would first wait for the user's tasks, which run in tenures that
    nobody keeps any more. A process that is dead holds nothing, and the kernel says so.
    """
    status = EX_SOFTWARE
    if isinstance(error, ImmutantError):
        status = told(error)
    else:
        traceback.print_exception(error)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _serve(
    app: App,
    environment: Environment,
    report: int,
    telemetry: Telemetry,
    names: Callable[[], dict[str, Any]] | None,
) -> None:
    end = ending(None)
    asyncio.get_running_loop().set_default_executor(TenuredThreads())
    clock = SystemClock()
    lock = filelock.hold(environment.app_lock)
    console = Console(app, environment.replica, clock, names=names)
    if environment.console is not None:
        console.open(environment.console)  # first: it tells what hangs in all that follows
    hard = hard_deadline(app, environment.timings, clock)
    backend = await _open_backend(environment)
    line = HttpLink(environment.coordinator)
    link = GuardedLink(line, report, clock, hard)
    replica, tracer = environment.replica, telemetry.tracer
    runtime = AppRuntime(app, backend, link, replica=replica, clock=clock, tracer=tracer)
    await runtime.start()
    clients = Connections(runtime.asgi, clock)
    web = telemetry.serving(clients)
    async with (
        Reporting(runtime.tally, line, clock),
        WebServer(web, environment.listen, lifespan=True) as server,
    ):
        await end.wait()
        over = clock.now() + environment.grace
        # At the same time: a singleton must not wait for routers to notice.
        leaving = asyncio.create_task(clients.leave(environment.shutdown_delay))
        await asyncio.gather(runtime.drain(environment.grace, leaving), leaving)
        server.allow(over - clock.now())
    await runtime.stop()
    await console.close()
    await link.close()
    await backend.close()
    lock.release()
    await telemetry.close(min(over - clock.now(), _LAST_TRACES))


def hard_deadline(app: App, timings: Timings, clock: Clock) -> HardDeadline | None:
    """What ends this process at its hard deadlines; None, and a word, where nothing can."""
    if not app.definitions.have_hard_deadlines():
        return None
    if not KernelTimer.is_supported():
        say("hard_deadline=True does nothing here: only Linux has a timer for it")
        return None
    return HardDeadline(KernelTimer(), clock, timings.stop_margin)


async def _open_backend(environment: Environment) -> Backend:
    """Connect to what keeps the data; only that backend's libraries are loaded."""
    if isinstance(environment.state, Grid):
        from immutant.grid import GridBackend

        return await GridBackend.open(environment.state, replica=environment.replica)
    from immutant.embedded import EmbeddedBackend

    return await EmbeddedBackend.open(environment.state, replica=environment.replica)


def _die_with(lifeline: int) -> None:
    """Die when the supervisor has died: nobody would end this process at its deadline."""
    while os.read(lifeline, 1):
        pass
    os._exit(EX_SOFTWARE)
