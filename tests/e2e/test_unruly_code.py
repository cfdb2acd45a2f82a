"""Code that raises, returns, hangs, or holds the interpreter, as a cluster's operator sees it.

What becomes of each is shown elsewhere, on fewer parts (`tests/walk/test_silence.py`,
`tests/behaviour/singletons`); here it is read from events, metrics and the pods.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.e2e.cluster import PATIENCE, Cluster, Pods, namespace, until
from tests.e2e.manifests import app_of

from immutant.contract.names import OPS_PORT

APP = Path(__file__).parent / "apps" / "unruly.py"


@pytest.fixture(scope="module")
def unruly(cluster: Cluster) -> Iterator[Pods]:
    with namespace(cluster, "unruly") as name:
        cluster.kubectl("apply", "-n", name, "-f", "-", stdin=app_of("unruly", APP, replicas=2))
        with Pods(cluster, "unruly", name) as pods:
            yield pods


def test_code_that_holds_the_interpreter_is_ended_and_goes_on_in_the_other_pod(
    cluster: Cluster, unruly: Pods
) -> None:
    unruly.log.wait_for("holds", patience=PATIENCE)
    until(lambda: counted(cluster, unruly, "application_kills", "hard_deadline") == 1, "a kill")
    said = r"TenureMoved unruly-\d -> unruly-\d: .*daemon holds.*; the application .* has died"
    until(lambda: is_told(cluster, unruly, said), "an event tells of the move")
    until(lambda: "the kernel has killed it" in last_words(unruly), "`kubectl describe` says why")


def test_a_thread_that_does_not_end_with_its_tenure_is_ended(
    cluster: Cluster, unruly: Pods
) -> None:
    until(lambda: counted(cluster, unruly, "application_kills", "overdue") == 1, "a kill")


@pytest.mark.parametrize("name", ["raises", "returns"])
def test_a_daemon_that_ends_again_and_again_is_counted_and_told(
    cluster: Cluster, unruly: Pods, name: str
) -> None:
    until(lambda: counted(cluster, unruly, "daemon_failures", name) >= 2, "it is counted")
    said = rf"DaemonFailing .*daemon {name}.* failed again and again in unruly-\d"
    until(lambda: is_told(cluster, unruly, said), "an event tells of it")


def test_a_daemon_that_hangs_is_counted(cluster: Cluster, unruly: Pods) -> None:
    until(lambda: counted(cluster, unruly, "daemon_failures", "hangs") >= 1, "it is counted")


def counted(cluster: Cluster, pods: Pods, metric: str, label: str) -> float:
    """What the pods' sidecars have counted together, in the series with that label."""
    series = rf'^immutant_{metric}_total{{\w+="{label}"}} (\S+)$'
    found = 0.0
    for name in pods.all():
        text = cluster.proxied(f"pods/{name}:{OPS_PORT}", "metrics", pods.namespace)
        found += sum(map(float, re.findall(series, text, re.MULTILINE)))
    return found


def is_told(cluster: Cluster, pods: Pods, pattern: str) -> bool:
    events = cluster.get("events", "-n", pods.namespace)
    return any(re.search(pattern, f"{one['reason']} {one['message']}") for one in events)


def last_words(pods: Pods) -> str:
    """What the containers said before they ended."""
    return str([one["status"]["containerStatuses"] for one in pods.all().values()])
