"""What is news about tenures, and that an app that flaps is not told without end."""

import json
from typing import Any

from tests.unit.operator.leases import START, member, singleton

from immutant_operator.moves import Budget, News, news
from immutant_operator.roster import Roster
from immutant_operator.singletons import reported

NOW = "2027-01-15T09:00:00Z"
THREE = (member(0), member(1), member(2))


def read(*leases: Any) -> Roster:
    return Roster.read("demo", "uid-1", [*THREE, *leases])


def told(*leases: Any) -> dict[str, Any]:
    return reported(read(*leases), {}, NOW)


def test_a_move_is_told_with_its_reason_and_not_again() -> None:
    before = told(singleton("demo.daemon.counter", 0))
    former = ("demo-0/uid/1", "expelled")
    moved = read(singleton("demo.daemon.counter", 1, at=START + 9, former=former))
    assert news(before, moved) == [
        News(
            "Warning",
            "TenureMoved",
            "demo-0 -> demo-1: daemon counter; demo-0 was silent and has been expelled",
        )
    ]
    assert news(reported(moved, before, NOW), moved) == []


def test_a_hand_over_is_no_warning_though_nobody_held_it_for_a_while() -> None:
    between = told(singleton("demo.daemon.counter", 0, released=True))
    former = ("demo-0/uid/1", "released")
    (one,) = news(between, read(singleton("demo.daemon.counter", 1, at=START + 9, former=former)))
    assert (one.kind, one.reason) == ("Normal", "TenureMoved")
    assert one.message == "demo-0 -> demo-1: daemon counter; demo-0 has handed over"


def test_the_first_tenure_is_told_as_such() -> None:
    (one,) = news(told(), read(singleton("demo.daemon.counter", 2)))
    assert one.reason == "TenureBegan"
    assert one.message == "demo-2 runs daemon counter; no former holder is known"


def test_what_stays_in_its_pod_has_not_moved() -> None:
    before = told(singleton("demo.daemon.counter", 0))
    former = ("demo-0/uid/1", "resigned")
    again = singleton("demo.daemon.counter", 0, at=START + 9, former=former)
    assert news(before, read(again)) == []


def test_where_the_lease_does_not_say_who_was_before_the_status_does() -> None:
    before = told(singleton("demo.daemon.counter", 0))
    (one,) = news(before, read(singleton("demo.daemon.counter", 1, at=START + 9)))
    assert one.message == "demo-0 -> demo-1: daemon counter; it is not known how demo-0 ended"


def test_an_operator_that_looks_for_the_first_time_tells_no_old_news() -> None:
    assert news({"replicas": 3}, read(singleton("demo.daemon.counter", 0))) == []


def test_all_that_one_death_moves_is_one_event_for_each_heir() -> None:
    former = ("demo-0/uid/1", "expelled")
    leases = [
        singleton(f"demo.daemon.d{number:02}", 1 + number % 2, at=START + 9, former=former)
        for number in range(50)
    ]
    found = news(told(), read(*leases))
    assert len(found) == 2
    assert found[0].message.startswith("demo-0 -> demo-1: daemon d00, daemon d02, ")
    assert "daemon d18 and 15 more; demo-0 was silent" in found[0].message


def test_what_the_status_has_no_room_for_is_no_news() -> None:
    former = ("demo-0/uid/1", "expelled")
    names = [f"demo.daemon.d{number:03}" for number in range(501)]
    before = told(*(singleton(name, 0) for name in names))
    moved = read(*(singleton(name, 1, at=START + 9, former=former) for name in names))
    (one,) = news(before, moved)
    assert "and 490 more" in one.message
    after = reported(moved, before, NOW)
    assert news(after, moved) == []


def test_a_daemon_that_fails_again_and_again_is_told_once() -> None:
    body = json.dumps({"avoids": ["demo.daemon.counter"]})
    failing = Roster.read("demo", "uid-1", [member(0, body=body)])
    (one,) = news(told(), failing)
    assert (one.kind, one.reason) == ("Warning", "DaemonFailing")
    assert one.message.startswith("daemon counter failed again and again in demo-0")
    assert news(reported(failing, {}, NOW), failing) == []


def test_too_many_events_are_counted_and_told_with_the_next() -> None:
    now = [0.0]
    budget = Budget(lambda: now[0])
    one = News("Normal", "TenureMoved", "a -> b")
    assert budget.granted([one] * 14) == [one] * 10
    now[0] += 30
    assert budget.granted([one]) == []
    now[0] += 31
    (late,) = budget.granted([one])
    assert late.message == "a -> b (and 5 earlier events were left out)"
    now[0] += 3600
    assert budget.granted([one] * 14) == [one] * 10
