from typing import Any

import pytest
from tests.behaviour.services.conftest import NoCoordinator

from immutant import App
from immutant.singletons.duties import DaemonDuty, Duty, JobDuty
from immutant.testing import FakeClock


def daemon(**guards: Any) -> Duty:
    app = App("demo")
    app.daemon(**guards)(lambda: None)
    return DaemonDuty(app.definitions.daemons[0], NoCoordinator(), FakeClock())


def job(**guards: Any) -> Duty:
    app = App("demo")
    app.job(every=1, **guards)(lambda: None)
    return JobDuty(app.definitions.jobs[0], NoCoordinator(), FakeClock())


@pytest.mark.parametrize("duty", [daemon, job])
def test_what_asks_for_a_hard_deadline_stands_with_it(duty: Any) -> None:
    assert not duty().candidacy.hard_deadline
    assert duty(hard_deadline=True).candidacy.hard_deadline


def test_a_daemon_shows_life_within_what_it_says() -> None:
    assert daemon(alive_within="1m").alive_within == 60.0
    assert daemon().alive_within is None
