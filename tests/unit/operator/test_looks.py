"""When an app is looked at again, although no watch tells of anything."""

from tests.unit.operator.fleets import LONG, ages, fleet, lease, pod, safe

from immutant_operator.grid import Grid
from immutant_operator.observed import Fleet
from immutant_operator.reconciler import _again
from immutant_operator.rollout import Step
from immutant_operator.status import Finding

DONE = Step((), False, "Complete", "")


def again(there: Fleet, grid: Grid, step: Step = DONE) -> float | None:
    return _again(Finding(there, step, grid=grid))


def test_an_app_at_rest_is_left_to_the_watches() -> None:
    there = fleet(pod(0, node="near"), pod(1, node="far"))
    assert again(there, safe(there)) is None


def test_a_grid_that_is_not_safe_is_looked_at_later_the_longer_it_has_been_so() -> None:
    there = fleet(pod(0))
    leases = {there.pods[0].uid: lease(there.pods[0], 1, safe=False)}
    for settled, seconds in ((0.0, 1.0), (50.0, 5.0), (LONG, 10.0)):
        assert again(there, Grid(there.pods, leases, ages(there.pods, settled=settled))) == seconds


def test_who_says_nothing_of_the_grid_is_asked_for_two_minutes() -> None:
    there = fleet(pod(0))
    assert again(there, Grid(there.pods, {}, ages(there.pods, settled=119.0))) == 10.0
    assert again(there, Grid(there.pods, {}, ages(there.pods, settled=120.0))) is None


def test_the_lease_of_a_pod_that_has_just_stopped_serving_is_followed_closely() -> None:
    there = fleet(pod(0), pod(1, node="far", ready=False))
    assert again(there, safe(there, steady=3.0)) == 1.0
    assert again(there, safe(there, steady=LONG)) is None
    starting = Grid(there.pods, {there.pods[0].uid: lease(there.pods[0], 1)}, ages(there.pods))
    assert again(there, starting) is None, "it has no Lease yet"


def test_what_a_step_asks_for_is_not_asked_for_sooner() -> None:
    there = fleet(pod(0), pod(1))
    step = Step((), True, "RollingOut", "", 4.0)
    assert again(there, safe(there, settled=0.0), step) == 4.0
    assert again(there, safe(there), step) == 10.0
