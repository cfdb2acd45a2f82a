"""What the testbed's policies let through: the rules, played by a small packet filter."""

from typing import Any

import pytest
from tests.e2e.testbed.policy.model import (
    Pod,
    World,
    parse_namespace,
    parse_pod,
    parse_policy,
)
from tests.e2e.testbed.policy.rules import render
from tests.unit.testbed.packetfilter import Packet, passes

WEB = ("web", "tcp", 8080)
FRONT = Pod("shop", "front", "node1", "10.201.1.2", {"app": "front"}, (WEB,))
BACK = Pod("shop", "back", "node2", "10.201.2.2", {"app": "back"}, (WEB,))
OTHER = Pod("else", "other", "node1", "10.201.1.3", {"app": "front"}, (("web", "tcp", 9000),))
NAMESPACES = {"shop": {"team": "a"}, "else": {"team": "b"}}
OUTSIDE = "10.200.0.1"


def policy(namespace: str = "shop", **spec: Any) -> Any:
    types = [kind for kind in ("Ingress", "Egress") if kind.lower() in spec] or ["Ingress"]
    given = {"podSelector": {}, "policyTypes": types, **spec}
    return parse_policy({"metadata": {"namespace": namespace}, "spec": given})


def allowed(source: str, target: Pod, port: int, *policies: Any, protocol: str = "tcp") -> bool:
    """Whether both ends' nodes let a new connection through."""
    world = World(policies, (FRONT, BACK, OTHER), NAMESPACES)
    packet = Packet(source, target.address, protocol, port)
    nodes = {pod.node for pod in world.pods if pod.address in (source, target.address)}
    return all(passes(render(node, world), packet) for node in nodes)


def test_without_a_policy_everything_passes() -> None:
    assert allowed(OTHER.address, BACK, 5701)


def test_a_selected_pod_takes_nothing_that_no_rule_allows() -> None:
    assert not allowed(FRONT.address, BACK, 5701, policy())
    assert not allowed(OUTSIDE, BACK, 5701, policy())


def test_a_policy_leaves_pods_alone_that_it_does_not_select() -> None:
    chosen = policy(podSelector={"matchLabels": {"app": "front"}})
    assert allowed(OTHER.address, BACK, 5701, chosen)


def test_a_policy_leaves_other_namespaces_alone() -> None:
    assert allowed(FRONT.address, OTHER, 80, policy())


def test_a_peer_without_a_namespace_selector_is_of_the_policys_own_namespace() -> None:
    front = policy(ingress=[{"from": [{"podSelector": {"matchLabels": {"app": "front"}}}]}])
    assert allowed(FRONT.address, BACK, 5701, front)
    assert not allowed(OTHER.address, BACK, 5701, front)


def test_a_namespace_selector_alone_means_all_of_its_pods() -> None:
    team = policy(ingress=[{"from": [{"namespaceSelector": {"matchLabels": {"team": "b"}}}]}])
    assert allowed(OTHER.address, BACK, 5701, team)
    assert not allowed(FRONT.address, BACK, 5701, team)


def test_both_selectors_in_one_peer_have_to_select() -> None:
    peer = {
        "namespaceSelector": {"matchLabels": {"team": "b"}},
        "podSelector": {"matchLabels": {"app": "back"}},
    }
    assert not allowed(OTHER.address, BACK, 5701, policy(ingress=[{"from": [peer]}]))


def test_only_the_ports_of_a_rule_are_open() -> None:
    rule = {"ports": [{"protocol": "TCP", "port": 80}, {"protocol": "UDP", "port": 90}]}
    opened = policy(ingress=[rule])
    assert allowed(OUTSIDE, BACK, 80, opened)
    assert allowed(OUTSIDE, BACK, 90, opened, protocol="udp")
    assert not allowed(OUTSIDE, BACK, 90, opened)


def test_a_range_of_ports_includes_both_ends() -> None:
    opened = policy(ingress=[{"ports": [{"port": 80, "endPort": 90}]}])
    assert [allowed(OUTSIDE, BACK, port, opened) for port in (79, 80, 90, 91)] == [
        False,
        True,
        True,
        False,
    ]


def test_a_protocol_alone_opens_all_of_its_ports() -> None:
    opened = policy(ingress=[{"ports": [{"protocol": "UDP"}]}])
    assert allowed(OUTSIDE, BACK, 7, opened, protocol="udp")
    assert not allowed(OUTSIDE, BACK, 7, opened)


def test_a_named_port_is_the_receivers() -> None:
    ingress = policy(ingress=[{"ports": [{"port": "web"}]}])
    assert allowed(OUTSIDE, BACK, 8080, ingress)
    assert not allowed(OUTSIDE, BACK, 9000, ingress)
    everywhere = {"to": [{"namespaceSelector": {}}], "ports": [{"port": "web"}]}
    egress = policy(egress=[everywhere])
    assert allowed(FRONT.address, OTHER, 9000, egress)
    assert not allowed(FRONT.address, OTHER, 8080, egress)


def test_a_named_port_that_nobody_has_opens_nothing() -> None:
    assert not allowed(OUTSIDE, BACK, 8080, policy(ingress=[{"ports": [{"port": "admin"}]}]))


def test_a_block_lets_in_what_is_in_it_but_not_in_its_holes() -> None:
    block = {"cidr": "10.200.0.0/24", "except": ["10.200.0.8/29", "10.200.0.64/26"]}
    opened = policy(ingress=[{"from": [{"ipBlock": block}]}])
    assert allowed("10.200.0.1", BACK, 80, opened)
    assert not allowed("10.200.0.9", BACK, 80, opened)
    assert not allowed("10.200.0.65", BACK, 80, opened)
    assert not allowed("10.201.9.9", BACK, 80, opened)


def test_a_block_of_the_other_address_family_opens_nothing() -> None:
    assert not allowed(
        OUTSIDE, BACK, 80, policy(ingress=[{"from": [{"ipBlock": {"cidr": "::/0"}}]}])
    )


def test_what_any_of_several_policies_allows_passes() -> None:
    eighty = policy(ingress=[{"ports": [{"port": 80}]}])
    assert allowed(OUTSIDE, BACK, 80, policy(), eighty)


def test_egress_and_ingress_both_have_to_allow() -> None:
    closed = policy(podSelector={"matchLabels": {"app": "front"}}, egress=[])
    opened = policy(podSelector={"matchLabels": {"app": "back"}}, ingress=[{}])
    assert not allowed(FRONT.address, BACK, 80, closed, opened)
    assert allowed(OTHER.address, BACK, 80, closed, opened)


def test_a_restriction_of_egress_does_not_restrict_ingress() -> None:
    assert allowed(OUTSIDE, FRONT, 80, policy(egress=[]))


def test_a_pod_reaches_itself() -> None:
    assert allowed(BACK.address, BACK, 80, policy(), policy(egress=[]))


@pytest.mark.parametrize(
    ("operator", "values", "expected"),
    [
        ("In", ["front", "x"], True),
        ("NotIn", ["front"], False),
        ("Exists", [], True),
        ("DoesNotExist", [], False),
    ],
)
def test_expressions_select(operator: str, values: list[str], expected: bool) -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": operator, "values": values}]}
    chosen = policy(ingress=[{"from": [{"podSelector": selector}]}])
    assert allowed(FRONT.address, BACK, 80, chosen) is expected


def test_an_unknown_operator_is_refused_rather_than_passed_over() -> None:
    selector = {"matchExpressions": [{"key": "app", "operator": "Like", "values": ["f"]}]}
    chosen = policy(ingress=[{"from": [{"podSelector": selector}]}])
    with pytest.raises(ValueError, match="no operator Like"):
        allowed(FRONT.address, BACK, 80, chosen)


def test_rules_do_not_depend_on_the_order_in_which_pods_came() -> None:
    one = World((policy(),), (FRONT, OTHER, BACK), NAMESPACES)
    two = World((policy(),), (BACK, FRONT, OTHER), NAMESPACES)
    assert render("node2", one) == render("node2", two)


def pod(**status: Any) -> dict[str, Any]:
    ports = [{"name": "web", "containerPort": 8080}, {"containerPort": 1}]
    return {
        "metadata": {"namespace": "shop", "name": "back", "labels": {"app": "back"}},
        "spec": {"nodeName": "node2", "containers": [{"ports": ports}]},
        "status": {"podIP": "10.201.2.2", "phase": "Running", **status},
    }


def test_a_pod_is_parsed_with_its_named_ports() -> None:
    assert parse_pod(pod()) == BACK


def test_ports_of_native_sidecars_count() -> None:
    found = pod()
    found["spec"]["initContainers"] = found["spec"].pop("containers")
    found["spec"]["containers"] = [{}]
    assert parse_pod(found) == BACK


def test_pods_without_an_address_of_their_own_are_passed_over() -> None:
    on_the_host = pod()
    on_the_host["spec"]["hostNetwork"] = True
    assert parse_pod(on_the_host) is None
    assert parse_pod(pod(podIP="")) is None
    assert parse_pod(pod(phase="Failed")) is None
    assert parse_pod(pod(phase="Succeeded")) is None


def test_a_namespace_may_have_no_labels() -> None:
    assert parse_namespace({"metadata": {"name": "bare"}}).labels == {}
