"""The testbed, whole: what the command line and the tests' fixtures call.

Belongs here: the verbs. Not here: how each part is done.
"""

import ctypes
import os
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NoReturn

from tests.e2e.testbed import (
    cleaning,
    controlplane,
    disks,
    images,
    machine,
    network,
    nodes,
    owner,
    programs,
)
from tests.e2e.testbed.errors import TestbedError, wait_until
from tests.e2e.testbed.layout import (
    CHECKOUT,
    CONTROL_PLANE,
    CONTROL_PLANE_NAMESPACE,
    NODES,
    STATE,
    Node,
    namespace_file,
)
from tests.e2e.testbed.processes import enter

__all__ = ["Testbed"]

_NODES_READY_WITHIN = 90.0
_CLONE_NEWNET = 0x40000000


class Testbed:
    """Three nodes and a control plane on this machine.

    Every object speaks of the machine's one testbed. All methods raise `TestbedError`, whose text
    says why and what to do.
    """

    __test__ = False  # pytest would collect it by its name

    _outside: int | None = None
    """The network that this process has come from, while it is inside."""

    ingress = CONTROL_PLANE
    """Where the ingress controller listens, on port 80, once one is inside (`enter`)."""

    kubeconfig = controlplane.KUBECONFIG
    """The administrator's; of use inside only."""

    numbers = tuple(node.number for node in NODES)

    def build(self) -> list[str]:
        """Build the programs that are not in the cache; the names of what was built."""
        machine.prepare()
        return programs.build()

    def up(self, *archives: Path) -> None:
        """Raise the testbed anew: what there is of a former one is removed first.

        Args:
            archives: Docker-archives whose images every node has from its beginning.
        """
        self.build()
        stocked = disks.disk(archives) if archives else None
        self.leave()
        with owner.changing():
            owner.refuse_others()
            cleaning.clean()
            owner.claim()
            network.make()
            if stocked is not None:
                _together(*(partial(disks.give, stocked, nodes.disk(node)) for node in NODES))
            _together(controlplane.start, *(partial(nodes.boot, node) for node in NODES))
            _together(*(partial(nodes.join, node) for node in NODES))
            controlplane.start_service_side()
            for node in NODES:
                self._wait_for(node)

    def down(self) -> None:
        """Remove the testbed with everything in it; the cache of programs stays.

        Everything is also what runs in its network, other than this process.
        """
        self._check_machine()
        self.leave()
        with owner.changing():
            owner.refuse_others()
            cleaning.clean()

    def is_up(self) -> bool:
        """Whether there is a testbed of this checkout whose API server answers."""
        try:
            owner.refuse_others()
            return STATE.exists() and controlplane.kubectl("get", "--raw", "/readyz") == "ok"
        except TestbedError:
            return False

    def load(self, *archives: Path) -> None:
        """Put the images of docker-archives on every node that runs."""
        self._check_up()
        for archive in archives:
            if not archive.is_file():
                raise TestbedError(f"there is no archive {archive}; build the images first")
        sockets = [nodes.containerd_socket(node) for node in NODES if nodes.is_running(node)]
        loads = (partial(images.load, socket, each) for each in archives for socket in sockets)
        _together(*loads)

    def cut(self, number: int) -> None:
        """Take a node off the network: packets to and from it vanish silently."""
        network.cut(self._node(number))

    def heal(self, number: int) -> None:
        """Bring a node that was cut off back; Kubernetes needs a few seconds to call it Ready."""
        network.heal(self._node(number))

    def crash(self, number: int) -> None:
        """Take a node's power away: off the network first, then everything on it is killed."""
        with owner.changing():
            nodes.crash(self._node(number))

    def restart(self, number: int) -> None:
        """Give a node power again, after a crash or instead of one; returns when it is Ready."""
        node = self._node(number)
        with owner.changing():
            nodes.stop(node)
            former = self._heartbeat(node)
            network.heal(node)
            nodes.boot(node)
            nodes.join(node)
            self._wait_for(node, former)

    def stop_api_server(self) -> None:
        """Kill the API server; everything else goes on without it."""
        self._check_up()
        controlplane.stop_api_server()

    def start_api_server(self) -> None:
        """Start it again; returns when it answers."""
        self._check_up()
        controlplane.start_api_server()

    def meter(self) -> None:
        """Have it tell what nodes and pods use, for `kubectl top` and autoscalers.

        It starts without that. Returns when the nodes' figures are there, which takes two looks.
        """
        self._check_up()
        controlplane.start_metrics_server()

    def logs(self) -> list[Path]:
        """Where the nodes' kubelets keep the logs of pods; there also without power."""
        return [nodes.pod_logs(node) for node in NODES]

    def is_ready(self, number: int) -> bool:
        """Whether Kubernetes calls the node Ready."""
        return self._condition(self._node(number)) == "True"

    def address(self, number: int) -> str:
        """A node's own address."""
        return self._node(number).address

    def kubectl(self, *arguments: object, text: str | None = None) -> str:
        """Run kubectl as the administrator to its end; what it printed."""
        self._check_up()
        return controlplane.kubectl(*arguments, text=text)

    def exec(self, arguments: Sequence[str]) -> NoReturn:
        """Become a program in the control plane's network, with KUBECONFIG and PATH set.

        Become, so that a signal to this process is one to the program.
        """
        self._check_up()
        whole = [*enter(CONTROL_PLANE_NAMESPACE), *arguments]
        sys.stdout.flush()
        os.execvpe(whole[0], whole, self.environment())

    def environment(self) -> dict[str, str]:
        """This process's environment, with what programs need to use the testbed."""
        path = os.pathsep.join([*map(str, programs.folders()), os.environ.get("PATH", "")])
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PATH": path}

    def enter(self) -> None:
        """Move this process into the control plane's network, and set its environment.

        From then on this thread, and the threads and processes that it starts, reach nodes, pods,
        services and the API server, and nothing else, until `leave` or `down`.
        """
        self._check_up()
        if self._outside is None:
            self._outside = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        with namespace_file(CONTROL_PLANE_NAMESPACE).open() as file:
            _set_network(file.fileno())
        os.environ.update(self.environment())

    def leave(self) -> None:
        """Move this process back to the network that it came from; its environment stays."""
        if self._outside is not None:
            _set_network(self._outside)
            os.close(self._outside)
            self._outside = None

    def inside(self, number: int) -> list[str]:
        """What a command begins with to run on a node: its network, processes and mounts."""
        return nodes.inside(self._node(number))

    def status(self) -> str:
        """What there is, for a person."""
        owner.refuse_others()
        if not self.is_up():
            return "the testbed is down"
        lines = [f"the testbed of {CHECKOUT} is up; its files are in {STATE}"]
        lines += [f"  {self._describe(node)}" for node in NODES]
        lines.append("network policies are enforced by the testbed itself, on the nodes")
        return "\n".join(lines)

    def _describe(self, node: Node) -> str:
        power = "running" if nodes.is_running(node) else "without power"
        cable = "cut off" if network.is_cut(node) else "connected"
        ready = {"True": "Ready"}.get(self._condition(node), "not Ready")
        return f"{node.name}  {node.address}  zone {node.zone}  {power}, {cable}, {ready}"

    def _condition(self, node: Node, field: str = "status") -> str:
        query = f'-o=jsonpath={{.status.conditions[?(@.type=="Ready")].{field}}}'
        return self.kubectl("get", "node", node.name, query, "--ignore-not-found")

    def _heartbeat(self, node: Node) -> str:
        return self._condition(node, "lastHeartbeatTime")

    def _wait_for(self, node: Node, former: str = "") -> None:
        """Wait until the node is Ready by a heartbeat other than the former one."""
        wait_until(
            node.name,
            lambda: self._heartbeat(node) != former and self._condition(node) == "True",
            _NODES_READY_WITHIN,
            f"{STATE}/logs/{node.name}-*.log",
        )

    def _node(self, number: int) -> Node:
        self._check_up()
        for node in NODES:
            if node.number == number:
                return node
        raise TestbedError(f"there is no node {number}; the nodes are 1, 2 and 3")

    def _check_machine(self) -> None:
        reason = machine.why_not()
        if reason:
            raise TestbedError(reason)

    def _check_up(self) -> None:
        self._check_machine()
        owner.refuse_others()
        if not STATE.exists():
            raise TestbedError("the testbed is down; raise it with `make testbed`")


def _set_network(file: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.setns(file, _CLONE_NEWNET):
        raise TestbedError(f"cannot change the network: {os.strerror(ctypes.get_errno())}")


def _together(*actions: Callable[[], object]) -> None:
    """Do all of it at once; the first failure is the failure."""
    with ThreadPoolExecutor() as pool:
        for done in [pool.submit(action) for action in actions]:
            done.result()
