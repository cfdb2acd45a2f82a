"""From what the API says to a node's packet filter rules: pure, text out.

Belongs here: what the policies mean. Not here: watching, and giving the rules to the kernel.

Each pod that a policy selects has a chain for each direction that is restricted; each allowed
combination of peers and port returns from it, and the end of the chain drops. The forward hook
sends a node's pods' packets through both chains. So both ends have to allow a connection, as
Kubernetes demands, and what the node itself sends to its pods (kubelet's probes) passes.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from ipaddress import ip_network

from tests.e2e.testbed.policy.model import Peer, Pod, Policy, Port, Rule, World

__all__ = ["TABLE", "render"]

TABLE = "immutant_policy"


@dataclass(frozen=True)
class _Direction:
    """Ingress or egress: whose address is whose, and which rules count."""

    name: str
    own: str
    other: str
    rules: Callable[[Policy], tuple[Rule, ...] | None]


_DIRECTIONS = (
    _Direction("egress", "saddr", "daddr", lambda policy: policy.egress),
    _Direction("ingress", "daddr", "saddr", lambda policy: policy.ingress),
)


def render(node: str, world: World) -> str:
    """The rules of a node, replacing all that it had in one transaction.

    Args:
        node: Whose pods are policed.
        world: Everything; the other side of a connection may be anywhere.

    Returns:
        A script for `nft -f`.
    """
    chains: list[str] = []
    jumps: list[str] = []
    for direction in _DIRECTIONS:
        targets = []
        for pod in sorted(world.pods, key=lambda pod: pod.address):
            rules = _rules_of(pod, direction, world) if pod.node == node else None
            if rules is not None:
                chain = f"{direction.name}_{pod.address.replace('.', '_')}"
                chains.append(_chain(chain, [*_lines(pod, rules, direction, world), "drop"]))
                targets.append(f"{pod.address} : jump {chain}")
        if targets:
            jumps.append(f"ip {direction.own} vmap {{ {', '.join(targets)} }}")
    hook = "type filter hook forward priority filter; policy accept;"
    forward = _chain("forward", [hook, "ct state established,related accept", *jumps])
    table = f"table inet {TABLE}"
    return f"{table}\ndelete {table}\n{table} {{\n{''.join([*chains, forward])}}}\n"


def _rules_of(pod: Pod, direction: _Direction, world: World) -> list[tuple[Policy, Rule]] | None:
    """What is allowed to a pod; None when no policy restricts it in this direction."""
    concerning = [
        (policy, rules)
        for policy in world.policies
        if policy.namespace == pod.namespace and policy.pods.selects(pod.labels)
        if (rules := direction.rules(policy)) is not None
    ]
    if not concerning:
        return None
    return [(policy, rule) for policy, rules in concerning for rule in rules]


def _lines(
    pod: Pod, rules: Iterable[tuple[Policy, Rule]], direction: _Direction, world: World
) -> Iterator[str]:
    yield f"ip {direction.other} {pod.address} return"  # a pod always reaches itself
    for policy, rule in rules:
        for peers, reached in _peers(policy, rule, direction, world):
            for port in rule.ports or (None,):
                # A named port is the receiving side's: this pod's, or each peer's.
                for number in _numbers(port, [pod] if direction.name == "ingress" else reached):
                    yield " ".join([*peers, *number, "return"])


def _peers(
    policy: Policy, rule: Rule, direction: _Direction, world: World
) -> Iterator[tuple[list[str], list[Pod]]]:
    """Matches for the other side's address, each with the pods that it stands for."""
    if not rule.peers:
        yield [], list(world.pods)
    for peer in rule.peers:
        if peer.block is None:
            for pod in _selected(policy, peer, world):
                yield [f"ip {direction.other} {pod.address}"], [pod]
        elif ip_network(peer.block.cidr).version == 4:
            holes = [f"ip {direction.other} != {hole}" for hole in peer.block.holes]
            yield [f"ip {direction.other} {peer.block.cidr}", *holes], []


def _selected(policy: Policy, peer: Peer, world: World) -> Iterator[Pod]:
    for pod in world.pods:
        if peer.namespaces is None:
            there = pod.namespace == policy.namespace
        else:
            there = peer.namespaces.selects(world.namespaces.get(pod.namespace, {}))
        if there and (peer.pods is None or peer.pods.selects(pod.labels)):
            yield pod


def _numbers(port: Port | None, receivers: Iterable[Pod]) -> list[list[str]]:
    """Matches for a port; a name may have several numbers, or none."""
    if port is None:
        return [[]]
    if port.port is None:
        return [[f"meta l4proto {port.protocol}"]]
    if isinstance(port.port, int):
        last = f"-{port.end}" if port.end else ""
        return [[f"{port.protocol} dport {port.port}{last}"]]
    named = {
        number
        for pod in receivers
        for name, protocol, number in pod.ports
        if name == port.port and protocol == port.protocol
    }
    return [[f"{port.protocol} dport {number}"] for number in sorted(named)]


def _chain(name: str, lines: Iterable[str]) -> str:
    body = "".join(f"    {line}\n" for line in lines)
    return f"  chain {name} {{\n{body}  }}\n"
