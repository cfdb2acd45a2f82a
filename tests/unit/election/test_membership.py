"""One incarnation's life in its member lease, write by write."""

import itertools
from dataclasses import replace

import pytest
from tests.unit.election.table import APP, TIMINGS

from immutant.election.effects import Put
from immutant.election.membership import Life, Membership
from immutant.election.view import View
from immutant.leases import Lease, LeaseSnapshot

ME, NAME = "demo-0/uid/life", "demo.member.0"


class Entering:
    """A member whose write to join is under way."""

    def __init__(self) -> None:
        fresh = map(str, itertools.count())
        self.view = View(APP, TIMINGS.lease_duration, absence_is_proof=False)
        self.view.reset(LeaseSnapshot((), 1), 0.0)
        self.me = Membership(NAME, "demo-0", ME, TIMINGS, lambda: next(fresh))
        put = self.me.join(self.view, 100.0)
        assert put is not None
        self.put: Put = put

    def resigns(self) -> bool:
        """Whether its next write is its resignation, of the record as it stands."""
        put = self.me.resign(200.0)
        return put is not None and (put.lease.ended, put.expect) == ("resigned", 7)


def test_who_leaves_while_a_join_is_under_way_resigns_once_that_has_landed() -> None:
    one = Entering()
    one.me.leave()
    assert one.me.life is Life.OUTSIDE
    one.me.stored(one.put, 7)
    assert one.resigns()


def test_a_join_that_was_found_to_have_landed_is_resigned_too() -> None:
    one = Entering()
    one.me.leave()
    one.me.found(one.put, replace(one.put.lease, version=7))
    assert one.resigns()


@pytest.mark.parametrize("there", [None, Lease(NAME, holder="another", version=7)])
def test_who_leaves_is_gone_where_its_join_did_not_land(there: Lease | None) -> None:
    one = Entering()
    one.me.leave()
    assert one.me.join(one.view, 200.0) is None, "it begins no other"
    one.me.found(one.put, there)
    assert one.me.life is Life.ENDED


def test_who_never_asked_to_join_is_gone_at_once() -> None:
    me = Membership(NAME, "demo-0", ME, TIMINGS, lambda: "1")
    me.leave()
    assert me.life is Life.ENDED
