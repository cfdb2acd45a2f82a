"""Where everything of the testbed is: addresses, names, folders.

Belongs here: constants and what follows from them. Not here: anything that touches the machine.
The network is drawn in docs/decisions/0007-testbed.md.
"""

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = [
    "CHECKOUT",
    "CLUSTER_DNS",
    "CONTROL_PLANE",
    "CONTROL_PLANE_NAMESPACE",
    "COREDNS",
    "LOCK",
    "NODES",
    "POD_NETWORK",
    "SERVICE_NETWORK",
    "STATE",
    "Node",
    "cache",
    "log",
    "namespace_file",
]

CHECKOUT = Path(__file__).resolve().parents[3]
"""The repository's root: the testbed's owner."""

STATE = Path("/var/lib/immutant-testbed")
"""The run's files. One a machine; on a disk, since it holds every node's images."""

LOCK = Path("/run/immutant-testbed.lock")
"""Locked while a verb changes the testbed."""

CONTROL_PLANE = "10.200.0.1"
"""API server, ingress controller, and the tests' own address."""

COREDNS = "10.200.0.53"
CLUSTER_DNS = "10.202.0.10"
POD_NETWORK = "10.201.0.0/16"
SERVICE_NETWORK = "10.202.0.0/16"
CONTROL_PLANE_NAMESPACE = "immutant-control"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of the cluster; everything of it follows from its number."""

    number: int

    @property
    def name(self) -> str:
        """As Kubernetes knows it."""
        return f"node{self.number}"

    @property
    def namespace(self) -> str:
        """Its network namespace's name, in /run/netns."""
        return f"immutant-{self.name}"

    @property
    def address(self) -> str:
        """Its own address."""
        return f"10.200.0.{10 + self.number}"

    @property
    def pods(self) -> str:
        """The network of its pods."""
        return f"10.201.{self.number}.0/24"

    @property
    def port(self) -> str:
        """The bridge's port to it: the cable that `cut` cuts."""
        return f"imtb-{self.name}"

    @property
    def zone(self) -> str:
        """The value of its label topology.kubernetes.io/zone."""
        return chr(ord("a") + self.number - 1)

    @property
    def folder(self) -> Path:
        """Its disk."""
        return STATE / self.name

    @property
    def cgroup(self) -> str:
        """The root of its pods' control groups, relative to a hierarchy's mount."""
        return f"immutant-testbed/{self.name}"


NODES = tuple(Node(number) for number in (1, 2, 3))


def cache() -> Path:
    """The folder for what is built once: $XDG_CACHE_HOME/immutant or ~/.cache/immutant."""
    home = os.environ.get("XDG_CACHE_HOME")
    return (Path(home) if home else Path.home() / ".cache") / "immutant"


def log(name: str) -> Path:
    """The file with everything that the process of this name prints."""
    return STATE / "logs" / f"{name}.log"


def namespace_file(name: str) -> Path:
    """What `nsenter --net=` takes for a network namespace of this name."""
    return Path("/run/netns") / name
