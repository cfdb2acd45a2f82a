"""Which pods on dead nodes are made anew, and which are left alone."""

from dataclasses import replace
from typing import Any

from tests.unit.operator.fleets import LONG, ages, fleet, lease, pod

from immutant_operator.grid import Grid
from immutant_operator.lost import Losses, Reach, losses, suspects
from immutant_operator.observed import Fleet, Pod


def node(name: str, ready: str = "True", *taints: str) -> dict[str, Any]:
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "metadata": {"name": name},
        "spec": {"taints": [{"key": key} for key in taints]},
        "status": {"conditions": conditions},
    }


def on(number: int, **more: Any) -> Pod:
    return pod(number, node=f"node-{number}", **more)


REACH = Reach.read([node("node-0"), node("node-1"), node("node-2", "Unknown")])
THREE = fleet(on(0), on(1), on(2, ready=False))


def grid(there: Fleet, *dead: Pod, steady: float = LONG, fresh: bool = True) -> Grid:
    """The pods' Leases are renewed, except those of the dead."""
    leases = {one.uid: lease(one, 3, ended="expelled" if one in dead else "") for one in there.pods}
    return Grid(there.pods, leases, ages(there.pods, steady=steady, fresh=fresh))


def replaced(found: Losses) -> list[str]:
    return [one.name for one in found.replaced]


def test_a_pod_whose_node_is_silent_and_whose_lease_has_expired_is_made_anew() -> None:
    found = losses(THREE, grid(THREE, THREE.pods[2]), REACH, replaces=True)
    assert (replaced(found), found.kept) == (["demo-2"], "")


def test_one_that_renews_or_serves_or_has_no_node_yet_is_not_suspected() -> None:
    assert suspects(THREE, grid(THREE)) == []
    serving = fleet(on(0), on(1), on(2))
    assert suspects(serving, grid(serving, serving.pods[2])) == []
    waiting = fleet(on(0), on(1), pod(2, ready=False))
    assert suspects(waiting, grid(waiting, waiting.pods[2])) == []


def test_a_lease_that_was_only_seen_once_has_not_expired() -> None:
    leases = {one.uid: lease(one, 3) for one in THREE.pods}
    seen = ages(THREE.pods, silent=0.0)
    assert suspects(THREE, Grid(THREE.pods, leases, seen)) == []
    for silent, count in ((3.9, 0), (4.1, 1)):
        found = Grid(THREE.pods, leases, ages(THREE.pods, silent=silent))
        assert len(suspects(THREE, found)) == count
    for silent, count in ((59.0, 0), (61.0, 1)):
        found = Grid(THREE.pods, {}, ages(THREE.pods, silent=silent))
        assert len(suspects(THREE, found)) == count, "one that starts has no Lease yet"


def test_a_node_that_says_itself_that_it_is_not_ready_tells_of_its_pods() -> None:
    for ready in ("True", "False"):
        reach = Reach.read([node("node-0"), node("node-1"), node("node-2", ready)])
        assert losses(THREE, grid(THREE, THREE.pods[2]), reach, replaces=True) == Losses()
    taint = "node.kubernetes.io/out-of-service"
    reach = Reach.read([node("node-0"), node("node-1"), node("node-2", "False", taint)])
    assert replaced(losses(THREE, grid(THREE, THREE.pods[2]), reach, replaces=True)) == ["demo-2"]


def test_who_does_not_want_it_is_told_instead() -> None:
    found = losses(THREE, grid(THREE, THREE.pods[2]), REACH, replaces=False)
    assert replaced(found) == []
    assert found.kept.startswith("cannot be reached: demo-2 on node-2; nodes.replaceDead is false")


def test_what_may_be_the_larger_side_of_a_split_is_left_alone() -> None:
    there = fleet(on(0), on(1, ready=False), on(2, ready=False))
    nodes = [node("node-0"), node("node-1", "Unknown"), node("node-2", "Unknown")]
    reach = Reach.read([*nodes, node("node-3"), node("node-4")])
    found = losses(there, grid(there, *there.pods[1:]), reach, replaces=True)
    assert replaced(found) == []
    assert "the larger side of a split" in found.kept


def test_half_that_lives_is_enough_and_must_be_seen_to_live() -> None:
    two = fleet(on(1), on(2, ready=False))
    assert replaced(losses(two, grid(two, two.pods[1]), REACH, replaces=True)) == ["demo-2"]
    old = grid(two, two.pods[1], fresh=False)
    assert replaced(losses(two, old, REACH, replaces=True)) == []


def test_a_pod_that_was_alone_is_made_anew_for_the_sake_of_its_users() -> None:
    alone = fleet(replace(on(2, ready=False), ordinal=0))
    assert len(losses(alone, grid(alone, alone.pods[0]), REACH, replaces=True).replaced) == 1


def test_where_most_nodes_are_silent_it_is_the_control_plane_that_is_cut_off() -> None:
    reach = Reach.read([node("node-0"), node("node-1", "Unknown"), node("node-2", "Unknown")])
    alone = fleet(replace(on(2, ready=False), ordinal=0))
    found = losses(alone, grid(alone, alone.pods[0]), reach, replaces=True)
    assert replaced(found) == []
    assert "the control plane is cut off" in found.kept


def test_without_a_look_at_nodes_one_that_was_told_to_end_and_is_overdue_is_lost() -> None:
    for leaving, steady, count in ((True, 61.0, 1), (True, 59.0, 0), (False, LONG, 0)):
        there = fleet(on(0), on(1), on(2, ready=False, leaving=leaving))
        found = losses(there, grid(there, there.pods[2], steady=steady), None, replaces=True)
        assert len(found.replaced) == count
