"""Held singletons come to their places: how, how often, and when not."""

import itertools
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.election.crowd import STEADY, Crowd
from tests.unit.election.table import APP, TIMINGS

from immutant.contract.gridview import GridView
from immutant.election.order import rank
from immutant.election.pace import Pace, Strikes
from immutant.election.stance import Data, Stance

PACE = Pace.of(TIMINGS)
FIFTY = [f"{APP}.daemon.d{n}" for n in range(50)]
ONE = f"{APP}.daemon.counter"
JOB = f"{APP}.job.ajob"
A_MOVE = 2 * TIMINGS.renew_period
"""Seconds that a move takes at most, its pause included, in a crowd where all works at once."""


def test_what_a_newcomer_should_have_comes_to_it_and_nothing_else_moves() -> None:
    crowd = Crowd()
    for number in range(2):
        crowd.join(f"demo-{number}", FIFTY)
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    before, grants = crowd.holders(), sum(crowd.grants.values())
    assert before == crowd.places()
    crowd.join("demo-2", FIFTY)
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    after = crowd.holders()
    assert after == crowd.places()
    moved = [name for name in FIFTY if before[name] != after[name]]
    assert 10 <= len(moved) <= 25
    assert {after[name] for name in moved} == {"demo-2"}
    assert sum(crowd.grants.values()) - grants == len(moved), "each once"


def test_a_holder_hands_over_one_at_a_time_with_a_pause_between() -> None:
    crowd = Crowd()
    first = crowd.join("demo-0", FIFTY, step=0.5)
    crowd.live(STEADY)
    crowd.join("demo-1", FIFTY, step=0.5)
    begun = 0
    for _ in range(300):
        crowd.live(0.1)
        assert len(first.ending) <= 1
        begun = len(first.moves)
    assert begun <= 30 / (0.5 + PACE.pause) + 1
    assert begun >= 8


def test_at_rest_fifty_singletons_on_three_members_cost_three_writes_a_period() -> None:
    crowd = Crowd()
    for number in range(3):
        crowd.join(f"demo-{number}", FIFTY, zone=f"zone-{number}")
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    crowd.writes.clear()
    crowd.live(20 * TIMINGS.renew_period)
    assert all(".member." in name for name in crowd.writes)
    assert sum(crowd.writes.values()) <= 3 * 20
    assert all(len(lease.body) < 30 for lease in crowd.table.records.values())


def test_a_hand_over_leaves_it_without_a_holder_for_less_than_a_renewal() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    crowd.join("demo-0", [ONE])
    longest = idle = 0.0
    for _ in range(200):
        crowd.live(0.1)
        idle = 0.0 if ONE in crowd.holders() else idle + 0.1
        longest = max(longest, idle)
    assert crowd.holders() == {ONE: "demo-0"}
    assert longest < TIMINGS.renew_period / 2, "the successor does not wait for its turn"


def test_nothing_goes_to_a_member_that_does_not_stand_for_it() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    crowd.join("demo-0", FIFTY)  # another version, that knows nothing of it
    crowd.live(10 * STEADY)
    assert crowd.holders()[ONE] == "demo-1"
    assert crowd.grants[ONE] == 1


def test_past_a_member_that_does_not_stand_it_goes_to_the_next_in_order() -> None:
    crowd = Crowd()
    by_rank = _by_rank(ONE, ["demo-0", "demo-1", "demo-2", "demo-3"])
    crowd.join(by_rank[3], [ONE])
    crowd.live(STEADY)
    crowd.join(by_rank[0], [])
    crowd.join(by_rank[1], [ONE])
    crowd.join(by_rank[2], [ONE])
    crowd.live(3 * STEADY)
    assert crowd.holders() == {ONE: by_rank[1]}
    assert crowd.grants[ONE] == 2


def test_nothing_goes_to_an_application_that_hangs() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    newcomer = crowd.join("demo-0", [ONE])
    crowd.live(1.0)
    newcomer.hangs = True
    crowd.live(10 * STEADY)
    assert crowd.holders() == {ONE: "demo-1"}
    newcomer.hangs = False
    crowd.live(STEADY)
    assert crowd.holders() == {ONE: "demo-0"}


def test_an_application_that_answered_once_and_hangs_since_gets_nothing_more() -> None:
    crowd = Crowd()
    first = crowd.join("demo-0", FIFTY)
    crowd.live(STEADY)
    second = crowd.join("demo-1", FIFTY)
    while not first.moves:
        crowd.live(0.1)
    second.hangs = True
    crowd.live(2 * TIMINGS.renew_period)  # in which it takes back what it said
    begun = len(first.moves)
    assert begun <= 3
    crowd.live(10 * PACE.settle)
    assert len(first.moves) == begun


def test_nothing_goes_to_a_member_that_drains_or_has_just_come() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    newcomer = crowd.join("demo-0", [ONE], step=5.0)
    crowd.live(PACE.settle - 0.5)
    assert crowd.grants[ONE] == 1
    newcomer.drain()
    crowd.live(10 * STEADY)
    assert crowd.holders() == {ONE: "demo-1"}
    assert crowd.grants[ONE] == 1


def test_a_member_whose_lives_end_again_and_again_is_waited_for_longer_each_time() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    for _ in range(8):  # each life is long enough to be trusted, were it the first
        newcomer = crowd.join("demo-0", [ONE])
        crowd.live(3 * STEADY)
        crowd.die(newcomer)
        crowd.live(2 * TIMINGS.lease_duration)
    assert crowd.grants[ONE] <= 1 + 2 * 3, "it came and went in the first three lives only"
    crowd.join("demo-0", [ONE])
    crowd.live(16 * PACE.settle + STEADY)
    assert crowd.holders() == {ONE: "demo-0"}, "that lasts"


def test_a_preferred_member_gets_it_and_without_it_the_others_have_it() -> None:
    crowd = Crowd()
    people = [
        crowd.join(f"demo-{n}", FIFTY, prefer=dict.fromkeys(FIFTY, "demo-1")) for n in range(3)
    ]
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    assert set(crowd.holders().values()) == {"demo-1"}
    crowd.leave(people[1])
    crowd.live(1.0)
    assert set(crowd.holders().values()) == {"demo-0", "demo-2"}
    assert len(crowd.holders()) == 50


def test_a_preferred_zone_gets_it_spread_over_its_members() -> None:
    crowd = Crowd()
    for number, zone in enumerate(["far", "near", "near", ""]):
        crowd.join(f"demo-{number}", FIFTY, zone=zone, prefer=dict.fromkeys(FIFTY, "near"))
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    assert set(crowd.holders().values()) == {"demo-1", "demo-2"}


def test_between_two_versions_that_prefer_differently_nothing_moves() -> None:
    # Both would agree here. Among five pods of two such versions some two did, over and over.
    crowd = Crowd()
    crowd.join("demo-1", [ONE], prefer={ONE: "near"}, zone="far")
    crowd.live(STEADY)
    newcomer = crowd.join("demo-0", [ONE], prefer={ONE: ""}, zone="near")
    crowd.live(3 * STEADY)
    assert crowd.holders() == {ONE: "demo-1"}
    crowd.leave(newcomer)
    crowd.join("demo-0", [ONE], prefer={ONE: "near"}, zone="near")
    crowd.live(STEADY)
    assert crowd.holders() == {ONE: "demo-0"}


def test_of_two_newcomers_the_second_in_order_leaves_it_to_the_first() -> None:
    crowd = Crowd()
    first, second, *_, last = _by_rank(ONE, [f"demo-{n}" for n in range(4)])
    crowd.join(last, [ONE])
    crowd.live(STEADY)
    crowd.join(second, [ONE])
    crowd.live(2.0)
    crowd.join(first, [ONE])
    crowd.live(2 * STEADY)
    assert crowd.holders() == {ONE: first}
    assert crowd.grants[ONE] == 2


def test_a_job_moves_between_its_ticks_and_each_tick_runs_once() -> None:
    crowd = Crowd()
    crowd.join("demo-0", [JOB])
    crowd.live(STEADY)
    crowd.join("demo-1", [JOB])
    while crowd.holders().get(JOB) != "demo-1":
        crowd.live(0.1)
        assert crowd.table.now < 200
    crowd.live(5.0)
    assert len(crowd.ticks) == len(set(crowd.ticks)) >= 20


def test_a_daemon_that_fails_goes_elsewhere_and_does_not_come_back_at_once() -> None:
    crowd = Crowd()
    first = crowd.join("demo-0", [ONE], failing={ONE})
    crowd.live(STEADY)
    assert crowd.holders() == {ONE: "demo-0"}, "nobody else is there"
    crowd.join("demo-1", [ONE])
    crowd.live(STEADY)
    assert crowd.holders() == {ONE: "demo-1"}
    assert [move.reason for move in first.moves] == ["failures"]
    assert ONE in first.election.stepped_back(crowd.table.now)
    crowd.live(PACE.away - 2 * STEADY, step=0.5)
    assert crowd.grants[ONE] == 2
    first.failing.clear()
    crowd.live(4 * STEADY)
    assert crowd.holders() == {ONE: "demo-0"}, "mended, and its place"


def test_a_daemon_that_fails_goes_to_whoever_wants_it_whatever_that_prefers() -> None:
    crowd = Crowd()
    new = crowd.join("demo-1", [ONE], prefer={ONE: "demo-1"}, failing={ONE})
    crowd.live(STEADY)
    old = crowd.join("demo-0", [ONE])  # of the version before
    crowd.live(2 * STEADY)
    assert crowd.holders() == {ONE: "demo-0"}
    assert [move.reason for move in new.moves] == ["failures"]
    new.failing.clear()
    crowd.live(2 * PACE.away, step=0.5)
    assert crowd.holders() == {ONE: "demo-0"}, "between two that prefer differently it stays"
    assert old.moves == []


def test_a_daemon_that_fails_in_both_of_two_versions_goes_back_and_forth_ever_more_rarely() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE], prefer={ONE: "demo-1"}, failing={ONE})
    crowd.join("demo-0", [ONE], failing={ONE})
    crowd.live(4000, step=0.5)
    assert 2 <= len(crowd.moves("failures")) == len(crowd.moves()) <= 2 * 4


def test_a_daemon_that_fails_everywhere_runs_all_the_same_and_moves_ever_more_rarely() -> None:
    crowd = Crowd()
    for number in range(3):
        crowd.join(f"demo-{number}", [ONE], failing={ONE})
    crowd.live(STEADY)
    idle = 0
    for _ in range(4000):
        crowd.live(1.0, step=0.5)
        idle += ONE not in crowd.holders()
    # Each member steps back for 300 s, 600, 1200, …: within 4,000 s four times at most.
    assert 3 <= len(crowd.moves("failures")) <= 3 * 4
    assert idle <= len(crowd.moves())


def test_a_daemon_that_fails_only_where_it_should_be_seldom_goes_there() -> None:
    crowd = Crowd()
    first = crowd.join("demo-0", [ONE], failing={ONE})
    crowd.join("demo-1", [ONE])
    crowd.live(4000, step=0.5)
    assert 1 <= len(first.moves) <= 4


def test_a_member_where_it_always_fails_steps_back_for_80_minutes_in_the_end() -> None:
    crowd = Crowd()
    first = crowd.join("demo-0", [ONE], failing={ONE})
    crowd.join("demo-1", [ONE])
    moments: list[float] = []
    while len(moments) < 6:
        crowd.live(5.0, step=1.0)
        if len(first.moves) > len(moments):
            moments.append(crowd.table.now)
    waits = [round((after - before) / 60) for before, after in itertools.pairwise(moments)]
    assert waits == [5, 10, 20, 40, 80]


def test_a_wait_that_has_come_to_its_longest_stays_there() -> None:
    strikes, now = Strikes(), 0.0
    waits: list[float] = []
    for _ in range(10):
        waits.append(PACE.away * strikes.factor(ONE, now))
        strikes.add(ONE, now)
        now += waits[-1] + 2 * PACE.failing
    assert waits == [60.0 * minutes for minutes in (5, 10, 20, 40, 80, 80, 80, 80, 80, 80)]


def test_the_last_that_stands_for_it_takes_it_though_it_stepped_back() -> None:
    crowd = Crowd()
    crowd.join("demo-0", [ONE], failing={ONE})
    second = crowd.join("demo-1", [ONE])
    crowd.live(3 * STEADY)
    assert crowd.holders() == {ONE: "demo-1"}
    crowd.leave(second)
    crowd.live(2 * TIMINGS.renew_period)
    assert crowd.holders() == {ONE: "demo-0"}


def test_a_drain_during_a_move_leaves_the_time_of_the_drain() -> None:
    crowd = Crowd()
    holder = crowd.join("demo-1", [ONE], step=50.0)
    crowd.live(STEADY)
    crowd.join("demo-0", [ONE])
    crowd.live(STEADY)
    assert holder.ending
    crowd.leave(holder)
    crowd.live(1.0)
    assert crowd.holders() == {ONE: "demo-0"}


def test_a_move_waits_for_a_step_however_long_and_then_holds_up_no_other() -> None:
    crowd = Crowd()
    holder = crowd.join("demo-1", [ONE, JOB, *FIFTY[:4]])
    crowd.live(STEADY)
    holder.step = 1000.0  # of whatever is asked to stop now
    crowd.join("demo-0", [ONE])
    crowd.live(STEADY)
    assert [move.singleton for move in holder.moves] == [ONE]
    assert crowd.holders()[ONE] == "demo-1", "it goes on"
    holder.step = 0.0
    crowd.join("demo-2", FIFTY[:4], prefer=dict.fromkeys(FIFTY[:4], ""))
    crowd.live(PACE.step + STEADY)
    assert len(holder.moves) > 1
    assert crowd.grants[ONE] == 1


def test_what_never_ends_its_step_holds_up_no_more_than_is_named_at_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("immutant.election.placement.ROOM", 2)
    names = [name for name in FIFTY if _by_rank(name, ["demo-0", "demo-1"])[0] == "demo-1"][:5]
    crowd = Crowd()
    first = crowd.join("demo-0", names)
    crowd.live(STEADY)
    first.step = 1e9  # of whatever is asked to stop now
    crowd.join("demo-1", names)
    while len(first.ending) < 2:
        crowd.live(1.0, step=0.5)
    first.step = 0.0
    stuck = set(first.ending)
    crowd.live(5 * PACE.step, step=0.5)
    assert {name for name, member in crowd.holders().items() if member == "demo-0"} == stuck


def test_a_want_by_hand_that_nobody_stands_behind_is_given_in_to_ever_more_rarely() -> None:
    crowd = Crowd()
    crowd.join("demo-1", [ONE])
    crowd.join("demo-0", FIFTY[:1])
    crowd.live(STEADY)
    record = f"{APP}.member.0"
    for _ in range(600):
        lease = crowd.table.records[record]
        said = Stance(wants={ONE: ""}).to_body()
        if lease.body != said:
            crowd.table.edit(replace(lease, body=said))
        crowd.live(0.5)
    assert crowd.holders()[ONE] == "demo-1"
    assert 2 <= crowd.grants[ONE] <= 6


def test_a_cluster_without_changes_never_moves_anything() -> None:
    crowd = Crowd()
    for number in range(3):
        crowd.join(f"demo-{number}", FIFTY)
    crowd.live(STEADY + 50 * A_MOVE, step=0.2)
    moves = len(crowd.moves())
    crowd.live(60.0)
    assert len(crowd.moves()) == moves


_NAMES = [f"{APP}.daemon.d{n}" for n in range(4)]
_numbers = st.integers(0, 4)
_events = st.lists(
    st.one_of(
        st.tuples(st.just("join"), _numbers, st.sets(st.sampled_from(_NAMES))),
        st.tuples(st.just("leave"), _numbers, st.just(set[str]())),
        st.tuples(st.just("die"), _numbers, st.just(set[str]())),
        st.tuples(st.just("wait"), st.integers(1, 30), st.just(set[str]())),
    ),
    min_size=1,
    max_size=8,
)
_places = st.lists(st.sampled_from(["", "near", "demo-1", "demo-4"]), min_size=4, max_size=4)
_zones = st.lists(st.sampled_from(["", "near", "far"]), min_size=5, max_size=5)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_events, _places, _zones)
def test_after_any_comings_and_goings_all_are_in_place_and_each_moved_once_a_change(
    events: list[tuple[str, int, set[str]]], places: list[str], zones: list[str]
) -> None:
    prefer = dict(zip(_NAMES, places, strict=True))
    crowd, changes = Crowd(), 2
    crowd.join("demo-9", _NAMES, prefer=prefer)  # somebody stands for everything, always
    for what, number, names in events:
        there = {person.member: person for person in crowd.people}
        person = there.get(f"demo-{number}")
        if what == "wait":
            crowd.live(number, step=0.25)
        elif what == "join" and person is None:
            changes += 1
            crowd.join(f"demo-{number}", names, zone=zones[number], prefer=prefer)
        elif what in ("leave", "die") and person is not None:
            changes += 1
            (crowd.leave if what == "leave" else crowd.die)(person)
    latest = crowd.table.now + 16 * PACE.settle + 2 * PACE.cool + STEADY + 4 * A_MOVE
    crowd.live(2 * TIMINGS.lease_duration, step=0.25)
    while crowd.holders() != crowd.places():
        assert crowd.table.now < latest, (crowd.holders(), crowd.places())
        crowd.live(1.0, step=0.25)
    assert max(crowd.grants.values()) <= 2 * changes, "a change costs a tenure and a move at most"
    before = crowd.grants.copy()
    crowd.live(2 * STEADY, step=0.25)
    assert crowd.grants == before


def _by_rank(name: str, members: list[str]) -> list[str]:
    return sorted(members, key=lambda one: rank(name, "", one, Stance()), reverse=True)


def test_where_data_cannot_be_written_nothing_is_wanted_and_others_come_first() -> None:
    crowd = Crowd()
    first = crowd.join("demo-1", FIFTY)
    crowd.live(STEADY)
    second = crowd.join("demo-0", FIFTY)
    second.election.reaches(Data.REFUSED, crowd.table.now)
    crowd.live(2 * STEADY)
    assert set(crowd.holders().values()) == {"demo-1"}
    third = crowd.join("demo-2", FIFTY)
    third.election.reaches(Data.REFUSED, crowd.table.now)
    second.election.reaches(Data.WRITABLE, crowd.table.now)
    crowd.leave(first)
    crowd.live(STEADY)
    assert set(crowd.holders().values()) == {"demo-0"}
    assert len(crowd.holders()) == len(FIFTY)


def test_where_nobody_can_write_data_somebody_runs_it_all_the_same() -> None:
    crowd = Crowd()
    for number in range(2):
        one = crowd.join(f"demo-{number}", [ONE])
        one.election.reaches(Data.REFUSED, crowd.table.now)
    crowd.live(STEADY)
    assert ONE in crowd.holders()


def test_a_resident_member_renews_its_lease_and_expels_the_dead_without_a_singleton() -> None:
    crowd = Crowd()
    for number in range(2):
        crowd.join(f"demo-{number}", [], resident=True)
    crowd.live(STEADY)
    joined = TIMINGS.lease_duration  # a missing lease proves nothing: it is waited out
    assert crowd.writes[f"{APP}.member.0"] >= (STEADY - joined) / TIMINGS.renew_period - 1
    crowd.die(crowd.people[1])
    crowd.live(STEADY)
    assert crowd.table.member("demo-1").ended == "expelled"
    assert crowd.table.member("demo-0").ended == ""
    crowd.leave(crowd.people[0])
    assert crowd.table.member("demo-0").ended == "resigned"


def test_a_member_whose_data_is_gone_says_so_to_the_others_and_takes_it_back() -> None:
    crowd = Crowd()
    one = crowd.join("demo-0", [], resident=True)
    crowd.live(STEADY)
    one.election.reaches(Data.GONE, crowd.table.now)
    crowd.live(2 * TIMINGS.renew_period)
    assert Stance.of(crowd.table.member("demo-0").body).dataless
    one.election.reaches(Data.WRITABLE, crowd.table.now)
    crowd.live(2 * TIMINGS.renew_period)
    assert not Stance.of(crowd.table.member("demo-0").body).dataless


def test_what_a_members_grid_looks_like_is_said_with_the_next_renewal_and_costs_none() -> None:
    crowd = Crowd()
    one = crowd.join("demo-0", [], resident=True)
    crowd.live(STEADY)
    assert Stance.of(crowd.table.member("demo-0").body).grid is None
    view, writes = GridView(2, "0ff1ce", safe=True), crowd.writes[f"{APP}.member.0"]
    one.election.sees(view, crowd.table.now)
    assert crowd.writes[f"{APP}.member.0"] == writes
    crowd.live(2 * TIMINGS.renew_period)
    assert Stance.of(crowd.table.member("demo-0").body).grid == view
    assert crowd.writes[f"{APP}.member.0"] <= writes + 3
