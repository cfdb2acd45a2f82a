"""What enforcement needs of NetworkPolicies, Pods and Namespaces, parsed once from the API's JSON.

Belongs here: records, parsing, and whether a selector selects. Not here: rules of
the packet filter.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = [
    "Block",
    "Namespace",
    "Peer",
    "Pod",
    "Policy",
    "Port",
    "Rule",
    "Selector",
    "World",
    "parse_namespace",
    "parse_pod",
    "parse_policy",
]

Labels = Mapping[str, str]


@dataclass(frozen=True)
class Selector:
    """A label selector; an empty one selects everything."""

    labels: tuple[tuple[str, str], ...] = ()
    expressions: tuple[tuple[str, str, tuple[str, ...]], ...] = ()

    def selects(self, labels: Labels) -> bool:
        """Whether something with these labels is selected."""
        return all(labels.get(key) == value for key, value in self.labels) and all(
            _holds(labels, *expression) for expression in self.expressions
        )


@dataclass(frozen=True)
class Block:
    """A range of addresses with holes in it."""

    cidr: str
    holes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Peer:
    """One kind of other side: a block, or pods selected by their labels and their namespace's.

    Without a selector for namespaces, pods are those of the policy's own.
    """

    pods: Selector | None = None
    namespaces: Selector | None = None
    block: Block | None = None


@dataclass(frozen=True)
class Port:
    """A port by number, range or name; without any of them every port of the protocol."""

    protocol: str = "tcp"
    port: int | str | None = None
    end: int | None = None


@dataclass(frozen=True)
class Rule:
    """What is allowed: these peers at these ports; none given means all."""

    peers: tuple[Peer, ...] = ()
    ports: tuple[Port, ...] = ()


@dataclass(frozen=True)
class Policy:
    """One NetworkPolicy; a direction that it does not concern is None."""

    namespace: str
    pods: Selector
    ingress: tuple[Rule, ...] | None
    egress: tuple[Rule, ...] | None


@dataclass(frozen=True)
class Pod:
    """A pod with an address of its own. Its ports are (name, protocol, number)."""

    namespace: str
    name: str
    node: str
    address: str
    labels: Labels
    ports: tuple[tuple[str, str, int], ...] = ()


@dataclass(frozen=True)
class Namespace:
    """A namespace and its labels."""

    name: str
    labels: Labels


@dataclass(frozen=True)
class World:
    """All that decides what may pass."""

    policies: tuple[Policy, ...]
    pods: tuple[Pod, ...]
    namespaces: Mapping[str, Labels]


def parse_namespace(found: Mapping[str, Any]) -> Namespace:
    """A namespace from the API's JSON."""
    metadata = found["metadata"]
    return Namespace(metadata["name"], metadata.get("labels", {}))


def parse_pod(found: Mapping[str, Any]) -> Pod | None:
    """A pod from the API's JSON; None while no policy can concern it.

    That is: without an address, ended (its address may be another's by now), or with its node's own
    network.
    """
    spec, status, metadata = found["spec"], found.get("status", {}), found["metadata"]
    ended = status.get("phase") in ("Succeeded", "Failed")
    if spec.get("hostNetwork") or ended or not status.get("podIP"):
        return None
    containers = [*spec.get("initContainers", []), *spec["containers"]]
    ports = tuple(
        (port["name"], port.get("protocol", "TCP").lower(), port["containerPort"])
        for container in containers
        for port in container.get("ports", [])
        if "name" in port
    )
    labels = metadata.get("labels", {})
    return Pod(
        metadata["namespace"], metadata["name"], spec["nodeName"], status["podIP"], labels, ports
    )


def parse_policy(found: Mapping[str, Any]) -> Policy:
    """A policy from the API's JSON, in which the API server has filled in policyTypes."""
    spec = found["spec"]
    types = spec["policyTypes"]
    return Policy(
        found["metadata"]["namespace"],
        _selector(spec.get("podSelector", {})),
        _rules(spec.get("ingress", []), "from") if "Ingress" in types else None,
        _rules(spec.get("egress", []), "to") if "Egress" in types else None,
    )


def _rules(found: list[Mapping[str, Any]], peers: str) -> tuple[Rule, ...]:
    return tuple(
        Rule(
            tuple(_peer(peer) for peer in rule.get(peers, [])),
            tuple(_port(port) for port in rule.get("ports", [])),
        )
        for rule in found
    )


def _peer(found: Mapping[str, Any]) -> Peer:
    block = found.get("ipBlock")
    return Peer(
        _selector(found["podSelector"]) if "podSelector" in found else None,
        _selector(found["namespaceSelector"]) if "namespaceSelector" in found else None,
        Block(block["cidr"], tuple(block.get("except", []))) if block else None,
    )


def _port(found: Mapping[str, Any]) -> Port:
    return Port(found.get("protocol", "TCP").lower(), found.get("port"), found.get("endPort"))


def _selector(found: Mapping[str, Any]) -> Selector:
    return Selector(
        tuple(found.get("matchLabels", {}).items()),
        tuple(
            (each["key"], each["operator"], tuple(each.get("values", [])))
            for each in found.get("matchExpressions", [])
        ),
    )


def _holds(labels: Labels, key: str, operator: str, values: tuple[str, ...]) -> bool:
    match operator:
        case "In":
            return labels.get(key) in values
        case "NotIn":
            return labels.get(key) not in values
        case "Exists":
            return key in labels
        case "DoesNotExist":
            return key not in labels
    raise ValueError(f"a label selector has no operator {operator}")
