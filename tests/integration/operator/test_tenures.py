"""Who holds what, in status and events, on a real API server. The sidecars' Leases are played."""

import asyncio
import json
import re
from pathlib import Path
from typing import Any

from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, is_complete, kubectl
from tests.integration.operator.processes import Replica, installed
from tests.unit.operator.leases import START, job, member, singleton

from immutant.kube.records import Owner
from immutant_operator.api import APP_KIND
from immutant_operator.objects import Json

PATIENCE = 120.0
COUNTER, AJOB = "demo.daemon.counter", "demo.job.ajob"
EXPELLED = ("demo-0/uid/1", "expelled")


class Sidecars:
    """The Leases of an app, as its sidecars would write them."""

    def __init__(self, operated: Operated, uid: str) -> None:
        self.operated = operated
        self.owner = Owner(operated.namespace, operated.name, uid)

    @classmethod
    async def of(cls, operated: Operated) -> "Sidecars":
        app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
        sidecars = cls(operated, app["metadata"]["uid"])
        for number in (0, 1):
            await sidecars.write(member(number, owner=sidecars.owner))
        return sidecars

    async def hold(self, record: str, number: int, **more: Any) -> None:
        await self.write(singleton(record, number, owner=self.owner, **more))

    async def write(self, lease: Json) -> None:
        api, metadata = self.operated.api, lease["metadata"]
        kind = (lease["apiVersion"], lease["kind"])
        there = await api.find(*kind, metadata["namespace"], metadata["name"])
        if there is None:
            await api.create(lease)
            return
        metadata["resourceVersion"] = there["metadata"]["resourceVersion"]
        await api.replace(lease)

    async def events(self, reason: str) -> list[str]:
        found = await self.operated.api.list("v1", "Event", self.operated.namespace, {})
        return [one["message"] for one in found if one["reason"] == reason]


async def test_a_look_shows_who_holds_what_and_a_move_is_an_event_once(
    operated: Operated, server: ApiServer
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    sidecars = await Sidecars.of(operated)
    await sidecars.hold(COUNTER, 0)
    await sidecars.hold(AJOB, 1, body=job("ok"))
    app = await operated.look()
    assert app["status"]["holders"] == [
        {"kind": "daemon", "name": "counter", "pod": "demo-0", "since": "2027-01-15T08:00:00Z"},
        {"kind": "job", "name": "ajob", "pod": "demo-1", "since": "2027-01-15T08:00:00Z"},
    ]
    assert len(await sidecars.events("TenureBegan")) == 2
    await sidecars.write(member(0, ended="expelled", owner=sidecars.owner))
    await sidecars.hold(COUNTER, 1, at=START + 60, former=EXPELLED)
    for _ in range(3):
        await operated.look()
    assert await sidecars.events("TenureMoved") == [
        "demo-0 -> demo-1: daemon counter; demo-0 was silent and has been expelled"
    ]
    shown = kubectl(server, "-n", operated.namespace, "describe", "iapp", "demo")
    assert re.search(r"Warning\s+TenureMoved", shown)
    assert "2027-01-15T08:01:00Z" in kubectl(
        server, "-n", operated.namespace, "get", "iapp", "demo", "-o", "yaml"
    )


async def test_a_job_that_runs_all_the_time_is_written_down_once_a_minute(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.until(is_complete)
    sidecars = await Sidecars.of(operated)
    await sidecars.hold(AJOB, 0, body=job("ok"))
    await operated.look()  # jobs as of the look before, without any
    before = await operated.objects()
    for count in range(2, 6):
        await sidecars.hold(AJOB, 0, body=job(*["ok"] * count))
        await operated.look()
    assert await operated.objects() == before


async def test_a_lease_full_of_nonsense_keeps_no_app_from_its_status(operated: Operated) -> None:
    await operated.write()
    await operated.until(is_complete)
    sidecars = await Sidecars.of(operated)
    longest = "demo.daemon." + "x" * 5000
    await sidecars.hold(longest, 0)
    runs = [{"due": -6e10, "ended": 6e10, "outcome": "x" * 5000}]
    await sidecars.hold(AJOB, 0, body=json.dumps({"runs": runs, "open": 7}))
    avoids = json.dumps({"avoids": ["demo.daemon." + "y" * 300] * 600})
    await sidecars.write(member(0, body=avoids, owner=sidecars.owner))
    app = await operated.look()
    assert {len(one["name"]) for one in app["status"]["holders"]} == {253, 4}
    assert len(app["status"]["failing"]) == 500


async def test_the_operator_hears_of_moves_at_once_and_not_of_ticks_and_renewals(
    server: ApiServer, operated: Operated, tmp_path: Path
) -> None:
    team = operated.namespace
    rights = installed(server, f"{team}-operator", "--set", f"watchNamespace={team}")
    with Replica(rights, f"{team}-operator", "one", tmp_path / "one.log", team) as replica:
        await operated.write(replicas=2)
        await until_told(operated, lambda status: status.get("holders") == [])
        sidecars = await Sidecars.of(operated)
        began = asyncio.get_running_loop().time()
        await sidecars.hold(COUNTER, 0)
        await sidecars.hold(AJOB, 0, body=job("ok"))
        await until_told(operated, lambda status: status["singletons"] == 2)
        assert asyncio.get_running_loop().time() - began < 10, "not by the round of a minute"
        looks = await at_rest(replica)
        for count in range(20):
            await sidecars.hold(AJOB, 0, body=job(*["ok"] * count))
            await sidecars.write(member(0, owner=sidecars.owner, body=f'{{"zone": "{count}"}}'))
        await asyncio.sleep(2.0)  # twice as long as moves are gathered
        assert looks_of(replica) <= looks + 1, "one may be of the round"
        await sidecars.hold(COUNTER, 1, at=START + 60, former=EXPELLED)
        await sidecars.hold(AJOB, 1, at=START + 60, former=EXPELLED)
        await until_told(
            operated, lambda status: {one["pod"] for one in status["holders"]} == {"demo-1"}
        )
        deadline = asyncio.get_running_loop().time() + PATIENCE
        while not await sidecars.events("TenureMoved"):
            assert asyncio.get_running_loop().time() < deadline, replica.said
            await asyncio.sleep(0.1)
        assert "Traceback" not in replica.said, replica.said
        assert "forbidden" not in replica.said, replica.said
    (moved,) = await sidecars.events("TenureMoved")
    assert moved.startswith("demo-0 -> demo-1: daemon counter, job ajob; ")


async def until_told(operated: Operated, said: Any) -> None:
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while True:
        app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
        if said(app.get("status", {})):
            return
        assert asyncio.get_running_loop().time() < deadline, app
        await asyncio.sleep(0.1)


def looks_of(replica: Replica) -> int:
    found = re.search(
        r"^immutant_operator_reconcile_seconds_count (\S+)$", replica.ops("/metrics"), re.MULTILINE
    )
    assert found
    return int(float(found[1]))


async def at_rest(replica: Replica) -> int:
    """Wait until no app has been looked at for three seconds; how many looks there were."""
    looks, since = looks_of(replica), asyncio.get_running_loop().time()
    while asyncio.get_running_loop().time() - since < 3.0:
        await asyncio.sleep(0.2)
        if looks != (now := looks_of(replica)):
            looks, since = now, asyncio.get_running_loop().time()
    return looks


async def test_the_leases_of_pods_that_do_not_come_again_are_removed_and_no_other(
    operated: Operated,
) -> None:
    await operated.write(replicas=2)
    await operated.until(is_complete)
    sidecars = await Sidecars.of(operated)
    for number, ended in ((1, "expelled"), (2, "expelled"), (3, ""), (4, "resigned")):
        await sidecars.write(member(number, ended=ended, owner=sidecars.owner))
    await operated.look()
    left = await operated.api.list("coordination.k8s.io/v1", "Lease", operated.namespace, {})
    kept = {one["metadata"]["annotations"]["immutant.org/member"] for one in left}
    assert kept == {"demo-0", "demo-1", "demo-3"}
