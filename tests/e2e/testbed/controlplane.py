"""The control plane: its files and its processes, in a network namespace of their own.

Belongs here: etcd, the API server and what serves the whole cluster. Not here: the nodes.

All of it survives whatever becomes of a node, as a managed cluster's control plane does.
"""

import json
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Any

from tests.e2e.testbed import configs, metering
from tests.e2e.testbed.errors import TestbedError, wait_until
from tests.e2e.testbed.layout import (
    CONTROL_PLANE,
    CONTROL_PLANE_NAMESPACE,
    COREDNS,
    NODES,
    SERVICE_NETWORK,
    STATE,
    log,
)
from tests.e2e.testbed.processes import command, enter, kill, spawn
from tests.e2e.testbed.programs import program

__all__ = [
    "KUBECONFIG",
    "KUBELET_CLIENT",
    "RESOLVER",
    "credentials",
    "kubectl",
    "start",
    "start_api_server",
    "start_metrics_server",
    "start_service_side",
    "stop_api_server",
]

_FOLDER = STATE / "control"
KUBECONFIG = _FOLDER / "admin.kubeconfig"
"""The administrator's."""

KUBELET_CLIENT = _FOLDER / "kubelet-client.crt"
"""What the API server shows to kubelets; signed by itself, so also whom kubelets trust."""

RESOLVER = _FOLDER / "resolv.conf"
"""Where nodes look names up: nowhere."""

_ETCD = "http://127.0.0.1:2379"
_METRICS_PORT = 4443
_READY_WITHIN = 90.0


def credentials(user: str) -> Path:
    """The kubeconfig of one of the cluster's own users."""
    return _FOLDER / f"{user}.kubeconfig"


def kubectl(*arguments: object, text: str | None = None) -> str:
    """Run kubectl as the administrator; see `processes.command`."""
    tool = [program("kubectl"), "--kubeconfig", KUBECONFIG]
    return command(*tool, *arguments, namespace=CONTROL_PLANE_NAMESPACE, text=text)


def start() -> None:
    """Start the API server and what decides; returns when it answers."""
    _write_files()
    _start_etcd()
    start_api_server()
    _start_controllers()
    objects = {"apiVersion": "v1", "kind": "List", "items": configs.cluster_objects()}
    kubectl("apply", "-f", "-", text=json.dumps(objects))


def start_api_server() -> None:
    """Start the API server on what etcd keeps; returns when it answers."""
    _start_api_server()
    wait_until("the API server", _answers, _READY_WITHIN, str(log("kube-apiserver")))


def stop_api_server() -> None:
    """Kill the API server; etcd and all others go on."""
    kill(CONTROL_PLANE_NAMESPACE, program("kube-apiserver"))


def start_service_side() -> None:
    """Start name service, ingress controller, policies, and services for the tests themselves.

    Returns when the first two take connections, and pods can be made.
    """
    _spawn("coredns", "-conf", _FOLDER / "Corefile")
    _spawn(
        "traefik",
        "--providers.kubernetesingress=true",
        f"--providers.kubernetesingress.ingressendpoint.ip={CONTROL_PLANE}",
        f"--entrypoints.web.address={CONTROL_PLANE}:80",
        "--global.checknewversion=false",
        KUBECONFIG=str(KUBECONFIG),
    )
    spawn(
        "policy-agent",
        enter(CONTROL_PLANE_NAMESPACE),
        [sys.executable, "-m", "tests.e2e.testbed.policy.agent", KUBECONFIG],
    )
    # In the name of the first node: kube-proxy waits 30 s for a node that does not exist.
    proxy = _FOLDER / "kube-proxy.json"
    proxy.write_text(json.dumps(configs.kube_proxy(NODES[0].name, credentials("proxy"))))
    _spawn("kube-proxy", f"--config={proxy}")
    wait_until("the controllers", _control, _READY_WITHIN, str(log("kube-controller-manager")))
    wait_until("the name service and the ingress", _serve, _READY_WITHIN, f"{log('*')}")


def start_metrics_server() -> None:
    """Start metrics-server unless it runs; returns when it tells what every node that runs uses."""
    if not kubectl("get", "apiservice", metering.API, "--ignore-not-found", "-o=name"):
        folder = _FOLDER / "metrics-server"
        _spawn("metrics-server", *metering.metrics_server(KUBECONFIG, folder, _METRICS_PORT))
        kubectl("apply", "-f", "-", text=json.dumps(metering.objects(_METRICS_PORT)))
    wait_until("the nodes' usage", _meters, _READY_WITHIN, str(log("metrics-server")))


def _spawn(name: str, *arguments: object, **environment: str) -> None:
    spawn(name, enter(CONTROL_PLANE_NAMESPACE), [program(name), *arguments], **environment)


def _write_files() -> None:
    _FOLDER.mkdir(parents=True)
    authority = _FOLDER / "pki" / "apiserver.crt"
    for user in configs.USERS:
        credentials(user).write_text(json.dumps(configs.kubeconfig(user, authority)))
    (_FOLDER / "tokens.csv").write_text(configs.tokens())
    (_FOLDER / "Corefile").write_text(configs.corefile(KUBECONFIG))
    RESOLVER.write_text("")
    command("openssl", "genrsa", "-out", _FOLDER / "service-accounts.key", 2048)
    key = ["-newkey", "rsa:2048", "-nodes", "-keyout", _FOLDER / "kubelet-client.key"]
    subject = ["-subj", "/O=system:masters/CN=kube-apiserver-kubelet-client", "-days", 3650]
    use = ["-addext", "extendedKeyUsage=clientAuth"]
    command("openssl", "req", "-x509", *key, "-out", KUBELET_CLIENT, *subject, *use)
    command("openssl", *metering.front_proxy(_FOLDER))


def _start_etcd() -> None:
    spawn(
        "etcd",
        enter(CONTROL_PLANE_NAMESPACE),
        [
            "etcd",
            f"--data-dir={_FOLDER}/etcd",
            "--unsafe-no-fsync",  # it lives as long as the testbed
            f"--listen-client-urls={_ETCD}",
            f"--advertise-client-urls={_ETCD}",
            "--listen-peer-urls=http://127.0.0.1:2380",
        ],
    )


def _start_api_server() -> None:
    # The certificate that it signs for itself covers its service's address, and is the authority.
    _spawn(
        "kube-apiserver",
        f"--etcd-servers={_ETCD}",
        f"--cert-dir={_FOLDER}/pki",
        f"--bind-address={CONTROL_PLANE}",
        f"--advertise-address={CONTROL_PLANE}",
        f"--service-cluster-ip-range={SERVICE_NETWORK}",
        "--service-account-issuer=https://kubernetes.default.svc.cluster.local",
        f"--service-account-signing-key-file={_FOLDER}/service-accounts.key",
        f"--service-account-key-file={_FOLDER}/service-accounts.key",
        f"--token-auth-file={_FOLDER}/tokens.csv",
        "--authorization-mode=Node,RBAC",
        "--enable-admission-plugins=NodeRestriction",
        "--allow-privileged",
        "--kubelet-preferred-address-types=InternalIP",
        f"--kubelet-client-certificate={KUBELET_CLIENT}",
        f"--kubelet-client-key={_FOLDER}/kubelet-client.key",
        *metering.api_server(_FOLDER),
    )


def _start_controllers() -> None:
    # Not before the API server answers: they need its certificate, and end when it is not there.
    _spawn(
        "kube-controller-manager",
        f"--kubeconfig={credentials('controller-manager')}",
        "--leader-elect=false",
        f"--service-account-private-key-file={_FOLDER}/service-accounts.key",
        f"--root-ca-file={_FOLDER}/pki/apiserver.crt",
        "--use-service-account-credentials",
        "--node-monitor-grace-period=20s",
        "--node-monitor-period=2s",
    )
    _spawn("kube-scheduler", f"--kubeconfig={credentials('scheduler')}", "--leader-elect=false")


def _answers() -> bool:
    try:
        return kubectl("get", "--raw", "/readyz") == "ok"
    except TestbedError:
        return False


def _serve() -> bool:
    listening = command("ss", "-Hltn", namespace=CONTROL_PLANE_NAMESPACE)
    return all(f" {address} " in listening for address in (f"{COREDNS}:53", f"{CONTROL_PLANE}:80"))


def _meters() -> bool:
    path = "/apis/metrics.k8s.io/v1beta1/nodes"
    try:
        found = json.loads(kubectl("get", "--raw", path))["items"]
        nodes = json.loads(kubectl("get", "nodes", "-o=json"))["items"]
    except TestbedError:
        return False
    told = {one["metadata"]["name"] for one in found}
    return bool(told) and all(_is_known(node, told) for node in nodes)


def _is_known(node: Any, told: Collection[str]) -> bool:
    states = {one["type"]: one["status"] for one in node["status"].get("conditions", ())}
    return states.get("Ready") != "True" or node["metadata"]["name"] in told


def _control() -> bool:
    """Whether the first thing that any pod needs has been made."""
    return bool(kubectl("get", "serviceaccount", "default", "--ignore-not-found", "-o=name"))
