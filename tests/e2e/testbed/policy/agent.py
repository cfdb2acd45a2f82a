"""The process that keeps every node's packet filter in step with the cluster's policies.

Belongs here: watching the API, giving rules to the kernel. Not here: what policies mean (rules.py).

A change is enforced within about a tenth of a second. Connections that were made before it go on,
and a pod is policed once its address is known to the API, a moment after it has started. Packets
from the control plane's address, thus the ingress controller's and the tests' own, are from outside
the cluster: only a rule without peers or with a matching ipBlock lets them in. The name service
counts as a pod of kube-system with the label k8s-app=kube-dns, which policies expect it to be.
"""

import json
import ssl
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tests.e2e.testbed.layout import COREDNS, NODES, Node
from tests.e2e.testbed.policy.model import (
    Pod,
    World,
    parse_namespace,
    parse_pod,
    parse_policy,
)
from tests.e2e.testbed.policy.rules import render
from tests.e2e.testbed.processes import enter

__all__ = ["main"]

_TOGETHER = 0.05
"""Seconds in which changes are gathered."""

_AGAIN = 0.5
"""Seconds before what failed is tried again."""

_WATCH = 300
"""Seconds after which the API server ends a watch; it is begun anew with a list."""

_DNS_PORTS = (("dns", "udp", 53), ("dns-tcp", "tcp", 53))
_DNS = Pod("kube-system", "coredns", "", COREDNS, {"k8s-app": "kube-dns"}, _DNS_PORTS)
_SOURCES: Mapping[str, tuple[str, Callable[[Mapping[str, Any]], Any]]] = {
    "namespaces": ("/api/v1/namespaces", parse_namespace),
    "pods": ("/api/v1/pods", parse_pod),
    "policies": ("/apis/networking.k8s.io/v1/networkpolicies", parse_policy),
}


class _Api:
    """Reads the API with the credentials of a kubeconfig."""

    def __init__(self, kubeconfig: Path) -> None:
        config = json.loads(kubeconfig.read_text())
        cluster = config["clusters"][0]["cluster"]
        self._server = cluster["server"]
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}"}
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])

    def open(self, path: str) -> Any:
        request = urllib.request.Request(f"{self._server}{path}", headers=self._headers)
        return urllib.request.urlopen(request, context=self._tls, timeout=_WATCH + 30)


class _Mirror:
    """What the API has, kept in step by one thread a kind."""

    def __init__(self, api: _Api) -> None:
        self._api = api
        self._objects: dict[str, dict[str, Any] | None] = dict.fromkeys(_SOURCES)
        self._changed = threading.Condition()
        self._version = 0

    def start(self) -> None:
        for kind in _SOURCES:
            threading.Thread(target=self._follow, args=[kind], daemon=True).start()

    def wait(self, seen: int) -> tuple[int, World]:
        """The next state after the one seen, once every kind has been listed."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._version > seen and None not in self._objects.values()
            )
        time.sleep(_TOGETHER)
        with self._changed:
            kinds = {kind: list((found or {}).values()) for kind, found in self._objects.items()}
            pods = (_DNS, *(pod for pod in kinds["pods"] if pod is not None))
            names = {namespace.name: namespace.labels for namespace in kinds["namespaces"]}
            return self._version, World(tuple(kinds["policies"]), pods, names)

    def _follow(self, kind: str) -> None:
        while True:
            try:
                self._list_and_watch(kind)
            except OSError as error:
                print(f"{kind}: {error}", flush=True)
                time.sleep(_AGAIN)

    def _list_and_watch(self, kind: str) -> None:
        path, parse = _SOURCES[kind]
        with self._api.open(path) as answer:
            listed = json.load(answer)
        found = {item["metadata"]["uid"]: parse(item) for item in listed["items"]}
        self._store(kind, found)
        version = listed["metadata"]["resourceVersion"]
        query = f"watch=1&resourceVersion={version}&timeoutSeconds={_WATCH}"
        with self._api.open(f"{path}?{query}") as events:
            for line in events:
                event = json.loads(line)
                if event["type"] == "ERROR":
                    return
                uid = event["object"]["metadata"]["uid"]
                found.pop(uid, None)
                if event["type"] != "DELETED":
                    found[uid] = parse(event["object"])
                self._store(kind, found)

    def _store(self, kind: str, found: Mapping[str, Any]) -> None:
        with self._changed:
            if self._objects[kind] != found:
                self._objects[kind] = dict(found)
                self._version += 1
                self._changed.notify_all()


def main(kubeconfig: Path) -> None:
    """Follow the API and apply, for ever."""
    mirror = _Mirror(_Api(kubeconfig))
    mirror.start()
    applied: dict[Node, str] = {}
    seen = 0
    while True:
        seen, world = mirror.wait(seen)
        for node in NODES:
            script = render(node.name, world)
            if applied.get(node) != script and _apply(node, script):
                applied[node] = script
            elif applied.get(node) != script:
                seen = 0  # asks for the same state again
                time.sleep(_AGAIN)


def _apply(node: Node, script: str) -> bool:
    ended = subprocess.run(
        [*enter(node.namespace), "nft", "-f", "-"],
        input=script,
        text=True,
        capture_output=True,
        check=False,
    )
    if ended.returncode:
        print(f"{node.name}: {ended.stderr}\n{script}", flush=True)
    return ended.returncode == 0


if __name__ == "__main__":
    main(Path(sys.argv[1]))
