"""Sources that pods fetch themselves: an archive as a push makes it, and a git server."""

import base64
import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.cluster import Browser, Cluster, Pods, namespace, until
from tests.e2e.manifests import app_of
from tests.unit.source.packing import packed, wheel

APPS = Path(__file__).parent / "apps"
NAMESPACE = "sources"
HOST = "pushed.example.org"
APP = """
import till
from immutant import App

app = App("pushed")


@app.get("/")
async def index(request):
    return f"TEXT with till {till.VERSION}"
"""

pytestmark = pytest.mark.timeout(1200)  # several rollouts each, and each may be waited for


@pytest.fixture(scope="module", autouse=True)
def space(cluster: Cluster) -> Iterator[str]:
    with namespace(cluster, NAMESPACE) as name:
        yield name


@pytest.fixture
def pushed(cluster: Cluster) -> Iterator[Pods]:
    """An application without a source, of two pods."""
    _apply(cluster, {"replicas": 2, "web": {"host": HOST}})
    with Pods(cluster, "pushed", NAMESPACE) as pods:
        pods.until_ready(2)
        yield pods
    cluster.kubectl("delete", "immutantapp", "pushed", "-n", NAMESPACE, "--wait")
    until(lambda: not pods.all(), "its pods are gone", 120)


def test_an_archive_is_rolled_out_with_what_it_requires_and_a_bad_one_changes_nothing(
    cluster: Cluster, pushed: Pods, tmp_path: Path
) -> None:
    wheel(tmp_path, "till", "2.1")
    files = {f"wheels/{one.name}": one.read_bytes() for one in tmp_path.glob("*.whl")}
    asks = {"requirements.txt": "till\n", **files}
    browser = cluster.browser()
    parts = _push(cluster, {"app.py": APP.replace("TEXT", "one"), **asks}, "one")
    until(lambda: _page(browser) == "one with till 2.1", "the first push is served", 240)
    _until_complete(cluster)
    assert _app(cluster)["status"]["source"]["revision"] == "one"

    bad = {"app.py": APP.replace("TEXT", "bad"), **asks, **_asking_for("nothere")}
    parts += _push(cluster, bad, "bad")
    until(lambda: "nothere" in _said(cluster, "SourceFailed"), "the condition names it", 180)
    assert len(pushed.ready()) >= 1
    assert _page(browser) == "one with till 2.1"

    parts += _push(cluster, {"app.py": APP.replace("TEXT", "two"), **asks}, "two")
    until(lambda: _page(browser) == "two with till 2.1", "the next push is served", 240)
    _until_complete(cluster)
    found = cluster.get("configmaps", "-n", NAMESPACE, "-l", "immutant.org/source")
    assert set(parts) <= {one["metadata"]["name"] for one in found}, "the operator removes none"


def test_what_is_installed_stays_when_a_container_starts_again(
    cluster: Cluster, pushed: Pods, tmp_path: Path
) -> None:
    wheel(tmp_path, "till", "2.1")
    files = {f"wheels/{one.name}": one.read_bytes() for one in tmp_path.glob("*.whl")}
    _push(cluster, {"app.py": APP, "requirements.txt": "till\n", **files}, "one")
    _until_complete(cluster)
    pods = ("pushed-0", "-n", NAMESPACE, "-c", "app", "--")
    cluster.kubectl("exec", *pods, "sh", "-c", "kill 1", check=False)
    until(lambda: _restarts(pushed, "app") > 0, "the container has started again")
    pushed.until_ready(2)
    assert _restarts(pushed, "packages") == _restarts(pushed, "source") == 0


def test_a_branch_that_moves_is_rolled_out_and_a_server_that_goes_stops_nothing(
    cluster: Cluster, pushed: Pods
) -> None:
    forge = app_of("forge", APPS / "forge.py")
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=forge)
    with Pods(cluster, "forge", NAMESPACE) as served:
        served.until_ready(1)
        first = _committed(cluster, "one")
        url = f"http://forge.{NAMESPACE}.svc.cluster.local/shop.git"
        git = {"url": url, "revision": "main", "period": "10s"}
        _patch(cluster, {"source": {"git": git, "archive": None, "configMap": None}})
        browser = cluster.browser()
        until(lambda: _page(browser) == "one", "the commit is served", 240)
        assert _app(cluster)["status"]["source"]["revision"] == first
        second = _committed(cluster, "two")
        until(lambda: _page(browser) == "two", "the next commit is served", 240)
        _until_complete(cluster)
        assert _app(cluster)["status"]["source"]["revision"] == second
        cluster.kubectl("scale", "immutantapp", "forge", "-n", NAMESPACE, "--replicas=0")
        until(lambda: bool(_said(cluster, "SourceUnreachable")), "the condition says so", 180)
        assert len(pushed.ready()) == 2
        assert _page(browser) == "two"


def _committed(cluster: Cluster, text: str) -> str:
    """Commit an application that answers with a text; the commit."""
    said: list[str] = []

    def is_committed() -> bool:
        try:
            said.append(cluster.proxied("services/forge:80", f"commit/{text}", NAMESPACE))
        except AssertionError:
            return False
        return True

    until(is_committed, "the git server commits", 60)
    return said[-1]


def _asking_for(name: str) -> dict[str, str]:
    return {"requirements.txt": f"till\n{name}\n"}


def _push(cluster: Cluster, files: dict[str, Any], revision: str) -> list[str]:
    """What a push does: the parts, and the spec that names them; the parts' names."""
    data = packed(files)
    sha = hashlib.sha256(data).hexdigest()
    half = len(data) // 2
    owner = {
        "apiVersion": "immutant.org/v1alpha1",
        "kind": "ImmutantApp",
        "name": "pushed",
        "uid": _app(cluster)["metadata"]["uid"],
    }
    labels = {"immutant.org/app": "pushed", "immutant.org/source": sha[:10]}
    names = []
    for number, part in enumerate((data[:half], data[half:])):
        names.append(f"pushed-{sha[:10]}-{number}")
        metadata = {"name": names[-1], "labels": labels, "ownerReferences": [owner]}
        body: dict[str, Any] = {"apiVersion": "v1", "kind": "ConfigMap", "immutable": True}
        body["metadata"] = metadata
        body["binaryData"] = {"part": base64.b64encode(part).decode()}
        cluster.kubectl("create", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(body))
    archive = {"configMaps": names, "sha256": sha, "revision": revision}
    _patch(cluster, {"source": {"archive": archive, "git": None, "configMap": None}})
    return names


def _apply(cluster: Cluster, spec: dict[str, Any]) -> None:
    body = {"apiVersion": "immutant.org/v1alpha1", "kind": "ImmutantApp"}
    made = {**body, "metadata": {"name": "pushed"}, "spec": spec}
    cluster.kubectl("apply", "-n", NAMESPACE, "-f", "-", stdin=json.dumps(made))


def _patch(cluster: Cluster, spec: dict[str, Any]) -> None:
    patch = json.dumps({"spec": spec})
    cluster.kubectl("patch", "immutantapp", "pushed", "-n", NAMESPACE, "--type=merge", "-p", patch)


def _app(cluster: Cluster) -> Any:
    return cluster.get("immutantapp", "pushed", "-n", NAMESPACE)


def _said(cluster: Cluster, reason: str) -> str:
    """What a condition says for this reason; "": none has it."""
    conditions = (_app(cluster).get("status") or {}).get("conditions") or ()
    return next((str(one["message"]) for one in conditions if one["reason"] == reason), "")


def _until_complete(cluster: Cluster) -> None:
    def is_complete() -> bool:
        app = _app(cluster)
        is_seen = app["status"]["observedGeneration"] == app["metadata"]["generation"]
        return bool(is_seen and _said(cluster, "Complete"))

    until(is_complete, "the rollout is complete", 240)


def _restarts(pods: Pods, container: str) -> int:
    """How often a container of the pod 0 was started again."""
    status = pods.all()["pushed-0"]["status"]
    found = [*status["initContainerStatuses"], *status["containerStatuses"]]
    (count,) = [one["restartCount"] for one in found if one["name"] == container]
    return int(count)


def _page(browser: Browser) -> str:
    try:
        return browser.get(HOST, "/").strip('"')
    except OSError:
        return ""
