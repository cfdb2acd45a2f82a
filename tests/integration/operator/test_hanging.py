"""The operator as a process whose connections to the API server hang: open, and silent.

Watches are short here, so that it does not take long; `IMMUTANT_WATCH_SECONDS=50` plays it with
those of an installation.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from tests.chaos.cable import Cable, Cut
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, is_complete
from tests.integration.operator.processes import Replica, installed, until
from tests.processes import free_port

from immutant_operator.api import APP_KIND
from immutant_operator.objects import Json

HEALED = 90.0
"""Seconds after which what was changed while the watches hung is put right, at the latest."""

WATCH = int(os.environ.get("IMMUTANT_WATCH_SECONDS", "3"))
WATCHES_END = WATCH + 10.0
"""Seconds after which a watch that hung is followed by one that does not."""

SOON = 8.0
"""Seconds in which a watch that works brings what is changed: far from a minute's round."""

OTHER = {"somebody": "else"}


@pytest.fixture
async def cable(server: ApiServer) -> AsyncIterator[Cable]:
    opened = await asyncio.to_thread(Cable, free_port(), server.port)
    yield opened
    await asyncio.to_thread(opened.close)


async def within(seconds: float, holds: Callable[[], Awaitable[bool]], what: str) -> None:
    """Wait for something."""
    began = asyncio.get_running_loop().time()
    while not await holds():
        assert asyncio.get_running_loop().time() - began < seconds, what
        await asyncio.sleep(0.2)


@pytest.mark.timeout(240)
async def test_what_others_change_while_all_connections_hang_is_put_right_and_watches_come_back(
    server: ApiServer, operated: Operated, cable: Cable, tmp_path: Path
) -> None:
    api, namespace = operated.api, operated.namespace
    rights = installed(server, f"{namespace}-operator", "--set", f"watchNamespace={namespace}")
    through = tmp_path / "kubeconfig"
    through.write_text(rights.read_text().replace(f":{server.port}", f":{cable.port}"))

    async def is_whole() -> bool:
        return is_complete(await api.get(*APP_KIND, namespace, operated.name))

    async def service(name: str) -> Json:
        return await api.find("v1", "Service", namespace, name) or {}

    async def is_mended() -> bool:
        found = [await service(f"demo-{name}") for name in ("web", "members")]
        return all(one and one["spec"]["selector"] != OTHER for one in found)

    short = {"IMMUTANT_WATCH_SECONDS": str(WATCH)}
    operator = f"{namespace}-operator"
    with Replica(through, operator, "one", tmp_path / "log", namespace, **short) as replica:
        await until(lambda: "this replica leads" in replica.said, "it leads")
        await operated.write(replicas=0)
        await within(HEALED, is_whole, "the app is as wanted")
        there = await service("demo-members")

        await asyncio.to_thread(cable.cut, Cut.FORGOTTEN)
        began = asyncio.get_running_loop().time()
        await api.replace({**there, "spec": {**there["spec"], "selector": OTHER}})
        await api.delete(await service("demo-web"))
        await within(HEALED, is_mended, replica.said)

        passed = asyncio.get_running_loop().time() - began
        await asyncio.sleep(max(0.0, WATCHES_END - passed))  # each watch has its own time to end
        for _ in range(2):  # one of them might be in time for the list of the minute
            await api.delete(await service("demo-web"))
            await within(SOON, is_mended, "a watch brings it")
        assert replica.process.poll() is None
        assert replica.said.count("this replica leads") == 1, "it never lost the lead"
        assert "Traceback" not in replica.said, replica.said
