"""The rollout as decisions, and whole rollouts played out by them."""

import itertools
from dataclasses import replace

import pytest

from immutant_operator.observed import Fleet, Pod
from immutant_operator.rollout import next_size, next_step


def pod(ordinal: int, revision: str = "new", *, ready: bool = True, leaving: bool = False) -> Pod:
    name = f"demo-{ordinal}"
    return Pod(name, f"{name}-{revision}", ordinal, revision, ready and not leaving, leaving)


def fleet(*pods: Pod, size: int | None = None, revision: str = "new") -> Fleet:
    return Fleet(len(pods) if size is None else size, revision, pods)


def replaced(wanted: int, there: Fleet) -> str | None:
    step = next_step(wanted, there)
    return step.replace.name if step.replace else None


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
    assert (next_size(1, alone), replaced(1, alone)) == (2, None)
    assert replaced(1, fleet(pod(0, "old"), pod(1, ready=False))) is None
    assert replaced(1, fleet(pod(0, "old"), pod(1))) == "demo-0"
    assert next_size(1, fleet(pod(0, ready=False), pod(1))) == 2
    assert next_size(1, fleet(pod(0), pod(1))) == 1


def test_a_single_pod_that_does_not_serve_is_replaced_in_place() -> None:
    broken = fleet(pod(0, "old", ready=False))
    assert (next_size(1, broken), replaced(1, broken)) == (1, "demo-0")


def test_the_temporary_pod_goes_at_once_when_the_change_is_taken_back() -> None:
    assert next_size(1, fleet(pod(0, "old"), pod(1, "broken", ready=False), revision="old")) == 1


def test_more_pods_come_at_once_and_go_one_by_one() -> None:
    assert next_size(5, fleet(pod(0), pod(1))) == 5
    assert next_size(1, fleet(pod(0), pod(1), pod(2))) == 2
    assert next_size(0, fleet(pod(0))) == 0


def test_no_pod_goes_before_the_one_before_it_has_gone() -> None:
    assert next_size(0, fleet(pod(0), pod(1), pod(2, leaving=True), size=2)) == 2


def test_a_pod_that_serves_stays_while_those_below_it_do_not() -> None:
    assert next_size(1, fleet(pod(0, ready=False), pod(1))) == 2
    assert next_size(1, fleet(pod(0, ready=False), pod(1, ready=False))) == 1


def test_no_pod_goes_before_it_is_known_which_are_outdated() -> None:
    assert next_size(1, fleet(pod(0, "old"), pod(1), revision="")) == 2


class Played:
    """A StatefulSet's controller that obeys, and pods that come up unless their version is bad."""

    def __init__(self, pods: int, bad: str = "") -> None:
        self.pods = [pod(ordinal, "old") for ordinal in range(pods)]
        self.size = pods
        self.bad = bad
        self.fewest = pods

    def turn(self, wanted: int) -> bool:
        """One reconcile and what follows from it; whether anything moves."""
        self.size = next_size(wanted, self.seen)
        self._obey()
        step = next_step(wanted, self.seen)
        if step.replace is not None:
            self.pods.remove(step.replace)
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
