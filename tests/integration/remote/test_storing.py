"""Archives in a cluster: what is kept, what a lost answer does, and two who deploy at once."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import Operated, is_complete
from tests.integration.remote.repository import on_path

from immutant.errors import ClusterError, OvertakenError
from immutant.remote import archive
from immutant.remote.apps import App, read
from immutant.remote.archive import Origin, history, prune, store
from immutant.remote.deployment import Package, deploy, point
from immutant.remote.kubectl import Json, Kubectl
from immutant.remote.packing import File
from immutant.remote.returning import Goal, chosen, former


@pytest.fixture
def cluster(server: ApiServer, namespace: str, monkeypatch: pytest.MonkeyPatch) -> Kubectl:
    monkeypatch.setenv("PATH", on_path())
    return Kubectl(namespace, kubeconfig=str(server.kubeconfig()))


def package(number: int) -> Package:
    files = [File("app.py", f"# {number}\n".encode())]
    return Package(files, 1_800_000_000 + number, Origin(f"{number:040}", f"No. {number}", "Ada"))


def put(cluster: Kubectl, number: int) -> App:
    after = deploy(cluster, read(cluster, "demo"), package(number), lambda _: None)
    assert after is not None
    return after


def messages(cluster: Kubectl) -> list[str]:
    return [one.origin.message for one in history(cluster, read(cluster, "demo"))]


async def test_the_last_five_are_kept_and_what_is_in_use(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write(replicas=1)
    await asyncio.to_thread(put, cluster, 1)
    await operated.until(is_complete)
    for number in range(2, 8):  # the operator does not look: its pod stays of the first
        await asyncio.to_thread(put, cluster, number)
    assert set(messages(cluster)) == {f"No. {number}" for number in (1, 3, 4, 5, 6, 7)}
    await operated.until(is_complete)
    await asyncio.to_thread(put, cluster, 8)
    await operated.until(is_complete)  # now it is none of the last two that served either
    gone = prune(cluster, read(cluster, "demo"), (), datetime.now(UTC))
    assert [one.origin.message for one in gone] == ["No. 1"]


async def test_the_last_two_that_served_are_kept_however_many_did_not_since(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write(replicas=1)
    for number in (1, 2, 3):
        await asyncio.to_thread(put, cluster, number)
        await operated.until(is_complete)
    for number in range(4, 10):
        await asyncio.to_thread(put, cluster, number)
    gone = prune(cluster, read(cluster, "demo"), (), datetime.now(UTC))
    assert gone == []
    assert set(messages(cluster)) == {f"No. {number}" for number in (2, 3, 5, 6, 7, 8, 9)}


async def test_where_no_operator_has_looked_the_one_to_go_back_to_is_the_one_before(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write()
    for number in (1, 2, 3):
        app = await asyncio.to_thread(put, cluster, number)
    there = history(cluster, app)
    assert former(there, app) == Goal(there[1], has_served=False)
    app = point(cluster, app, there[1].archive)
    assert former(there, app).revision.origin.message == "No. 1"
    assert chosen(there, app, there[0].archive.sha256[:12]).origin.message == "No. 3"
    with pytest.raises(ClusterError, match="3 revisions of demo begin with '0000'"):
        chosen(there, app, "0000")


async def test_a_large_source_is_in_several_parts(
    operated: Operated, cluster: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    await operated.write()
    monkeypatch.setattr(archive, "CHUNK", 50)
    app = await asyncio.to_thread(put, cluster, 1)
    assert app.archive is not None
    assert len(app.archive.config_maps) > 2
    (revision,) = history(cluster, app)
    assert revision.archive == app.archive
    assert revision.is_whole


async def test_parts_of_a_push_that_was_cut_off_are_used_by_the_next_or_removed(
    operated: Operated, cluster: Kubectl, monkeypatch: pytest.MonkeyPatch
) -> None:
    await operated.write()
    monkeypatch.setattr(archive, "CHUNK", 50)
    app = read(cluster, "demo")
    cut = CutOff(cluster.namespace, kubeconfig=cluster.kubeconfig)
    with pytest.raises(ClusterError, match="cut off"):
        deploy(cut, app, package(1), lambda _: None)
    (left,) = history(cluster, app)
    assert not left.is_whole
    assert read(cluster, "demo").archive is None
    assert prune(cluster, app, (), datetime.now(UTC)) == []
    later = datetime.now(UTC) + timedelta(hours=2)
    assert prune(cluster, app, (), later) == [left]
    with pytest.raises(ClusterError, match="cut off"):
        deploy(cut, app, package(2), lambda _: None)
    await asyncio.to_thread(put, cluster, 2)
    assert messages(cluster) == ["No. 2"]


class CutOff(Kubectl):
    """A connection that ends after the first part."""

    def create(self, body: Mapping[str, Any]) -> None:
        if body["metadata"]["name"].endswith("-1"):
            raise ClusterError("cut off")
        super().create(body)


class LosesAnswers(Kubectl):
    """A connection that loses the answers to changes."""

    def patch(self, kind: str, name: str, change: Mapping[str, Any]) -> Json:
        super().patch(kind, name, change)
        raise ClusterError("the answer is lost")


async def test_a_lost_answer_is_no_failure_when_the_change_was_made(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write()
    losing = LosesAnswers(cluster.namespace, kubeconfig=cluster.kubeconfig)
    app = put(losing, 1)
    assert app == read(cluster, "demo")
    assert app.archive is not None


async def test_of_two_who_deploy_at_once_the_second_is_told(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write()
    seen = read(cluster, "demo")
    await asyncio.to_thread(put, cluster, 1)
    with pytest.raises(OvertakenError, match=f"somebody else has deployed {1:040} to demo"):
        deploy(cluster, seen, package(2), lambda _: None)
    assert read(cluster, "demo").archive != seen.archive


async def test_what_the_operator_reports_meanwhile_is_no_reason_to_give_up(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write()
    seen = read(cluster, "demo")
    await operated.look()
    assert read(cluster, "demo").version != seen.version
    after = deploy(cluster, seen, package(1), lambda _: None)
    assert after is not None


async def test_a_source_that_is_not_the_apps_is_not_taken_for_it(
    operated: Operated, cluster: Kubectl
) -> None:
    await operated.write()
    app = read(cluster, "demo")
    stored = store(cluster, app, b"something", Origin("dir-1", "folder", "Ada"))
    cluster.run("delete", "configmap", stored.config_maps[0])
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": stored.config_maps[0]}}
    cluster.run("create", "-f", "-", stdin=json.dumps(body).encode())
    with pytest.raises(ClusterError, match="that is not of this source; look at it"):
        store(cluster, app, b"something", Origin("dir-1", "folder", "Ada"))
