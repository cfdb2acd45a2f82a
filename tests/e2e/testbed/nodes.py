"""A node: a machine made of namespaces, with containerd, kubelet and kube-proxy.

Belongs here: starting, crashing and entering one. Not here: its cable (network.py), its images.

A node has its own network, processes, mounts and name. When its first process is killed, the kernel
ends all that ran on it at once and takes its mounts away: this is what a loss of power is here, and
also how a node is cleaned up. Its /run is empty after it, its disk is not.
"""

import json
from pathlib import Path

from tests.e2e.testbed import archives, cgroups, configs, images, network
from tests.e2e.testbed.controlplane import KUBELET_CLIENT, RESOLVER, credentials
from tests.e2e.testbed.errors import TestbedError, wait_until
from tests.e2e.testbed.layout import Node, log
from tests.e2e.testbed.processes import enter, first_process, kill_all, spawn
from tests.e2e.testbed.programs import program

__all__ = [
    "boot",
    "containerd_socket",
    "crash",
    "disk",
    "inside",
    "is_running",
    "join",
    "pod_logs",
    "stop",
]

_SET_UP = """
set -e
mount --make-rshared /
mount -t proc proc /proc
mount -t tmpfs -o mode=755 tmpfs /run
mkdir /run/lock
hostname "$1"
exec "$2"
"""
_READY_WITHIN = 60.0


def boot(node: Node) -> None:
    """Start a node that does not run, up to containerd; needs no API server."""
    cgroups.make(node)
    _power_on(node)
    node.folder.mkdir(exist_ok=True)
    _start_containerd(node)
    _load_pause(node)


def join(node: Node) -> None:
    """Start a booted node's kubelet and kube-proxy; Kubernetes calls it Ready a moment later."""
    _start_kubelet(node)
    _start_proxy(node)


def crash(node: Node) -> None:
    """Take the power away: first the network, so that nothing dying can say so, then everything."""
    network.cut(node)
    stop(node)


def stop(node: Node) -> None:
    """Kill everything on the node, and forget what a reboot would."""
    kill_all(node.namespace)
    network.forget_pods(node)
    cgroups.remove(node)


def is_running(node: Node) -> bool:
    """Whether the node has power."""
    return first_process(node.namespace, program("pause")) is not None


def inside(node: Node) -> list[str]:
    """What a command begins with to run on the node: its network, processes and mounts.

    Raises:
        TestbedError: The node does not run.
    """
    return ["nsenter", f"--target={_first(node)}", "--net", "--mount", "--pid", "--uts"]


def _first(node: Node) -> int:
    first = first_process(node.namespace, program("pause"))
    if first is None:
        raise TestbedError(f"{node.name} does not run; start it with `restart {node.number}`")
    return first


def _power_on(node: Node) -> None:
    name = f"{node.name}-boot"
    unshare = ["unshare", "--mount", "--propagation=slave", "--pid", "--uts", "--fork"]
    shell = ["sh", "-c", _SET_UP, "boot", node.name, program("pause")]
    spawn(name, enter(node.namespace), [*unshare, "--kill-child", *shell])
    wait_until(node.name, lambda: is_running(node), _READY_WITHIN, str(log(name)))


def _start_containerd(node: Node) -> None:
    name = f"{node.name}-containerd"
    (node.folder / "cni").mkdir(exist_ok=True)
    (node.folder / "cni" / "10-pods.conflist").write_text(json.dumps(configs.cni(node)))
    settings = node.folder / "containerd.toml"
    settings.write_text(configs.containerd(node))
    spawn(name, inside(node), ["containerd", "--config", settings])
    socket = containerd_socket(node)
    wait_until(f"{name}", lambda: _serves(socket), _READY_WITHIN, str(log(name)))


def disk(node: Node) -> Path:
    """Where containerd keeps a node's images; it outlives a loss of power."""
    return node.folder / "containerd"


def pod_logs(node: Node) -> Path:
    """Where a node's kubelet keeps the logs of pods: on its disk (`configs.kubelet`)."""
    return node.folder / "logs"


def containerd_socket(node: Node) -> Path:
    """containerd's socket in the node's own /run, as this machine reaches it.

    Raises:
        TestbedError: The node does not run.
    """
    return Path(f"/proc/{_first(node)}/root/run/containerd/containerd.sock")


def _load_pause(node: Node) -> None:
    socket = containerd_socket(node)
    if not images.has(socket, configs.PAUSE_IMAGE):
        archive = node.folder / "pause.tar"
        pause = program("pause")
        archives.write_archive(archive, configs.PAUSE_IMAGE, {"pause": pause}, ["/pause"])
        images.load(socket, archive)


def _start_kubelet(node: Node) -> None:
    settings = node.folder / "kubelet.json"
    settings.write_text(json.dumps(configs.kubelet(node, KUBELET_CLIENT, RESOLVER)))
    arguments = [
        f"--config={settings}",
        f"--kubeconfig={credentials(node.name)}",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
        f"--node-labels=topology.kubernetes.io/zone={node.zone}",
        f"--root-dir={node.folder}/kubelet",
        f"--cert-dir={node.folder}/pki",
    ]
    spawn(f"{node.name}-kubelet", inside(node), [program("kubelet"), *arguments])


def _start_proxy(node: Node) -> None:
    settings = node.folder / "kube-proxy.json"
    settings.write_text(json.dumps(configs.kube_proxy(node.name, credentials("proxy"))))
    name = f"{node.name}-kube-proxy"
    spawn(name, inside(node), [program("kube-proxy"), f"--config={settings}"])


def _serves(socket: Path) -> bool:
    try:
        images.version(socket)
    except TestbedError:
        return False
    return True
