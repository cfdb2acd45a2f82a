"""Whether the grid is safe, from what Leases say; and what is made of words that are missing."""

import json
from dataclasses import replace
from typing import Any

import pytest
from tests.unit.operator.fleets import LONG, ages, fleet, lease, pod, safe
from tests.unit.operator.leases import OWNER, member

from immutant.contract.gridview import GridView
from immutant.kube.records import Owner
from immutant_operator.grid import LONGEST_HOLD, PATIENCE, Grid
from immutant_operator.members import DURATION, MemberLease, by_pod
from immutant_operator.observed import Pod
from immutant_operator.sightings import Ages, Sightings

TWO = (pod(0), pod(1))


def grid(*leases: MemberLease, pods: tuple[Pod, ...] = TWO, **more: Any) -> Grid:
    return Grid(pods, {one.pod_uid: one for one in leases}, ages(pods, **more))


def test_what_all_say_of_the_same_members_is_believed() -> None:
    assert safe(fleet(*TWO)).verdict().reason == "AllSafe"
    assert safe(fleet(*TWO)).hinders() == ""


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        (lease(pod(1), 2, view="of before"), "ViewsDiffer"),
        (lease(pod(1), 2, safe=False), "CopiesMissing"),
        (lease(pod(1), 0), "MemberNotAnswering"),
        (lease(pod(1), 2, ended="expelled"), "MemberSilent"),
    ],
)
def test_one_word_to_the_contrary_is_enough(second: MemberLease, reason: str) -> None:
    found = grid(lease(pod(0), 2), second, settled=LONG)
    assert (found.verdict().status, found.verdict().reason) == ("False", reason)
    assert found.hinders() != "", "however long it lasts"


def test_a_member_that_no_pod_speaks_for_is_one_too_many() -> None:
    found = grid(lease(pod(0), 3), lease(pod(1), 3))
    assert found.verdict().reason == "MembersDiffer"
    assert found.verdict().message == "the grid has 3 members, and 2 pods say so"


def test_one_member_is_no_plural() -> None:
    alone = grid(lease(pod(0), 1), pods=(pod(0),))
    assert alone.verdict().message == "1 member, and each entry is on all its owners"


def test_a_word_that_was_not_renewed_for_too_long_is_none() -> None:
    found = grid(lease(pod(0), 2), lease(pod(1), 2), silent=DURATION + 0.1)
    assert found.verdict().reason == "MemberSilent"


def test_a_pod_made_anew_does_not_inherit_the_word_of_the_one_before() -> None:
    anew = replace(pod(1), uid="another")
    found = grid(lease(pod(0), 2), lease(pod(1), 2), pods=(pod(0), anew))
    assert found.verdict().status == "Unknown"


def test_a_sidecar_that_says_nothing_holds_all_up_for_a_minute_and_not_for_ever() -> None:
    mute = MemberLease(pod(1).uid)
    assert grid(lease(pod(0), 2), mute).verdict().reason == "NotTold"
    assert grid(lease(pod(0), 2), mute, steady=PATIENCE - 1).hinders() != ""
    assert grid(lease(pod(0), 2), mute, steady=PATIENCE).hinders() == ""
    assert grid(lease(pod(0), 2, safe=False), mute, steady=LONG).hinders() != "", "another speaks"


def test_a_pod_that_does_not_serve_goes_where_those_that_stay_are_safe_without_it() -> None:
    broken = pod(1, ready=False)
    pods = (pod(0), broken)
    stuck = grid(lease(pod(0), 2), lease(broken, 0), pods=pods, settled=0.0)
    assert stuck.hinders([broken]) == ""
    assert stuck.hinders() != "", "no other goes meanwhile"
    only = grid(lease(pod(0), 2), lease(broken, 2, safe=False), pods=pods, settled=0.0)
    assert only.hinders([broken]) != "", "it may have the only copy"


def test_a_pod_that_does_not_serve_does_not_keep_the_grid_from_being_safe_for_ever() -> None:
    broken = pod(1, ready=False)
    pods = (pod(0), broken)
    unsafe = lease(pod(0), 2, safe=False)
    assert grid(unsafe, pods=pods, settled=PATIENCE - 1).hinders([broken]) != ""
    assert grid(unsafe, pods=pods, settled=PATIENCE).hinders([broken]) == ""
    assert grid(unsafe, pods=pods, settled=LONG).hinders() != ""


def test_drains_are_held_up_while_copies_are_made_and_not_for_ever() -> None:
    unsafe = lease(pod(0), 2, safe=False)
    assert grid(unsafe, lease(pod(1), 2), settled=LONGEST_HOLD - 1).holds_drains
    assert not grid(unsafe, lease(pod(1), 2), settled=LONGEST_HOLD).holds_drains
    assert not safe(fleet(*TWO), settled=0.0).holds_drains
    alone = (pod(0),)
    assert not grid(lease(pod(0), 1, safe=False), pods=alone, settled=0.0).holds_drains


def test_where_nobody_stays_nothing_is_waited_for() -> None:
    broken = pod(0, ready=False)
    assert grid(pods=(broken,), settled=0.0).hinders([broken]) == ""
    assert grid(pods=()).verdict().reason == "NoMembers"


def test_member_leases_are_read_leniently_and_only_the_apps_own() -> None:
    body = json.dumps({"grid": GridView(2, "v", safe=True).to_json()})
    (found,) = by_pod("demo", "uid-1", [member(0, body=body)]).values()
    assert (found.pod_uid, found.view, found.ended) == ("uid", GridView(2, "v", safe=True), "")
    assert by_pod("demo", "uid-1", [member(0, owner=Owner("apps", "demo", "uid-0"))]) == {}
    (drains,) = by_pod("demo", "uid-1", [member(0, body="draining", ended="resigned")]).values()
    assert (drains.draining, drains.view, drains.ended) == (True, None, "resigned")
    for text in ("[" * 5000, "7", '{"grid": {"members": "2"}}'):
        (edited,) = by_pod("demo", "uid-1", [member(0, body=text)]).values()
        assert edited.view is None
    edited_by_hand = member(0)
    edited_by_hand["metadata"]["annotations"]["immutant.org/duration"] = "for ever"
    (found,) = by_pod("demo", OWNER.uid, [edited_by_hand]).values()
    assert found.duration == DURATION


class Watched:
    """One app's sightings, at looks that take a tenth of a second."""

    def __init__(self) -> None:
        self.sightings = Sightings()
        self.now = 1000.0

    def look(self, *pods: Pod, stamp: str | None = "1", after: float = 0.0) -> Ages:
        self.now += after
        leases = {one.uid: MemberLease(one.uid, stamp or "") for one in pods if stamp is not None}
        return self.sightings.look(pods, leases, self.now, self.now + 0.1)


def test_what_is_seen_for_the_first_time_is_young_whatever_calendars_say() -> None:
    found = Watched().look(pod(0, ready_since="1999-01-01T00:00:00Z"))
    assert found.steady == {pod(0).uid: 0.0}
    assert found.silent == {pod(0).uid: 0.0}
    assert (found.fresh, found.settled) == (frozenset(), 0.0)


def test_ages_are_counted_from_the_look_that_saw_a_change() -> None:
    watched = Watched()
    watched.look(pod(0))
    found = watched.look(pod(0), after=5.0)
    assert found.silent[pod(0).uid] == pytest.approx(4.9)
    assert found.steady[pod(0).uid] == pytest.approx(4.9)
    found = watched.look(pod(0), stamp="2", after=1.0)
    assert found.silent[pod(0).uid] == 0.0
    assert found.settled == pytest.approx(5.9)


def test_a_pod_that_was_unready_between_two_looks_has_not_been_steady() -> None:
    watched = Watched()
    watched.look(pod(0, ready_since="a"))
    assert watched.look(pod(0, ready_since="b"), after=60.0).steady[pod(0).uid] == 0.0


def test_who_was_seen_to_renew_lately_is_fresh_and_nobody_else() -> None:
    watched = Watched()
    watched.look(pod(0))
    assert watched.look(pod(0), stamp="2", after=1.0).fresh == {pod(0).uid}
    assert watched.look(pod(0), stamp="2", after=2.0).fresh == {pod(0).uid}
    assert watched.look(pod(0), stamp="2", after=2.0).fresh == frozenset()
    assert watched.look(pod(0), stamp="3", after=60.0).fresh == frozenset(), "when, is not known"


def test_a_lease_that_vanishes_and_one_of_another_pod_are_no_renewals() -> None:
    watched = Watched()
    watched.look(pod(0))
    assert watched.look(pod(0), stamp=None, after=1.0).fresh == frozenset()
    anew = replace(pod(0), uid="another")
    assert watched.look(anew, after=1.0) == Ages({"another": 0.0}, {"another": 0.0})
