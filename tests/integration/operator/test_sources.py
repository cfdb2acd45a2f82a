"""Sources that pods fetch themselves, against a real API server."""

import base64
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.integration.kube.apiserver import ApiServer
from tests.integration.operator.harness import (
    CLUSTER,
    Operated,
    condition,
    is_complete,
    kubectl,
)
from tests.integration.operator.processes import account
from tests.integration.source.remote import Http, Repository, by_http

from immutant.contract import names
from immutant_operator.api import APP_KIND, Api, connected
from immutant_operator.errors import ForbiddenError
from immutant_operator.logins import login
from immutant_operator.objects import Json
from immutant_operator.remotes import Remotes
from immutant_operator.spec import App, AppSpec
from immutant_operator.spec.source import GitSource, Source


async def push(operated: Operated, sha: str, *, parts: int = 2) -> dict[str, Any]:
    """Make the parts of an archive, as the client makes them; what the spec says of it."""
    app = await operated.api.get(*APP_KIND, operated.namespace, operated.name)
    made = [f"{operated.name}-{sha[:10]}-{number}" for number in range(parts)]
    owner = {
        "apiVersion": APP_KIND[0],
        "kind": APP_KIND[1],
        "name": operated.name,
        "uid": app["metadata"]["uid"],
    }
    for name in made:
        labels = {names.APP_LABEL: operated.name, names.SOURCE_LABEL: sha[:10]}
        metadata = {"name": name, "namespace": operated.namespace, "labels": labels}
        body: Json = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}
        body["metadata"] = {**metadata, "ownerReferences": [owner]}
        body["binaryData"] = {"part": base64.b64encode(sha.encode()).decode()}
        await operated.api.create(body)
    return {"archive": {"configMaps": made, "sha256": sha, "revision": f"commit-{sha[:4]}"}}


async def parts(operated: Operated) -> set[str]:
    label = {names.APP_LABEL: operated.name}
    found = await operated.api.list("v1", "ConfigMap", operated.namespace, label)
    return {
        one["metadata"]["name"] for one in found if names.SOURCE_LABEL in one["metadata"]["labels"]
    }


def first_steps(pod: Json) -> list[str]:
    return [one["name"] for one in pod["spec"]["initContainers"]]


async def test_a_push_is_a_rollout_and_the_parts_stay_their_makers(operated: Operated) -> None:
    await operated.write()
    await operated.until(is_complete)
    first = await push(operated, "ab" * 32)
    await operated.write(source=first)
    app = await operated.until(is_complete)
    assert app["status"]["source"] == {
        "kind": "archive",
        "revision": "commit-abab",
        "short": "commit-abab",
    }
    before = await operated.pods()
    assert [first_steps(pod)[:2] for pod in before.values()] == [["source", "packages"]]
    await operated.write(source=await push(operated, "cd" * 32))
    app = await operated.until(lambda app: is_complete(app) and "commit-cdcd" in str(app["status"]))
    after = await operated.pods()
    assert {pod["metadata"]["uid"] for pod in before.values()}.isdisjoint(
        pod["metadata"]["uid"] for pod in after.values()
    )
    assert len(await parts(operated)) == 4, "former revisions are for a rollback"
    await operated.look()
    assert len(await parts(operated)) == 4


async def test_parts_that_are_missing_are_named_and_the_running_version_goes_on(
    operated: Operated,
) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.until(is_complete)
    before = await operated.pods()
    lost = {"archive": {"configMaps": ["gone-0", "gone-1"], "sha256": "ef" * 32}}
    await operated.write(source=lost)
    app = await operated.look()
    said = condition(app, "Degraded")
    assert (said["status"], said["reason"]) == ("True", "SourceMissing")
    assert (
        "no ConfigMap gone-0, gone-1 with the label immutant.org/source=efefefefef"
        in (said["message"])
    )
    assert app["status"]["source"]["revision"] == "commit-abab"
    assert await operated.pods() == before


async def test_what_the_first_containers_say_is_in_the_condition(operated: Operated) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.look()
    pods = await operated.until(lambda app: app["status"]["replicas"] == 1, ready=False)
    (pod,) = (await operated.pods()).values()
    ended = {"exitCode": 78, "message": "requirements.txt cannot be installed: mend it"}
    step = {"name": "packages", "ready": False, "restartCount": 1, "image": "x", "imageID": "x"}
    waiting = {"state": {"waiting": {"reason": "CrashLoopBackOff"}}}
    status = {**step, **waiting, "lastState": {"terminated": ended}}
    await operated.say(pod, {"phase": "Pending", "initContainerStatuses": [status]})
    pods = await operated.look()
    said = condition(pods, "Degraded")
    assert said["reason"] == "SourceFailed"
    assert (
        "demo-0, container packages ended with status 78: requirements.txt cannot"
        in (said["message"])
    )


async def test_a_new_operator_leaves_such_pods_as_they_are(operated: Operated) -> None:
    await operated.write()
    await operated.write(source=await push(operated, "ab" * 32))
    await operated.until(is_complete)
    before = await operated.objects()
    operated.restart(cluster=CLUSTER)
    await operated.look()
    await operated.look()
    assert await operated.objects() == before


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture
def http(repository: Repository) -> Iterator[Http]:
    with by_http(repository.bare.parent) as served:
        yield served


class Clock:
    """Seconds that pass when they are told to."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def commit_in(pod: Json) -> str:
    (source,) = [one for one in pod["spec"]["initContainers"] if one["name"] == "source"]
    told: dict[str, str] = {one["name"]: one["value"] for one in source["env"]}
    return told["IMMUTANT_SOURCE_COMMIT"]


def asking(operated: Operated, clock: Clock) -> None:
    """Another operator, for which a minute passes when the clock says so."""
    operated.restart(remotes=Remotes(clock=clock))


async def test_a_branch_that_moves_is_a_rollout_and_all_pods_have_one_commit(
    operated: Operated, repository: Repository, http: Http
) -> None:
    first = repository.push({"app.py": "one"})
    clock = Clock()
    asking(operated, clock)
    await operated.write(source={"git": {"url": http.url, "revision": "main"}}, replicas=2)
    app = await operated.until(is_complete)
    assert {commit_in(pod) for pod in (await operated.pods()).values()} == {first}
    assert app["status"]["source"] == {"kind": "git", "revision": first, "short": first[:10]}
    second = repository.push({"app.py": "two"})
    await operated.look()
    assert {commit_in(pod) for pod in (await operated.pods()).values()} == {first}
    clock.now += 61
    app = await operated.until(lambda app: is_complete(app) and second in str(app["status"]))
    assert {commit_in(pod) for pod in (await operated.pods()).values()} == {second}


async def test_without_the_server_pods_go_on_scale_and_survive_a_new_operator(
    operated: Operated, repository: Repository, http: Http
) -> None:
    commit = repository.push({"app.py": "one"})
    await operated.write(source={"git": {"url": http.url, "revision": "main"}})
    await operated.until(is_complete)
    before = await operated.pods()
    http.broken = 503
    asking(operated, Clock())
    await operated.write(source={"git": {"url": http.url, "revision": "main"}}, replicas=2)
    app = await operated.until(is_complete)
    said = condition(app, "Degraded")
    assert (said["status"], said["reason"]) == ("True", "SourceUnreachable")
    assert "does not answer as git" in said["message"]
    pods = await operated.pods()
    assert {commit_in(pod) for pod in pods.values()} == {commit}
    assert pods["demo-0"]["metadata"]["uid"] == before["demo-0"]["metadata"]["uid"]
    http.broken = 0
    clock = Clock()
    asking(operated, clock)
    app = await operated.until(lambda app: condition(app, "Degraded")["status"] == "False")


async def test_another_branch_that_is_not_there_changes_nothing(
    operated: Operated, repository: Repository, http: Http
) -> None:
    repository.push({"app.py": "one"})
    await operated.write(source={"git": {"url": http.url, "revision": "main"}})
    await operated.until(is_complete)
    before = await operated.pods()
    await operated.write(source={"git": {"url": http.url, "revision": "gone"}})
    app = await operated.look()
    assert condition(app, "Degraded")["reason"] == "SourceMissing"
    assert "no branch or tag gone" in condition(app, "Degraded")["message"]
    assert condition(app, "Progressing")["reason"] == "Stopped"
    assert await operated.pods() == before


async def test_an_app_whose_server_never_answered_gets_no_pods(
    operated: Operated, http: Http
) -> None:
    http.broken = 503
    await operated.write(source={"git": {"url": http.url}})
    app = await operated.look()
    assert condition(app, "Degraded")["reason"] == "SourceUnreachable"
    assert await operated.pods() == {}
    assert ("StatefulSet", "demo") not in await operated.objects()


def secretive(namespace: str, url: str = "https://example.org/shop.git") -> App:
    """An app whose repository takes a Secret: the API server lets none pass over plain http."""
    git = GitSource.model_validate({"url": url, "secret": {"name": "deploy"}})
    return App("demo", namespace, "uid", 1, AppSpec(source=Source(git=git)))


async def make_secret(api: Api, namespace: str) -> None:
    data = {"username": "ada", "token": "sesame"}
    metadata = {"name": "deploy", "namespace": namespace}
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "stringData": data}
    await api.create(body)


async def test_the_secret_is_read_for_asking_and_one_that_is_missing_is_named(
    operated: Operated, repository: Repository, http: Http
) -> None:
    commit = repository.push({"app.py": "one"})
    http.user = "ada:sesame"
    app = secretive(operated.namespace, http.url)
    assert app.spec.source is not None
    assert app.spec.source.git is not None
    asked = app.key, app.spec.source.git, lambda: login(operated.api, app)
    known = await Remotes().look(*asked)
    assert "there is no Secret deploy in namespace" in str(known.trouble)
    await make_secret(operated.api, operated.namespace)
    known = await Remotes().look(*asked)
    assert known.commit == commit


async def test_an_operator_that_may_not_read_the_secret_says_by_which_commands_it_may(
    server: ApiServer, api: Api, namespace: str
) -> None:
    await make_secret(api, namespace)
    kubectl(server, "-n", namespace, "create", "serviceaccount", "immutant-operator")
    rights = account(server, namespace, "immutant-operator")
    app = secretive(namespace)
    async with connected(str(rights)) as its_own:
        with pytest.raises(ForbiddenError) as refused:
            await login(its_own, app)
        said = str(refused.value).replace("NAMESPACE-OF-THE-OPERATOR", namespace)
        commands = re.findall(r"kubectl (--namespace .*?)(?:, and|; or)", said)
        assert len(commands) == 2
        for command in commands:
            kubectl(server, *command.split())
        assert (await login(its_own, app)).token == "sesame"
