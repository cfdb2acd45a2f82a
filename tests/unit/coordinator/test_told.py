"""What a coordinator makes of what one process after the other tells."""

from immutant.coordinator.told import Told
from immutant.counting import FAMILIES, Report, Series

SENT, HANDLED, IN_HAND = (
    "immutant_messages_sent",
    "immutant_handler_seconds",
    "immutant_messages_in_hand",
)


def report(
    process: str, number: int, sent: float, *, heard: bool | None = None, in_hand: float = 0
) -> Report:
    buckets = (int(sent), *(0 for _ in FAMILIES[HANDLED].bounds))
    series = (
        Series(SENT, ("q",), sent),
        Series(HANDLED, ("q",), sent * 0.5, buckets),
        Series(IN_HAND, ("q",), in_hand),
    )
    return Report(process, number, number > 1 if heard is None else heard, series)


def values(told: Told) -> dict[str, float]:
    return {one.name: one.value for one in told.series()}


def test_what_is_told_twice_is_counted_once() -> None:
    told = Told()
    told.take(report("a", 1, 3), 10.0)
    told.take(report("a", 2, 3), 12.0)
    told.take(report("a", 3, 5), 14.0)
    assert values(told)[SENT] == 5
    assert values(told)[HANDLED] == 2.5
    assert sum(next(one.counts for one in told.series() if one.counts)) == 5
    assert told.heard_at == 14.0


def test_another_process_goes_on_where_the_one_before_ended() -> None:
    told = Told()
    for life in range(5):  # one that dies again and again always tells the same
        told.take(report(f"life {life}", 1, 3), float(life))
    assert values(told)[SENT] == 15


def test_reports_that_come_late_change_nothing() -> None:
    told = Told()
    told.take(report("a", 1, 3), 10.0)
    told.take(report("a", 4, 9), 12.0)
    told.take(report("a", 2, 5), 12.1)  # a frozen coordinator wakes up and reads them as they come
    told.take(report("b", 1, 1), 13.0)
    told.take(report("a", 5, 11), 13.1)
    assert values(told)[SENT] == 10
    assert told.heard_at == 13.0


def test_a_coordinator_that_is_new_counts_what_is_new() -> None:
    told = Told()
    told.take(report("a", 700, 1000, heard=True), 10.0)
    assert values(told).get(SENT, 0) == 0
    told.take(report("a", 701, 1002), 12.0)
    assert values(told)[SENT] == 2


def test_what_was_never_answered_is_counted_in_full() -> None:
    told = Told()
    told.take(report("a", 3, 7, heard=False), 10.0)
    assert values(told)[SENT] == 7


def test_a_dead_process_has_nothing_in_hand() -> None:
    told = Told()
    told.take(report("a", 1, 3, in_hand=4), 10.0)
    told.gone("another")
    assert values(told)[IN_HAND] == 4
    told.gone("a")
    assert IN_HAND not in values(told)
    assert values(told)[SENT] == 3
    told.take(report("b", 1, 0, in_hand=1), 11.0)
    assert values(told)[IN_HAND] == 1
