"""The rollout as decisions, and whole rollouts played out by them."""

import itertools
from dataclasses import replace

import pytest
from tests.unit.operator.fleets import ages, fleet, lease, pod, safe

from immutant_operator.grid import Grid
from immutant_operator.observed import Fleet, Pod, Trouble
from immutant_operator.pace import Pace
from immutant_operator.rollout import STEADY, STEADY_AFTER_RESTART, next_size, next_step


def sized(wanted: int, there: Fleet) -> int:
    return next_size(wanted, there, safe(there))


def replaced(wanted: int, there: Fleet) -> str | None:
    step = next_step(wanted, there, safe(there))
    assert len(step.replace) <= 1
    return step.replace[0].name if step.replace else None


def test_pods_are_replaced_from_the_highest_down() -> None:
    assert replaced(2, fleet(pod(0, "old"), pod(1, "old"))) == "demo-1"
    assert replaced(2, fleet(pod(0, "old"), pod(1))) == "demo-0"
    assert replaced(2, fleet(pod(0), pod(1))) is None


@pytest.mark.parametrize(
    "second", [pod(1, ready=False), pod(1, leaving=True), pod(1, "old", leaving=True)]
)
def test_nothing_is_replaced_while_one_is_coming_or_going(second: Pod) -> None:
    assert replaced(2, fleet(pod(0, "old"), second)) is None
    assert replaced(2, fleet(pod(0, "old"), size=2)) is None


def test_nothing_is_replaced_before_the_new_version_is_known() -> None:
    assert replaced(2, fleet(pod(0, "old"), pod(1, "old"), revision="")) is None


def test_a_pod_of_a_broken_version_makes_way_for_the_mended_one() -> None:
    stuck = fleet(pod(0, "old"), pod(1, "broken", ready=False))
    assert replaced(2, stuck) == "demo-1"


def test_of_outdated_pods_those_that_do_not_serve_go_first() -> None:
    assert replaced(3, fleet(pod(0, "old", ready=False), pod(1, "old"), pod(2, "old"))) == "demo-0"


def test_the_last_old_pod_is_not_touched_while_the_new_one_does_not_come_up() -> None:
    assert replaced(2, fleet(pod(0, "old", ready=False), pod(1, ready=False))) is None


def test_a_single_pod_that_serves_gets_a_second_before_it_goes() -> None:
    alone = fleet(pod(0, "old"))
    assert (sized(1, alone), replaced(1, alone)) == (2, None)
    assert replaced(1, fleet(pod(0, "old"), pod(1, ready=False))) is None
    assert replaced(1, fleet(pod(0, "old"), pod(1))) == "demo-0"
    assert sized(1, fleet(pod(0, ready=False), pod(1))) == 2
    assert sized(1, fleet(pod(0), pod(1))) == 1


def test_a_single_pod_that_does_not_serve_is_replaced_in_place() -> None:
    broken = fleet(pod(0, "old", ready=False))
    assert (sized(1, broken), replaced(1, broken)) == (1, "demo-0")


def test_the_temporary_pod_goes_at_once_when_the_change_is_taken_back() -> None:
    assert sized(1, fleet(pod(0, "old"), pod(1, "broken", ready=False), revision="old")) == 1


def test_more_pods_come_at_once_and_go_one_by_one() -> None:
    assert sized(5, fleet(pod(0), pod(1))) == 5
    assert sized(1, fleet(pod(0), pod(1), pod(2))) == 2
    assert sized(0, fleet(pod(0))) == 0


def test_no_pod_goes_before_the_one_before_it_has_gone() -> None:
    assert sized(0, fleet(pod(0), pod(1), pod(2, leaving=True), size=2)) == 2


def test_a_pod_that_serves_stays_while_those_below_it_do_not() -> None:
    assert sized(1, fleet(pod(0, ready=False), pod(1))) == 2
    assert sized(1, fleet(pod(0, ready=False), pod(1, ready=False))) == 1


def test_no_pod_goes_before_it_is_known_which_are_outdated() -> None:
    assert sized(1, fleet(pod(0, "old"), pod(1), revision="")) == 2


def test_no_pod_that_serves_goes_while_the_grid_is_not_safe_and_it_is_said_why() -> None:
    there = fleet(pod(0, "old"), pod(1, "old"))
    leases = {one.uid: lease(one, 2, safe=one.ordinal > 0) for one in there.pods}
    unsafe = Grid(there.pods, leases, ages(there.pods))
    step = next_step(2, there, unsafe)
    assert (step.replace, step.moving, step.again is not None) == ((), True, True)
    assert step.message == ("demo-1 is next of 2; copies of what demo-0 has are still to be made")
    same = replace(there, revision="old")
    assert next_size(1, same, unsafe) == 2
    assert "copies of what demo-0 has" in next_step(1, same, unsafe).message
    assert next_size(0, same, unsafe) == 1, "nothing is kept anyway"


def test_a_pod_that_was_ready_for_a_moment_is_not_believed() -> None:
    there = fleet(pod(0, "old"), pod(1))
    assert next_step(2, there, safe(there, steady=STEADY)).replace != ()
    young = next_step(2, there, safe(there, steady=STEADY - 1))
    assert (young.replace, young.again) == ((), 1.0)
    assert "until demo-0, demo-1 has been ready, or not, for a while" in young.message
    restarted = fleet(pod(0, "old"), pod(1, restarts=1))
    assert next_step(2, restarted, safe(restarted, steady=STEADY_AFTER_RESTART - 1)).replace == ()
    assert next_step(2, restarted, safe(restarted, steady=STEADY_AFTER_RESTART)).replace != ()


def test_a_pod_that_is_not_ready_for_a_moment_is_not_taken_for_it() -> None:
    there = fleet(pod(0, "old"), pod(1, "old", ready=False))
    assert next_step(2, there, safe(there, steady=STEADY - 1)).replace == ()
    assert next_step(2, there, safe(there, steady=STEADY)).replace == there.pods[1:]
    why = Trouble("CrashLooping", "it ended")
    broken = fleet(pod(0, "old"), pod(1, "old", ready=False, trouble=why))
    assert next_step(2, broken, safe(broken, steady=0.0)).replace == broken.pods[1:]


def test_nothing_is_replaced_while_a_pod_that_was_scaled_away_still_goes() -> None:
    there = fleet(pod(0, "old"), pod(1, "old"), pod(2, "old"), size=2)
    step = next_step(2, there, safe(there))
    assert (step.replace, step.message) == ((), "waiting for demo-2 to end")


def test_a_broken_pod_does_not_go_from_under_one_that_leaves() -> None:
    there = fleet(pod(0), pod(1, leaving=True), pod(2), pod(3, ready=False))
    assert sized(2, there) == 4


def test_more_pods_go_at_once_where_the_copies_allow_it_and_it_is_said_where_not() -> None:
    there = fleet(*(pod(number, "old") for number in range(5)))
    step = next_step(5, there, safe(there), Pace(most=3, owners=3))
    assert [one.name for one in step.replace] == ["demo-4", "demo-3"]
    assert step.message.endswith("; 2 at once and not 3, since each entry is on 3 pods")
    assert len(next_step(5, there, safe(there), Pace(most=2, owners=4)).replace) == 2
    assert Pace(most=3, owners=1).at_once(5) == 1
    assert Pace(most=3, owners=4).at_once(2) == 1, "two pods have two copies"
    assert Pace(most=3, owners=4).at_once(1) == 1


def test_a_pause_replaces_nothing_and_takes_nothing_back() -> None:
    paused = Pace(paused=True)
    there = fleet(pod(0, "old"), pod(1, "old"))
    step = next_step(2, there, safe(there), paused)
    assert (step.replace, step.moving, step.reason) == ((), False, "Paused")
    alone = fleet(pod(0, "old"))
    assert next_size(1, alone, safe(alone), paused) == 1
    half = fleet(pod(0, "old"), pod(1))
    assert next_size(1, half, safe(half), paused) == 2
    assert next_size(4, there, safe(there), paused) == 4, "scaling goes on"


def test_going_back_to_the_version_before_replaces_only_what_is_of_the_new_one() -> None:
    half = fleet(pod(0, "old"), pod(1, "old"), pod(2, "broken", ready=False), revision="old")
    step = next_step(3, half, safe(half))
    assert [one.name for one in step.replace] == ["demo-2"]
    back = fleet(pod(0, "old"), pod(1, "old"), pod(2, "old"), revision="old")
    assert next_step(3, back, safe(back)).reason == "Complete"


class Played:
    """A StatefulSet's controller that obeys, and pods that come up unless their version is bad."""

    def __init__(self, pods: int, bad: str = "") -> None:
        self.pods = [pod(ordinal, "old") for ordinal in range(pods)]
        self.size = pods
        self.bad = bad
        self.fewest = pods

    def turn(self, wanted: int) -> bool:
        """One reconcile and what follows from it; whether anything moves."""
        self.size = next_size(wanted, self.seen, safe(self.seen))
        self._obey()
        step = next_step(wanted, self.seen, safe(self.seen))
        for gone in step.replace:
            self.pods.remove(gone)
        self.fewest = min(self.fewest, sum(one.ready for one in self.pods))
        self._obey()
        self.pods = [replace(one, ready=one.revision != self.bad) for one in self.pods]
        return step.moving

    @property
    def seen(self) -> Fleet:
        return Fleet(self.size, "new", tuple(sorted(self.pods, key=lambda one: one.ordinal)))

    def _obey(self) -> None:
        self.pods = [one for one in self.pods if one.ordinal < self.size]
        there = {one.ordinal for one in self.pods}
        self.pods += [pod(n, ready=False) for n in range(self.size) if n not in there]


@pytest.mark.parametrize(("pods", "wanted"), list(itertools.product([1, 2, 3, 5], [1, 2, 3, 5])))
def test_every_rollout_and_scaling_ends_and_always_keeps_serving(pods: int, wanted: int) -> None:
    played = Played(pods)
    assert any(not played.turn(wanted) for _ in range(50))
    assert [one.revision for one in played.seen.pods] == ["new"] * wanted
    assert played.fewest >= max(1, min(pods, wanted) - 1)


@pytest.mark.parametrize("pods", [1, 2, 3])
def test_a_version_that_never_comes_up_costs_one_pod_at_most(pods: int) -> None:
    played = Played(pods, bad="new")
    for _ in range(20):
        played.turn(pods)
    serving = [one for one in played.pods if one.revision == "old" and one.ready]
    assert len(serving) == max(1, pods - 1)
