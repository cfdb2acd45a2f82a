"""What the application beside a coordinator has been granted."""

from immutant.coordinator.tenures import Tenures
from immutant.link import Granted, Heartbeat, Stopping

COUNTER, AJOB = "demo.daemon.counter", "demo.job.ajob"


def test_a_tenure_is_known_from_its_grant_until_it_has_stopped() -> None:
    tenures = Tenures()
    assert not tenures
    tenures.tell(COUNTER, Granted("one", "1", 12.0))
    tenures.tell(COUNTER, Stopping("a test", 1.0))
    assert tenures.singleton("one") == COUNTER
    assert tenures.stop("one") == COUNTER
    assert (tenures.stop("one"), tenures.singleton("one")) == ("", "")
    assert not tenures


def test_a_heartbeat_prolongs_its_own_singleton_only() -> None:
    tenures = Tenures()
    tenures.tell(COUNTER, Granted("one", "1", 12.0))
    tenures.tell(AJOB, Granted("two", "1", 12.0))
    tenures.tell(AJOB, Heartbeat(14.0))
    assert tenures.deadlines() == {"one": 12.0, "two": 14.0}
    assert tenures.running(11.0) == {COUNTER, AJOB}
    assert tenures.running(12.0) == {AJOB}


def test_a_heartbeat_prolongs_the_latest_of_a_singletons_tenures() -> None:
    tenures = Tenures()
    tenures.tell(COUNTER, Granted("one", "1", 12.0))
    tenures.tell(COUNTER, Granted("two", "2", 13.0))
    tenures.tell(COUNTER, Heartbeat(14.0))
    assert tenures.deadlines() == {"one": 12.0, "two": 14.0}, "nobody renews a former one"
