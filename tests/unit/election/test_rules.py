"""The rules of docs/coordination.md, each against the execution that broke a simpler one."""

from dataclasses import replace

import pytest
from tests.unit.election.table import APP, COUNTER, TIMINGS, Seat, Table, holder

from immutant.election import Pace, Put, member_lease
from immutant.leases import Lease, LeaseSnapshot
from immutant.link import Granted, Heartbeat

DURATION = TIMINGS.lease_duration
PACE = Pace.of(TIMINGS)


def had_resigned(table: Table, member: str) -> None:
    """A former life of the member has ended: its next one joins at once."""
    name = member_lease(APP, member)
    table.edit(Lease(name, holder=f"{member}/0", member=member, ended="resigned"))


def test_rule_1_a_renewal_whose_reply_was_lost_is_settled_by_reading() -> None:
    seat = holder(table := Table())
    before = seat.election.good_until
    table.now += TIMINGS.renew_period
    seat.do(seat.election.wake(table.now))
    seat.serve(lose_reply=True)
    seat.settle()
    assert seat.election.good_until > before
    assert not seat.election.ended


def test_rule_1_a_member_whose_record_is_anothers_is_over() -> None:
    seat = holder(table := Table())
    table.edit(replace(table.member("demo-0"), holder="somebody", nonce="x"))
    table.now += TIMINGS.renew_period
    seat.do(seat.election.wake(table.now))
    while seat.requests:
        seat.serve()
    assert seat.election.ended
    assert seat.words() == ["Granted", "Revoked"]


def test_rule_2_a_renewal_that_the_watch_has_not_reached_does_not_count() -> None:
    seat = holder(Table())
    before = seat.election.good_until
    seat.live(TIMINGS.renew_deadline + 0.2, watching=False)
    assert seat.election.good_until == before
    assert seat.words() == ["Granted", "Revoked"], "its own renewals all landed, and yet"


def test_rule_2_a_renewal_that_counts_after_the_deadline_revives_nothing() -> None:
    seat = holder(Table())
    seat.live(TIMINGS.renew_deadline + 0.2, watching=False)
    seat.settle()
    assert seat.words()[-1] == "Revoked"


def test_rule_2_a_renewal_that_counts_before_the_watch_shows_a_tenure_prolongs_it_then() -> None:
    seat = holder(table := Table())
    table.now += TIMINGS.renew_period
    seat.do(seat.election.wake(table.now))
    seat.do(seat.election.stand("demo.daemon.other", None, table.now))
    seat.serve()
    seat.serve()  # renewed, and acquired after that
    assert seat.words()[-1] == "Granted"
    before = seat.election.good_until
    seat.watch()
    assert seat.election.good_until > before
    prolonged = [event for _, event in seat.heard if event == Heartbeat(seat.election.good_until)]
    assert len(prolonged) == 2, "the new tenure as well as the one that was shown before"


def test_rule_3_an_observer_with_a_stalled_watch_cannot_take_over() -> None:
    first = holder(table := Table())
    observer = Seat(table, "demo-1")
    first.live(1.0, observer)
    # From here on the observer sees nothing; the holder renews all the time.
    for _ in range(round((DURATION + 2) / 0.1)):
        first.live(0.1)
        observer.do(observer.election.wake(table.now))
        while observer.requests:
            observer.serve()
    assert first.holds
    assert not observer.holds
    assert table.member("demo-0").ended == ""


def test_rule_3_a_silent_holder_is_expelled_and_only_then_succeeded() -> None:
    holder(table := Table())
    observer = Seat(table, "demo-1")
    observer.live(DURATION - 0.3)
    assert table.member("demo-0").ended == ""
    assert not observer.holds
    observer.live(2.0)
    assert table.member("demo-0").ended == "expelled"
    assert observer.holds


def test_rule_4_the_same_pods_next_life_waits_for_the_death_of_the_former() -> None:
    holder(table := Table())
    again = Seat(table, "demo-0", life=2)
    again.live(DURATION - 0.3)
    assert table.member("demo-0").holder == "demo-0/1"
    again.live(2.0)
    assert table.member("demo-0").holder == "demo-0/2"
    assert table.member("demo-0").former == ("demo-0/1",)
    assert again.holds


def test_rule_5_a_deleted_lease_lets_nobody_in_before_its_holder_has_stopped() -> None:
    first = holder(table := Table())
    second = Seat(table, "demo-1")
    first.live(1.0, second)
    table.delete(COUNTER)
    second.live(DURATION - 0.3)
    assert not second.holds
    first.settle()
    assert first.words() == ["Granted", "Revoked"]


def test_rule_5_an_emptied_lease_lets_nobody_in_before_its_holder_has_stopped() -> None:
    first = holder(table := Table())
    second = Seat(table, "demo-1")
    first.live(1.0, second)
    table.edit(Lease(COUNTER))
    second.live(DURATION - 0.3)
    assert not second.holds


def test_rule_5_a_record_that_names_another_by_hand_is_no_more_its_holders() -> None:
    first = holder(table := Table())
    had_resigned(table, "demo-2")
    second = Seat(table, "demo-1")
    first.live(DURATION + 1, second)
    table.edit(replace(table.records[COUNTER], holder="demo-2/0", member="demo-2"))
    second.live(2.0)
    assert not second.holds, "the named one is dead; who was there before may run on"
    first.settle()
    assert first.words() == ["Granted", "Revoked"]


@pytest.mark.parametrize("stands", [True, False])
@pytest.mark.parametrize("nonce", ["the same", "another"])
def test_rule_e_who_is_named_by_hand_gives_back_what_it_never_had(
    nonce: str, *, stands: bool
) -> None:
    first, second = holder(table := Table()), Seat(table, "demo-1")
    if not stands:
        second.do(second.election.stand("demo.daemon.other", None, table.now))
        second.do(second.election.leave(COUNTER, table.now))
    first.live(DURATION + 1, second)
    was, named = table.records[COUNTER], table.member("demo-1")
    kept = was.nonce if nonce == "the same" else nonce
    table.edit(replace(was, holder=named.holder, member=named.member, nonce=kept))
    first.live(DURATION - 0.3, second)
    assert first.words() == ["Granted", "Revoked"]
    assert not first.holds
    assert not second.holds
    first.live(2.0, second)
    assert first.holds or second.holds


def test_rule_e_a_holder_whose_nonce_was_edited_gives_the_record_back() -> None:
    first = holder(table := Table())
    table.edit(replace(table.records[COUNTER], nonce="x"))
    first.settle()
    assert first.words() == ["Granted", "Revoked"]
    first.live(2 * DURATION)
    assert first.holds


def test_rule_5_an_old_record_put_back_by_hand_lets_no_newcomer_in() -> None:
    first = holder(table := Table())
    had_resigned(table, "demo-1")
    released = replace(table.records[COUNTER], released=table.records[COUNTER].nonce)
    table.edit(released)  # what it looked like after some former release
    newcomer = Seat(table, "demo-1")
    newcomer.live(DURATION - 0.3)
    assert not newcomer.holds, "known from a listing alone, it proves nothing"
    first.settle()
    assert first.words() == ["Granted", "Revoked"]


def test_rule_5_nor_where_the_newcomers_watch_shows_it_before_its_first_listing() -> None:
    first = holder(table := Table())
    had_resigned(table, "demo-1")
    before = len(table.log)
    table.edit(replace(table.records[COUNTER], released=table.records[COUNTER].nonce))
    newcomer = Seat(table, "demo-1", seen=before)
    newcomer.live(DURATION - 0.3)
    assert not newcomer.holds, "it has not seen whose record was overwritten"
    first.settle()
    assert first.words() == ["Granted", "Revoked"]


def test_rule_5_a_listing_that_is_older_than_an_event_takes_nothing_back() -> None:
    table = Table()
    had_resigned(table, "demo-1")
    free = LeaseSnapshot(tuple(table.records.values()), table.version)
    listed = len(table.log)
    first = holder(table)
    second = Seat(table, "demo-1", seen=listed, listing=free)
    second.live(DURATION + 1.0, first)
    assert first.holds
    assert not any(isinstance(one, Put) and one.lease.name == COUNTER for one in second.asked)


def test_rule_5_nor_does_a_listing_that_the_watch_has_overtaken() -> None:
    table = Table()
    had_resigned(table, "demo-1")
    free = LeaseSnapshot(tuple(table.records.values()), table.version)
    first, second = holder(table), Seat(table, "demo-1")
    second.do(second.election.listed(free, table.now))
    second.live(DURATION + 1.0, first)
    assert first.holds
    assert not any(isinstance(one, Put) and one.lease.name == COUNTER for one in second.asked)


def test_rule_5_a_holder_that_vanished_without_a_release_is_waited_out() -> None:
    first = holder(table := Table())
    second = Seat(table, "demo-1")
    first.live(1.0, second)
    dead = replace(table.records[COUNTER], holder="demo-2/1", member="demo-2", nonce="old")
    table.edit(
        Lease(member_lease(APP, "demo-2"), holder="demo-2/1", member="demo-2", ended="expelled")
    )
    second.live(0.5, first)
    table.edit(dead)  # put back by hand over the holder that lives
    second.live(DURATION - 0.3)
    assert not second.holds
    first.settle()
    assert not first.holds or first.words()[-1] == "Revoked"


def test_rule_5_a_member_lease_edited_by_hand_ends_nobody_else() -> None:
    first = holder(table := Table())
    second = Seat(table, "demo-1")
    first.live(DURATION + 1, second)
    table.edit(replace(table.member("demo-1"), body="[" * 5000))
    first.live(0.5)
    assert first.words() == ["Granted"]
    assert first.holds


def test_rule_6_a_release_under_way_does_not_empty_the_successors_lease() -> None:
    first = holder(table := Table())
    (granted,) = [event for _, event in first.heard if isinstance(event, Granted)]
    first.do(first.election.stopped(COUNTER, granted.tenure, table.now))
    release = first.requests[0]
    assert isinstance(release, Put)
    assert release.lease.released
    successor = replace(table.records[COUNTER], holder="demo-1/1", member="demo-1", nonce="new")
    table.edit(successor)
    while first.requests:
        first.serve()
    assert table.records[COUNTER].nonce == "new"
    assert table.records[COUNTER].released == ""


def test_who_was_given_up_never_comes_back_though_its_join_looked_lost() -> None:
    table = Table()
    seat = Seat(table, "demo-0")
    seat.pass_time(DURATION + 0.1)
    request = seat.requests.popleft()
    assert isinstance(request, Put)
    # The join lands, its reply is lost, and before it is settled others expel the member.
    table.write(request.lease, request.expect)
    table.edit(replace(table.member("demo-0"), ended="expelled"))
    seat.do(seat.election.unknown(request, table.now))
    seat.live(DURATION + 1)
    assert seat.election.ended
    assert table.member("demo-0").ended == "expelled"


def test_nobody_resigns_while_an_acquisition_is_under_way() -> None:
    table = Table()
    seat = Seat(table, "demo-0")
    while not seat.acquires():
        seat.pass_time(0.1)
        while seat.requests and not seat.acquires():
            seat.serve()
            seat.watch()
    seat.do(seat.election.drain("a test", 1.0, table.now))
    names = [one.lease.name for one in seat.requests if isinstance(one, Put) and one.lease.ended]
    assert names == [], "resigning would free what is about to be acquired"
    seat.live(1.0)
    assert seat.words() == [], "what lands during a drain is granted to nobody"
    assert table.records[COUNTER].released == table.records[COUNTER].nonce
    assert table.member("demo-0").ended == "resigned"


def test_a_hand_over_names_its_successor_at_once() -> None:
    first = holder(table := Table())
    second = Seat(table, "demo-1")
    first.live(DURATION + 1, second)
    first.do(first.election.drain("a test", 1.0, table.now))
    (granted,) = [event for _, event in first.heard if isinstance(event, Granted)]
    assert first.words()[-1] == "Stopping"
    first.do(first.election.stopped(COUNTER, granted.tenure, table.now))
    first.settle()
    second.live(0.3, first)
    assert second.holds
    (follower,) = [event for _, event in second.heard if isinstance(event, Granted)]
    assert int(follower.token) > int(granted.token)


def moving(table: Table) -> tuple[Seat, Seat]:
    """A holder that has been asked to hand over, and the member that wants it."""
    first = holder(table, "demo-1")
    second = Seat(table, "demo-0")
    while first.words()[-1] != "Stopping":
        first.live(0.1, second)
        assert table.now < 200
    return first, second


def nonce_of(seat: Seat) -> str:
    return [event for _, event in seat.heard if isinstance(event, Granted)][-1].tenure


def test_rule_6_a_move_follows_the_end_of_the_step_and_the_wanting_one_takes_it_at_once() -> None:
    first, second = moving(table := Table())
    first.live(TIMINGS.renew_deadline, second)
    assert first.words() == ["Granted", "Stopping"], "it goes on, renewed, for the step at hand"
    assert not second.holds
    first.do(first.election.stopped(COUNTER, nonce_of(first), table.now))
    first.settle()
    second.settle()
    assert second.holds, "no turn is waited for"


def test_rule_6_a_release_whose_reply_was_lost_in_a_move_leaves_the_successor_alone() -> None:
    first, second = moving(table := Table())
    first.do(first.election.stopped(COUNTER, nonce_of(first), table.now))
    first.serve(lose_reply=True)
    second.settle()
    assert second.holds
    while first.requests:
        first.serve()
        first.watch()
    assert not first.holds
    assert table.records[COUNTER].holder == "demo-0/1"
    assert table.records[COUNTER].released == ""


def test_what_the_wanting_one_does_not_take_is_taken_back_and_kept_for_a_while() -> None:
    first, second = moving(table := Table())
    first.do(first.election.stopped(COUNTER, nonce_of(first), table.now))
    first.settle()
    while not first.holds:  # its successor is cut off; it stands again by itself
        first.live(0.1)
    first.live(PACE.cool - 0.5, second)
    assert first.words() == ["Granted", "Stopping", "Granted"]
    first.live(PACE.settle + 2, second)
    assert first.words()[-1] == "Stopping", "then it is tried again"


def test_a_drain_of_the_wanting_one_during_its_acquisition_frees_what_it_acquired() -> None:
    first, second = moving(table := Table())
    first.do(first.election.stopped(COUNTER, nonce_of(first), table.now))
    first.settle()
    second.watch()
    assert second.acquires()
    second.do(second.election.drain("a test", 1.0, table.now))
    second.live(1.0, first)
    assert table.member("demo-0").ended == "resigned"
    assert second.words() == [], "nothing was granted in a drain"
    first.live(1.0)
    assert first.holds


def test_rule_9_the_death_of_the_application_in_a_move_frees_it_at_once() -> None:
    first, second = moving(table := Table())
    first.do(first.election.app_died(table.now))
    first.settle()
    second.live(0.2)
    assert second.holds


def test_who_missed_a_release_wants_nothing_that_it_could_not_take_at_once() -> None:
    first = holder(table := Table(), "demo-1")
    third = Seat(table, "demo-0")
    third.answers = False  # its application hangs, so that another gets what is its
    second = Seat(table, "demo-2")
    while first.words()[-1] != "Stopping":
        first.live(0.1, second, third)
    first.do(first.election.stopped(COUNTER, nonce_of(first), table.now))
    first.settle()
    second.settle()
    assert second.holds
    for _ in range(round((PACE.settle - 1) / 0.1)):
        first.live(0.1, second)
        third.do(third.election.wake(table.now))
        while third.requests:  # it renews, and sees nothing
            third.serve()
    third.relist()  # it has seen two holders, and nothing in between
    third.answers = True
    first.live(DURATION - 0.5, second, third)
    assert second.words() == ["Granted"], "released, it would lie there until the wait is over"
    first.live(4, second, third)
    assert second.words()[-1] == "Stopping"


def test_a_raised_epoch_gives_tokens_greater_than_all_before_although_versions_begin_anew() -> None:
    before = holder(table := Table())
    table.version += 1_000_000
    (old,) = before.election.tenures().values()
    restored = Table()
    after = Seat(restored, "demo-0", epoch=1)
    after.live(2 * DURATION)
    (new,) = after.election.tenures().values()
    assert new > 2**48 > old
