"""What a coordinator counts, and that nothing is counted twice."""

from immutant.coordinator.ledger import Ledger
from immutant.counting import Distribution
from immutant.election.observer import DEADLINE_PASSED, LIFE_ENDED, TAKEN_AWAY, Predecessor

COUNTER, AJOB = "demo.daemon.counter", "demo.job.ajob"


def running(*, before: Predecessor | None = None) -> Ledger:
    ledger = Ledger()
    ledger.grant(COUNTER, before, 10.0)
    return ledger


def test_a_tenure_ends_once_for_the_first_reason() -> None:
    ledger = running()
    ledger.expect_end(COUNTER, "handed_over")
    ledger.leave(COUNTER)
    ledger.stop(COUNTER)
    ledger.end_all("app_died")
    ledger.settle(held=())
    assert ledger.ended == {(COUNTER, "handed_over"): 1}


def test_each_revocation_has_a_word_of_its_own() -> None:
    for said, word in [
        (DEADLINE_PASSED, "deadline"),
        (TAKEN_AWAY, "taken"),
        (LIFE_ENDED, "expelled"),
    ]:
        ledger = running()
        ledger.revoke(COUNTER, said)
        ledger.stop(COUNTER)
        assert ledger.ended == {(COUNTER, word): 1}


def test_an_application_that_stops_without_being_told_has_stopped() -> None:
    ledger = running()
    ledger.stop(COUNTER)
    assert ledger.ended == {(COUNTER, "stopped"): 1}


def test_one_that_left_may_have_died() -> None:
    ledger = running()
    ledger.leave(COUNTER)
    ledger.settle(held={COUNTER})
    ledger.end_all("app_died")
    assert ledger.ended == {(COUNTER, "app_died"): 1}


def test_what_was_left_without_a_word_ends_when_it_is_not_held_any_more() -> None:
    ledger = running()
    ledger.settle(held=())
    ledger.leave(COUNTER)
    ledger.settle(held={COUNTER})
    assert not ledger.ended
    ledger.settle(held=())
    assert ledger.ended == {(COUNTER, "left"): 1}


def test_a_grant_ends_what_was_never_heard_of_again() -> None:
    ledger = running()
    ledger.leave(COUNTER)
    ledger.grant(COUNTER, None, 20.0)
    assert ledger.ended == {(COUNTER, "left"): 1}
    assert ledger.begun == {COUNTER: 2}


def test_a_failover_is_the_time_since_the_last_sign_of_life_by_how_it_ended() -> None:
    ledger = running(before=Predecessor("demo-1/uid/1", "expelled", 4.5))
    ledger.grant(AJOB, Predecessor("demo-1/uid/1", "released", 9.9), 10.0)
    assert {end: (one.count, round(one.sum, 3)) for end, one in ledger.failovers.items()} == {
        "expelled": (1, 5.5),
        "released": (1, 0.1),
    }


def test_lateness_is_of_first_runs_alone() -> None:
    ledger = Ledger()
    ledger.dispatch("ajob", due=100.0, attempt=1, wall=100.5)
    ledger.dispatch("ajob", due=100.0, attempt=2, wall=160.0)
    ledger.dispatch("ajob", due=161.0, attempt=1, wall=160.9)
    assert (ledger.lateness.count, ledger.lateness.sum) == (2, 0.5)
    assert (ledger.ticks, ledger.retries) == ({"ajob": 3}, {"ajob": 1})


def test_ends_of_runs_have_few_words() -> None:
    ledger = Ledger()
    for outcome in ("ok", "interrupted", "ValueError: no", "TypeError: no"):
        ledger.ran("ajob", outcome)
    assert ledger.runs == {
        ("ajob", "ok"): 1,
        ("ajob", "interrupted"): 1,
        ("ajob", "failed"): 2,
    }


def test_a_distribution_counts_up_to_each_bound_inclusive() -> None:
    found = Distribution([1.0, 2.0])
    for seconds in (0.5, 1.0, 1.5, 9.0):
        found.add(seconds)
    assert found.up_to() == [(1.0, 2), (2.0, 3), (float("inf"), 4)]
    assert (found.count, found.sum) == (4, 12.0)
