"""`python -m immutant_operator`: wait for the lead, then watch and reconcile until it is lost.

Belongs here: putting the parts together, and the end of the process. Not here: any part.
"""

import asyncio
import contextlib
import logging
import random
import signal
import sys
from collections.abc import Coroutine
from typing import Any, Final

import kopf

from immutant.contract import names
from immutant_operator import monitoring
from immutant_operator.api import APP_KIND, Api, connected
from immutant_operator.errors import OperatorError
from immutant_operator.handlers import registered, watch_settings
from immutant_operator.leader import LEASE, Leader
from immutant_operator.ops import Metrics, serving
from immutant_operator.reconciler import Reconciler
from immutant_operator.registry import Registry
from immutant_operator.remotes import Remotes
from immutant_operator.rounds import rounds, see_all
from immutant_operator.settings import Settings
from immutant_operator.store import Store
from immutant_operator.workqueue import WorkQueue

__all__ = ["main", "run"]

_WORKERS: Final = 4
_STOPPING: Final = 3.0
"""Seconds for ending after the lead was lost: less than what the next leader waits."""

_log = logging.getLogger("immutant_operator")


async def run(settings: Settings, stop: asyncio.Event) -> None:
    """Run one replica until it is to stop.

    Raises:
        LeadershipLostError: It led, and does no more.
    """
    metrics = Metrics()
    async with (
        serving(metrics, settings.port) as port,
        connected(settings.kubeconfig) as api,
        connected(settings.kubeconfig) as own,  # a renewal waits for no other request
    ):
        _log.info("health and metrics on port %d", port)
        leader = Leader(own, (settings.namespace, LEASE), settings.identity)
        if not await _first_of(stop, leader.acquire()):
            return
        try:
            await _first_of(stop, _lead(settings, api, leader, metrics))
        finally:
            await leader.release()


async def _first_of(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> bool:
    """Work until it is done (True) or the process is to stop (False)."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
            return True
        return False
    finally:
        for task in (working, stopping):
            task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_STOPPING):
                await asyncio.gather(working, stopping, return_exceptions=True)


async def _lead(settings: Settings, api: Api, leader: Leader, metrics: Metrics) -> None:
    registry, store = Registry(), Store()
    remotes = Remotes(lambda key: queue.add(key))
    reconciler = Reconciler(api, store, settings.cluster, registry, remotes=remotes)
    queue = WorkQueue(metrics.timed(reconciler.reconcile), random.Random())  # noqa: S311 - jitter
    metrics.leading.set(1)
    metrics.apps.set_function(lambda: registry.apps)
    metrics.queued.set_function(lambda: len(queue))
    handlers = registered(queue, store, registry)
    await _first_done(leader.hold(), _work(settings, api, handlers, store, queue, reconciler))


async def _work(
    settings: Settings,
    api: Api,
    handlers: kopf.OperatorRegistry,
    store: Store,
    queue: WorkQueue,
    reconciler: Reconciler,
) -> None:
    """Look at apps, once everything that is there has been seen: what is unseen looks missing."""
    await _defined(api)
    is_told = settings.monitoring is not None
    if not is_told:
        reconciler.cluster = await monitoring.found(api, settings.cluster)
    await see_all(api, settings.watched, store, queue.add)
    for key in store.apps:
        queue.add(key)
    # kopf comes last: when it is told to stop, it waits for all tasks that are younger than itself.
    await _first_done(
        rounds(api, settings.watched, store, queue),
        queue.run(_WORKERS),
        *([] if is_told else [monitoring.follow(api, reconciler)]),
        _watch(settings, handlers),
    )


async def _watch(settings: Settings, handlers: kopf.OperatorRegistry) -> None:
    await kopf.operator(
        registry=handlers,
        settings=watch_settings(settings.watch),
        standalone=True,
        clusterwide=settings.watched is None,
        namespaces=[settings.watched] if settings.watched is not None else [],
    )


async def _first_done(*parts: Coroutine[Any, Any, None]) -> None:
    """Run all until one ends, as kopf does without an error when the process is told to stop."""
    tasks = [asyncio.create_task(part) for part in parts]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            await task
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _defined(api: Api) -> None:
    while not await api.serves(APP_KIND[0], names.PLURAL):
        _log.warning("there is no definition of %s yet; install the chart with it", names.KIND)
        await asyncio.sleep(2)


async def _run_until_signalled(settings: Settings) -> None:
    stop = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, stop.set)
    await run(settings, stop)


def main() -> int:
    """Run the operator; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    logging.getLogger("kopf").setLevel(logging.WARNING)  # else a line for each event
    try:
        settings = Settings.read()
        logging.getLogger().setLevel(settings.log_level)
        asyncio.run(_run_until_signalled(settings))
    except OperatorError as error:
        _log.error("%s", error)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
