"""The testbed's network: a namespace for the control plane with a bridge, one for each node.

Belongs here: making, cutting, healing and removing it. Not here: what CNI does
for pods, kube-proxy for services, and the folder policy for policies.
"""

from contextlib import suppress

from tests.e2e.testbed.errors import TestbedError
from tests.e2e.testbed.layout import (
    CONTROL_PLANE,
    CONTROL_PLANE_NAMESPACE,
    COREDNS,
    NODES,
    SERVICE_NETWORK,
    Node,
    namespace_file,
)
from tests.e2e.testbed.processes import command

__all__ = ["cut", "forget_pods", "heal", "is_cut", "make", "remove"]

_BRIDGE = "br0"
_DISABLED, _FORWARDING = 0, 3


def make() -> None:
    """Make the namespaces, cables and routes."""
    _make_namespace(CONTROL_PLANE_NAMESPACE)
    control = ["ip", "-n", CONTROL_PLANE_NAMESPACE]
    command(*control, "link", "add", _BRIDGE, "type", "bridge")
    for address in (CONTROL_PLANE, COREDNS):
        command(*control, "address", "add", f"{address}/24", "dev", _BRIDGE)
    command(*control, "link", "set", _BRIDGE, "up")
    # A packet to a service needs a route before kube-proxy can give it another destination.
    command(*control, "route", "add", SERVICE_NETWORK, "dev", _BRIDGE)
    for node in NODES:
        _connect(node)
        command(*control, "route", "add", node.pods, "via", node.address)
    for node in NODES:
        for other in NODES:
            if other != node:
                route = ["route", "add", other.pods, "via", other.address]
                command("ip", "-n", node.namespace, *route)


def remove() -> None:
    """Remove the namespaces, and with them every cable, route and rule."""
    for namespace in (*(node.namespace for node in NODES), CONTROL_PLANE_NAMESPACE):
        if namespace_file(namespace).exists():
            command("ip", "netns", "delete", namespace)


def cut(node: Node) -> None:
    """Take a node off the network: its packets, and those to it, vanish silently.

    The bridge's port is closed rather than the link taken down: nobody is told, as when a switch
    fails, and the node's own processes get no error at once.
    """
    _set_port(node, _DISABLED)


def heal(node: Node) -> None:
    """Bring a node that was cut off back to the network."""
    _set_port(node, _FORWARDING)


def forget_pods(node: Node) -> None:
    """Remove what a loss of power takes of the pods' network: their cables.

    The kernel would remove a dead pod's cable too, but some time later: the route to the next pod
    of the same address would be refused as being there already, and then go with the old cable.
    """
    if not namespace_file(node.namespace).exists():
        return
    for line in command("ip", "-n", node.namespace, "-oneline", "link").splitlines():
        name = line.split()[1].rstrip(":").partition("@")[0]
        if name.startswith("veth"):
            with suppress(TestbedError):  # the kernel was faster
                command("ip", "-n", node.namespace, "link", "delete", name)


def is_cut(node: Node) -> bool:
    """Whether the node is off the network."""
    ports = command("bridge", "-n", CONTROL_PLANE_NAMESPACE, "link", "show", "dev", node.port)
    return "state disabled" in ports


def _set_port(node: Node, state: int) -> None:
    with suppress(TestbedError):  # spoken to a moment ago; the neighbour may have learnt silence
        command("ip", "-n", CONTROL_PLANE_NAMESPACE, "neighbour", "flush", "to", node.address)
    link = ["bridge", "-n", CONTROL_PLANE_NAMESPACE, "link", "set", "dev", node.port]
    command(*link, "state", state)


def _make_namespace(name: str) -> None:
    command("ip", "netns", "add", name)
    command("ip", "-n", name, "link", "set", "lo", "up")
    command("sysctl", "-qw", "net.ipv4.ip_forward=1", namespace=name)


def _connect(node: Node) -> None:
    _make_namespace(node.namespace)
    ends = ["type", "veth", "peer", "name", "eth0", "netns", node.namespace]
    command("ip", "link", "add", node.port, "netns", CONTROL_PLANE_NAMESPACE, *ends)
    control, inside = ["ip", "-n", CONTROL_PLANE_NAMESPACE], ["ip", "-n", node.namespace]
    command(*control, "link", "set", node.port, "master", _BRIDGE, "up")
    command(*inside, "address", "add", f"{node.address}/24", "dev", "eth0")
    command(*inside, "link", "set", "eth0", "up")
    command(*inside, "route", "add", "default", "via", CONTROL_PLANE)
