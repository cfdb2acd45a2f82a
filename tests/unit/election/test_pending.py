from immutant.election import Put
from immutant.election.pending import Pending
from immutant.leases import Lease

PAUSE = 0.25
PUT = Put(Lease("demo.daemon.counter"), 1)
NAME = PUT.lease.name


def gaps(pending: Pending, count: int, *, urgent: bool) -> list[float]:
    """The seconds between reads of a record, none of which is answered."""
    now, found = 0.0, []
    for _ in range(count):
        pending.reread(NAME, now, urgent=urgent)
        found.append(pending.next_reread() - now)
        now = pending.next_reread()
        assert pending.rereads_due(now) == [NAME]
    return found


def test_a_record_that_cannot_be_read_is_read_again_at_growing_distances() -> None:
    pending = Pending(PAUSE)
    pending.send(NAME, lambda: PUT, 0.0)
    assert gaps(pending, 6, urgent=False) == [0.25, 0.5, 1.0, 2.0, 2.0, 2.0]


def test_once_a_write_is_settled_the_next_one_is_read_after_as_early_as_the_first() -> None:
    pending = Pending(PAUSE)
    for settle in (pending.landed, lambda name: pending.failed(name, 0.0)):
        pending.send(NAME, lambda: PUT, 10.0)
        gaps(pending, 4, urgent=False)
        settle(NAME)
        pending.send(NAME, lambda: PUT, 20.0)
        assert gaps(pending, 1, urgent=False) == [PAUSE]
        pending.landed(NAME)


def test_what_is_urgent_is_read_again_as_early_each_time() -> None:
    pending = Pending(PAUSE)
    pending.send(NAME, lambda: PUT, 0.0)
    assert gaps(pending, 4, urgent=True) == [PAUSE] * 4
