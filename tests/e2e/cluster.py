"""A real cluster as its users see it: kubectl, helm, the web, an application's merged log.

Belongs here: what works on any cluster. Not here: the testbed's own faults (`tests.e2e.faults`).
"""

import http.cookiejar
import json
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Self

from tests import polling
from tests.log import Line, Log

PATIENCE = 180.0
"""Seconds until what takes about 20 is given up; a busy machine has taken more than 60."""
_HEARD = 12.0
"""Seconds in which a kubelet renews its node's Lease: 10, and a moment."""

_POLL = 0.3


@dataclass(frozen=True)
class Cluster:
    """One cluster.

    Attributes:
        ingress: The address of its ingress controller.
    """

    ingress: str

    def run(self, *command: str, stdin: str = "", check: bool = True) -> str:
        """Run a program; what it printed, errors included when they are not checked for."""
        done = subprocess.run(
            command, input=stdin, capture_output=True, text=True, timeout=180, check=False
        )
        if check:
            assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}{done.stderr}"
            return done.stdout
        return done.stdout + done.stderr

    def kubectl(self, *arguments: str, stdin: str = "", check: bool = True) -> str:
        return self.run("kubectl", *arguments, stdin=stdin, check=check)

    def get(self, *what: str) -> Any:
        """An object, or a list's items, as JSON."""
        found = json.loads(self.kubectl("get", *what, "-o", "json"))
        return found["items"] if found["kind"].endswith("List") else found

    def proxied(self, what: str, path: str, namespace: str = "default") -> str:
        """A page of a pod or service, by way of the API server.

        Args:
            what: Such as pods/demo-0:5703.
            path: Without a slash before it.
        """
        return self.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}/{what}/proxy/{path}")

    def nodes_are_ready(self) -> bool:
        """Whether the testbed's three nodes are known to be there, by a word since they were.

        What is known of one that was away for a moment may be old: with its next silence it is
        taken for dead at once, and its pods are made anew elsewhere.
        """
        ready = self.kubectl("get", "nodes", "--no-headers", check=False).count(" Ready")
        leases = self.get("leases", "-n", "kube-node-lease")
        heard = [seconds_of(lease["spec"]["renewTime"]) for lease in leases]
        return ready == 3 and time.time() - min(heard) < _HEARD

    def browser(self) -> "Browser":
        """A browser of its own: it keeps its cookies."""
        return Browser(self.ingress)


class Browser:
    """A client that keeps cookies, as a browser or `curl -b jar -c jar` does."""

    def __init__(self, address: str) -> None:
        self._address = address
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        # A proxy that the machine may have is none of the cluster's.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), cookies)

    def get(self, host: str, path: str) -> str:
        """What a page of a host says; an HTTP error is raised."""
        request = urllib.request.Request(f"http://{self._address}{path}", headers={"Host": host})
        with self._opener.open(request, timeout=10) as answer:
            body: bytes = answer.read()
            return body.decode()


class Workload:
    """An application's pods."""

    def __init__(self, cluster: Cluster, app: str, namespace: str = "default") -> None:
        self.app = app
        self.namespace = namespace
        self._cluster = cluster

    def all(self) -> dict[str, Any]:
        """The pods there are, by name."""
        label = f"immutant.org/app={self.app},app.kubernetes.io/component=app"
        found = self._cluster.get("pods", "-n", self.namespace, "-l", label)
        return {pod["metadata"]["name"]: pod for pod in found}

    def ready(self) -> list[str]:
        """The names of those that are ready."""
        return sorted(name for name, pod in self.all().items() if is_ready(pod))

    def until_ready(self, count: int, patience: float = PATIENCE) -> float:
        """Wait for exactly so many ready pods; how many seconds it took."""
        return until(lambda: len(self.ready()) == count, f"{count} ready pods", patience)

    def holder(self, singleton: str = "daemon.counter") -> str:
        """The pod that holds a singleton, by its Lease."""
        lease = self._cluster.get("lease", f"{self.app}.{singleton}", "-n", self.namespace)
        uid = lease["spec"]["holderIdentity"]
        for name, pod in self.all().items():
            if pod["metadata"]["uid"] in uid:
                return name
        raise AssertionError(f"{uid} is no pod of {sorted(self.all())}")

    def node(self, pod: str) -> str:
        """The node that a pod runs on."""
        name: str = self.all()[pod]["spec"]["nodeName"]
        return name


class Pods(Workload):
    """An application's pods and their log, followed until `close`."""

    def __init__(self, cluster: Cluster, app: str, namespace: str = "default") -> None:
        super().__init__(cluster, app, namespace)
        self.log = Log()
        self._followed: dict[str, _Follower] = {}
        self._closed = threading.Event()
        self._watcher = threading.Thread(target=self._watch)
        self._watcher.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        self._closed.set()
        self._watcher.join()
        for follower in self._followed.values():
            follower.close()

    def _watch(self) -> None:
        while not self._closed.wait(_POLL):
            try:
                pods = self.all()
            except AssertionError:  # the API server is away: the next look may succeed
                continue
            for name, pod in pods.items():
                container, runs = _app_container(pod)
                if container and self._is_news(container, runs):
                    self._follow(name, container)

    def _is_news(self, container: str, runs: bool) -> bool:
        """Whether there is something to follow: a stream breaks when its node is cut off."""
        follower = self._followed.get(container)
        return follower is None or (runs and not follower.is_alive())

    def _follow(self, pod: str, container: str) -> None:
        last = self._followed[container].last if container in self._followed else ""
        self._followed[container] = _Follower(self.log, pod, self.namespace, last)


class _Follower:
    """One `kubectl logs -f`, and the stamp of its last line."""

    def __init__(self, log: Log, pod: str, namespace: str, last: str) -> None:
        self.last = last
        self._log = log
        self._pod = pod
        command = ["kubectl", "logs", "-f", "--timestamps", "-n", namespace, "-c", "app", pod]
        command += [f"--since-time={last}"] if last else []
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def is_alive(self) -> bool:
        return self._reader.is_alive()

    def close(self) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()

    def _read(self) -> None:
        assert self._process.stdout
        with self._process.stdout:
            for raw in self._process.stdout:
                stamp, _, text = raw.rstrip("\n").partition(" ")
                # A stream that begins again repeats its last second. What has no stamp is not the
                # container's word: the node says that it has no log any more.
                if stamp.endswith("Z") and stamp > self.last:
                    self.last = stamp
                    self._log.add(Line(seconds_of(stamp), self._pod, text))
        self._process.wait()


def is_ready(pod: Any) -> bool:
    """Whether a pod is ready and not on its way out."""
    conditions = pod["status"].get("conditions", [])
    states = {one["type"]: one["status"] for one in conditions}
    return states.get("Ready") == "True" and "deletionTimestamp" not in pod["metadata"]


def until(done: Callable[[], bool], what: str, patience: float = PATIENCE) -> float:
    """Look again and again until something holds; how many seconds it took."""
    return polling.until(done, what, patience, _POLL)


@contextmanager
def namespace(cluster: Cluster, name: str) -> Iterator[str]:
    """A namespace under the restricted pod-security level, gone at the end."""
    level = "pod-security.kubernetes.io/enforce=restricted"
    gone = ("wait", "--for=delete", f"namespace/{name}", "--timeout=120s")
    cluster.kubectl(*gone)  # of a run before, on a testbed that was kept
    cluster.kubectl("create", "namespace", name)
    cluster.kubectl("label", "namespace", name, level)
    try:
        yield name
    finally:
        cluster.kubectl("delete", "namespace", name, "--wait=false", check=False)


def _app_container(pod: Any) -> tuple[str, bool]:
    """The id of the container `app` once there is a log to follow, and whether it runs."""
    for status in pod["status"].get("containerStatuses", []):
        if status["name"] == "app" and not status["state"].get("waiting"):
            return status.get("containerID", ""), "running" in status["state"]
    return "", False


def seconds_of(stamp: str) -> float:
    """A container runtime's time stamp, in seconds since the epoch; nanoseconds are cut off."""
    whole, _, fraction = stamp.removesuffix("Z").partition(".")
    return datetime.fromisoformat(f"{whole}.{(fraction + '000000')[:6]}+00:00").timestamp()
