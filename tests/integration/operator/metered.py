"""metrics-server as it is, beside the API server, and a kubelet's figures for it to read.

Belongs here: running the one, and being the other: a node whose kubelet tells of every pod that is
there. Not here: what an autoscaler makes of it.
"""

import json
import ssl
import subprocess
import threading
import time
import urllib.error
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from tests.e2e.testbed import metering, programs
from tests.integration.kube.apiserver import PATIENCE, ApiServer
from tests.integration.operator.harness import kubectl
from tests.processes import free_port

RESOLUTION = 10
"""Seconds between two looks at the kubelet; a figure takes two. metrics-server takes no fewer."""

_NODE = "/api/v1/nodes/metered"
_MIB = 1 << 20


class Kubelet:
    """The word of a kubelet on what containers use.

    Attributes:
        shared: Processors that the containers `app` of a namespace's ready pods use together, as of
            a load that is spread over them; by namespace, 0 where none is named.
        other: Processors that each other container uses.
    """

    def __init__(self, server: ApiServer) -> None:
        self.shared: dict[str, float] = {}
        self.other = 0.0
        self._server = server
        self._used: dict[tuple[str, str, str], float] = {}
        self._at = self._began = time.time()
        self._lock = threading.Lock()

    def page(self) -> str:
        """What is at /metrics/resource now."""
        with self._lock:
            self._go_on()
            stamp = round(self._at * 1000)
            lines = [
                f"node_cpu_usage_seconds_total {1 + sum(self._used.values())} {stamp}",
                f"node_memory_working_set_bytes {_MIB} {stamp}",
            ]
            for (namespace, pod, container), seconds in sorted(self._used.items()):
                of = f'{{container="{container}",namespace="{namespace}",pod="{pod}"}}'
                lines += [
                    f"container_start_time_seconds{of} {self._began}",
                    f"container_cpu_usage_seconds_total{of} {seconds} {stamp}",
                    f"container_memory_working_set_bytes{of} {_MIB} {stamp}",
                ]
        return "\n".join(lines) + "\n"

    def _go_on(self) -> None:
        """Let the time since the last look pass for every container that is there."""
        passed, self._at = time.time() - self._at, time.time()
        pods = self._server.call("GET", "/api/v1/pods")["items"]
        ready = Counter(_namespace(pod) for pod in pods if _is_ready(pod))
        used = {}
        for pod in pods:
            namespace = _namespace(pod)
            load = self.shared.get(namespace, 0.0)
            rest = load / ready[namespace] if _is_ready(pod) else 0.0
            for container in _containers(pod):
                key = namespace, pod["metadata"]["name"], container
                rate = rest if container == "app" else self.other
                # A count of nothing is taken for one that is not there.
                used[key] = self._used.get(key, 0.001) + rate * passed
        self._used = used


def _namespace(pod: Any) -> str:
    return str(pod["metadata"]["namespace"])


def _containers(pod: Any) -> list[str]:
    kept = [one for one in pod["spec"].get("initContainers", ()) if "restartPolicy" in one]
    return [one["name"] for one in (*kept, *pod["spec"]["containers"])]


def _is_ready(pod: Any) -> bool:
    conditions = pod["status"].get("conditions", ())
    return any(one["type"] == "Ready" and one["status"] == "True" for one in conditions)


@contextmanager
def metered(server: ApiServer) -> Iterator[Kubelet]:
    """metrics-server, registered, and a kubelet that it reads; neither is there afterwards."""
    kubelet, folder = Kubelet(server), server.folder / "metrics-server"
    folder.mkdir()
    programs.build("metrics-server")
    with _serving(kubelet, server.folder) as port, _node(server, port), _registered(server, folder):
        yield kubelet


@contextmanager
def _serving(kubelet: Kubelet, folder: Path) -> Iterator[int]:
    """Its port on loopback, with a certificate that nobody trusts, as kubelets have."""

    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.path == "/metrics/resource"
            body = kubelet.page().encode() if known else b""
            self.send_response(200 if known else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "front-proxy.crt", folder / "front-proxy.key")
    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as web:
        web.socket = context.wrap_socket(web.socket, server_side=True)
        thread = threading.Thread(target=web.serve_forever)
        thread.start()
        try:
            yield web.server_address[1]
        finally:
            web.shutdown()
            thread.join()


@contextmanager
def _node(server: ApiServer, port: int) -> Iterator[None]:
    """A node whose kubelet listens there; no pod is on it, as nothing schedules any."""
    server.call("POST", "/api/v1/nodes", {"metadata": {"name": "metered"}})
    status = {
        "addresses": [{"type": "InternalIP", "address": "127.0.0.1"}],
        "daemonEndpoints": {"kubeletEndpoint": {"Port": port}},
        "conditions": [{"type": "Ready", "status": "True"}],
    }
    server.call("PATCH", f"{_NODE}/status", {"status": status})
    try:
        yield
    finally:
        server.call("DELETE", _NODE)


@contextmanager
def _registered(server: ApiServer, folder: Path) -> Iterator[None]:
    port, kubeconfig = free_port(), server.kubeconfig()
    told = metering.metrics_server(kubeconfig, folder, port, RESOLUTION)
    with (server.folder / "metrics-server.log").open("ab") as log:
        process = subprocess.Popen(
            [programs.program("metrics-server"), *told],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        kubectl(server, "apply", "-f", "-", stdin=json.dumps(metering.objects(port)))
        said = ("--for=condition=Available", f"--timeout={PATIENCE:g}s")
        ended = kubectl(server, "wait", *said, f"apiservice/{metering.API}", check=False)
        assert "condition met" in ended, ended + server.log("metrics-server")
        yield
        assert process.poll() is None, server.log("metrics-server")
    finally:
        # What is registered and does not answer would be in the way of all other tests.
        kubectl(server, "delete", "apiservice", metering.API, check=False)
        process.kill()
        process.wait()


def usage(server: ApiServer, namespace: str) -> Mapping[str, Mapping[str, str]]:
    """What metrics-server says each container uses of the processors, by pod; as anyone asks it."""
    path = f"/apis/metrics.k8s.io/v1beta1/namespaces/{namespace}/pods"
    with suppress(urllib.error.HTTPError):  # it has no figures yet
        return {
            pod["metadata"]["name"]: {one["name"]: one["usage"]["cpu"] for one in pod["containers"]}
            for pod in server.call("GET", path)["items"]
        }
    return {}
