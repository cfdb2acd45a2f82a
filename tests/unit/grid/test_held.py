"""What a replica remembers of the deliveries in its hands."""

import dataclasses

from immutant.grid.held import Held
from immutant.grid.records import Record
from immutant.stores import Outgoing


def leased(number: int = 1) -> Record:
    return Record.sent(Outgoing(b""), str(number), now=0.0).leased("mark", 1.0)


def test_a_record_is_found_by_its_delivery_until_it_is_forgotten() -> None:
    held, record = Held(), leased()
    assert held.of(record.delivery()) is None
    held.hold(record)
    assert held.of(record.delivery()) == record
    later = dataclasses.replace(record.delivery(), attempt=2)
    assert held.of(later) is None
    held.forget(record)
    assert held.all() == []


def test_forgetting_one_version_keeps_the_next() -> None:
    held, record = Held(), leased()
    held.hold(record)
    held.hold(extended := record.extended(2.0))
    held.forget(record)
    assert held.all() == [extended]


def test_what_was_held_before_a_query_that_did_not_find_it_is_forgotten() -> None:
    held, found, stale, taken = Held(), leased(1), leased(2), leased(3)
    held.hold(found)
    held.hold(stale)
    moment = held.moment()
    held.hold(taken)
    held.keep({found.change}, moment)
    assert held.all() == [found, taken]
