"""What a user gets wrong: a clear word where the user looks, and the running version serves on."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from tests.e2e.cluster import Cluster, Pods, namespace, until
from tests.e2e.figures import Figures
from tests.e2e.manifests import app_of
from tests.e2e.visitor import Visitor

HOST = "steady.example.org"
APP = """
from immutant import App

app = App("steady")


@app.get("/")
async def index(request):
    return "steady"
"""


@pytest.fixture(scope="module")
def steady(cluster: Cluster, figures: Figures) -> Iterator[Pods]:
    """An application of two pods that is served, and that every test of this module leaves so."""
    with namespace(cluster, "mistakes") as name:
        _apply(cluster, APP)
        with Pods(cluster, "steady", name) as pods:
            pods.until_ready(2, 120)
            browser = cluster.browser()
            until(lambda: _is_served(browser), "the router serves it", 60)
            with Visitor(browser, HOST) as visitor:
                yield pods
            failed = len(visitor.failures)
            asked = visitor.answered + failed
            how = "".join(f"\n    {one}" for one in visitor.failures)
            figures.note("requests while users make mistakes", f"{failed} of {asked} failed{how}")
            # One was seen to fail in six runs; how is not known yet.
            assert visitor.longest_silence < 3.0
            assert failed < asked / 100


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"replicas": "two"}, r"spec\.replicas"),
        ({"replica": 2}, r'unknown field "(spec\.)?replica"'),
        ({"singletons": {"renewDeadline": "3.9s"}}, "raise leaseDuration or lower renewDeadline"),
        ({"image": "localhost/anything:1"}, "image"),
    ],
)
def test_what_cannot_be_is_refused_at_kubectl_apply(
    cluster: Cluster, steady: Pods, change: Any, sentence: str
) -> None:
    before = _app(cluster, steady)["metadata"]["generation"]
    assert re.search(sentence, _apply(cluster, APP, change))
    assert _app(cluster, steady)["metadata"]["generation"] == before


def test_a_name_that_is_too_long_is_refused_at_kubectl_apply(
    cluster: Cluster, steady: Pods
) -> None:
    said = cluster.kubectl(
        "apply", "-n", "mistakes", "-f", "-", stdin=app_of("a" * 41, APP), check=False
    )
    assert "at most 40 characters" in said


def test_a_source_that_is_not_there_is_named_and_changes_nothing(
    cluster: Cluster, steady: Pods
) -> None:
    uids = _uids(steady)
    _patch(cluster, {"source": {"configMap": {"name": "nowhere"}}})
    _until_said(cluster, steady, "SourceMissing", "nowhere")
    assert _uids(steady) == uids
    _mend(cluster, steady, {"source": {"configMap": {"name": "steady-source"}}})


def test_an_image_that_does_not_exist_is_named_and_stops_the_rollout(
    cluster: Cluster, steady: Pods
) -> None:
    _patch(cluster, {"source": None, "image": "localhost/nothing/at-all:1"})
    _until_said(cluster, steady, "ImagePullFailed", "localhost/nothing/at-all:1")
    assert len(steady.ready()) >= 1
    _mend(cluster, steady, {"image": None, "source": {"configMap": {"name": "steady-source"}}})


def test_an_entrypoint_that_is_not_in_the_source_is_named_and_changes_nothing(
    cluster: Cluster, steady: Pods
) -> None:
    uids = _uids(steady)
    _patch(cluster, {"entrypoint": "nosuch:app"})
    _until_said(cluster, steady, "SourceMissing", "nosuch.py")
    assert _uids(steady) == uids
    _mend(cluster, steady, {"entrypoint": "app:app"})


def test_a_source_that_cannot_be_imported_is_named_and_stops_the_rollout(
    cluster: Cluster, steady: Pods
) -> None:
    broken = "import nosuch\n" + APP
    _apply(cluster, broken)
    _until_said(cluster, steady, "CrashLooping", "No module named 'nosuch'")
    assert len(steady.ready()) >= 1
    failing = next(name for name in steady.all() if name not in steady.ready())
    log = cluster.kubectl("logs", failing, "-n", "mistakes", "-c", "app", check=False)
    assert "No module named 'nosuch'" in log
    _apply(cluster, APP)
    _until_whole(cluster, steady)


def _is_served(browser: Any) -> bool:
    try:
        return "steady" in browser.get(HOST, "/")
    except OSError:
        return False


def _apply(cluster: Cluster, source: str, change: Any = None) -> str:
    """`kubectl apply` of the application as it is, or with a change of its spec; what it said."""
    spec = {"replicas": 2, "web": {"host": HOST}} | (change or {})
    manifest = app_of("steady", source, **spec)
    return cluster.kubectl("apply", "-n", "mistakes", "-f", "-", stdin=manifest, check=not change)


def _app(cluster: Cluster, pods: Pods) -> Any:
    return cluster.get("immutantapp", pods.app, "-n", pods.namespace)


def _uids(pods: Pods) -> set[str]:
    return {pod["metadata"]["uid"] for pod in pods.all().values()}


def _patch(cluster: Cluster, spec: Any) -> None:
    patch = json.dumps({"spec": spec})
    cluster.kubectl("patch", "immutantapp", "steady", "-n", "mistakes", "--type=merge", "-p", patch)


def _until_said(cluster: Cluster, pods: Pods, reason: str, words: str) -> None:
    """Wait until condition and event both say so."""

    def condition() -> bool:
        conditions = _app(cluster, pods)["status"]["conditions"]
        return any(one["reason"] == reason and words in one["message"] for one in conditions)

    def event() -> bool:
        events = cluster.get("events", "-n", pods.namespace)
        return any(one["reason"] == reason and words in one["message"] for one in events)

    until(condition, f"a condition says {reason}: {words}", 90)
    until(event, f"an event says {reason}: {words}", 20)


def _mend(cluster: Cluster, pods: Pods, spec: Any) -> None:
    """Take the mistake back: it recovers unaided."""
    _patch(cluster, spec)
    _until_whole(cluster, pods)


def _until_whole(cluster: Cluster, pods: Pods) -> None:
    """Wait until the pods are all of the current version, and ready."""

    def is_whole() -> bool:
        app = _app(cluster, pods)
        states = {one["type"]: one["status"] for one in app["status"]["conditions"]}
        observed = app["status"]["observedGeneration"] == app["metadata"]["generation"]
        still = states["Ready"] == "True" and states["Progressing"] == "False"
        return bool(observed) and still

    until(is_whole, "it has recovered", 120)
    assert len(pods.ready()) == 2
