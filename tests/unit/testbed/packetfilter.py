"""A packet filter of just what the testbed's rules use, to try rules without a kernel.

Belongs here: the meaning of those matches. Not here: what the rules should say.
"""

import re
from dataclasses import dataclass
from ipaddress import ip_address, ip_network


@dataclass(frozen=True)
class Packet:
    """The first packet of a connection."""

    source: str
    target: str
    protocol: str
    port: int

    def at(self, side: str) -> str:
        return self.source if side == "saddr" else self.target


def passes(script: str, packet: Packet) -> bool:
    """Whether the chain `forward` lets the packet through."""
    chains = {
        name: [line.strip() for line in body.splitlines() if line.strip()]
        for name, body in re.findall(r"chain (\S+) \{\n(.*?)\n  \}", script, re.DOTALL)
    }
    return all(_step(line, chains, packet) for line in chains["forward"][2:])


def _step(line: str, chains: dict[str, list[str]], packet: Packet) -> bool:
    found = re.fullmatch(r"ip (\w+) vmap \{ (.*) \}", line)
    assert found, line
    jumps = dict(target.split(" : jump ") for target in found[2].split(", "))
    chain = jumps.get(packet.at(found[1]))
    return chain is None or _returns(chains[chain], packet)


def _returns(lines: list[str], packet: Packet) -> bool:
    for line in lines:
        *matches, verdict = line.split()
        if _matches(" ".join(matches), packet):
            assert verdict in ("return", "drop")
            return verdict == "return"
    raise AssertionError("a chain has to end in drop")


def _matches(text: str, packet: Packet) -> bool:
    while text:
        if found := re.match(r"ip ([sd]addr) (!= )?(\S+) ?", text):
            inside = ip_address(packet.at(found[1])) in ip_network(found[3])
            holds = inside is not bool(found[2])
        elif found := re.match(r"(\w+) dport (\d+)(?:-(\d+))? ?", text):
            ports = range(int(found[2]), int(found[3] or found[2]) + 1)
            holds = packet.protocol == found[1] and packet.port in ports
        else:
            found = re.match(r"meta l4proto (\w+) ?", text)
            assert found, text
            holds = packet.protocol == found[1]
        if not holds:
            return False
        text = text[found.end() :]
    return True
