"""When a rollout is done or has failed, by what the operator reports."""

from typing import Any

from immutant.remote.apps import App
from immutant.remote.rollout import Limits, Outcome, Rollout

LIMITS = Limits(unseen=60, trouble=15, slack=60)
CRASH = "demo-2, container app ended with status 1: ImportError: no module named shop"


class Watched:
    """A rollout of generation 2 over three pods, and the time."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lines: list[str] = []
        self.rollout = Rollout(2, self.lines.append, lambda: self.now, LIMITS)

    def see(
        self,
        progressing: str,
        *,
        updated: str = "",
        ready: str = "012",
        degraded: tuple[str, str] | None = None,
        observed: int = 2,
        replicas: int = 3,
        numbers: str = "012",
    ) -> Outcome | None:
        pods = [
            {"name": f"demo-{n}", "ready": n in ready, "updated": n in updated, "member": True}
            for n in numbers
        ]
        reason, message = degraded or ("AsExpected", "no trouble is known")
        conditions = [
            _condition("Progressing", "True", progressing, "waiting", observed),
            _condition("Degraded", str(degraded is not None), reason, message, observed),
        ]
        status = {"observedGeneration": observed, "pods": pods, "conditions": conditions}
        return self.rollout.see(_app(replicas, {**status, "url": "http://demo"}))


def _condition(kind: str, status: str, reason: str, message: str, generation: int) -> Any:
    fields = {"type": kind, "status": status, "reason": reason, "message": message}
    return {**fields, "observedGeneration": generation}


def _app(replicas: int, status: dict[str, Any]) -> App:
    names = {"name": "demo", "namespace": "shop", "uid": "1", "resourceVersion": "7"}
    metadata = {**names, "generation": 2}
    return App.read({"metadata": metadata, "spec": {"replicas": replicas}, "status": status})


def test_what_is_reported_of_the_former_spec_is_no_end() -> None:
    watched = Watched()
    assert watched.see("Complete", updated="012", observed=1) is None
    assert watched.lines == []


def test_each_pod_is_told_once_and_the_end_is_the_operators_word() -> None:
    watched = Watched()
    assert watched.see("RollingOut") is None
    assert watched.see("RollingOut", updated="2", ready="01") is None
    assert watched.see("RollingOut", updated="2") is None
    assert watched.see("RollingOut", updated="12") is None
    done = watched.see("Complete", updated="012")
    assert done == Outcome(True, "", "http://demo")
    assert watched.lines == [
        "demo-2 starts",
        "demo-2 serves it (1 of 3)",
        "demo-1 serves it (2 of 3)",
        "demo-0 serves it (3 of 3)",
    ]


def test_pods_that_are_seen_to_serve_at_once_are_counted_one_by_one() -> None:
    watched = Watched()
    watched.see("RollingOut", updated="12")
    watched.see("Complete", updated="012")
    assert [line[-8:] for line in watched.lines] == ["(1 of 3)", "(2 of 3)", "(3 of 3)"]


def test_a_new_pod_that_goes_on_failing_has_failed_and_the_former_version_serves() -> None:
    watched = Watched()
    assert (
        watched.see("RollingOut", updated="2", ready="01", degraded=("CrashLooping", CRASH)) is None
    )
    assert watched.rollout.left() == 15
    watched.now += 14.9
    assert watched.rollout.look() is None
    watched.now += 0.1
    failed = watched.rollout.look()
    assert failed is not None
    assert not failed.is_done
    assert (failed.pod, failed.container) == ("demo-2", "app")
    serves = "the former version serves on in demo-0, demo-1"
    assert failed.sentence == f"{CRASH}; {serves}"
    assert failed.brief == f"demo-2, container app ended with status 1; {serves}"
    assert watched.lines == [
        "demo-2 starts",
        "demo-2 fails (CrashLooping); it has 15 s to get over it",
    ]


def test_of_an_app_with_one_pod_the_second_is_told_of_as_what_it_is_and_counts_for_nothing() -> (
    None
):
    watched = Watched()
    for updated, ready, numbers in (
        ("", "0", "0"),
        ("1", "0", "01"),
        ("1", "01", "01"),
        ("01", "1", "01"),
        ("01", "01", "01"),
        ("01", "0", "01"),  # the second is on its way out
    ):
        seen = watched.see("RollingOut", updated=updated, ready=ready, numbers=numbers, replicas=1)
        assert seen is None
    assert watched.see("Complete", updated="0", ready="0", numbers="0", replicas=1) is not None
    assert watched.lines == [
        "demo-1 is there until demo-0 is replaced",
        "demo-0 starts",
        "demo-0 serves it (1 of 1)",
    ]


def test_a_pod_that_gets_over_its_error_has_not_failed() -> None:
    watched = Watched()
    watched.see("RollingOut", updated="2", ready="01", degraded=("CrashLooping", CRASH))
    watched.now += 10
    assert watched.see("RollingOut", updated="2") is None
    watched.now += 10
    assert watched.rollout.look() is None


def test_a_pod_of_the_former_version_in_trouble_is_what_a_mended_one_replaces() -> None:
    watched = Watched()
    for _ in range(3):
        assert watched.see("RollingOut", ready="01", degraded=("CrashLooping", CRASH)) is None
        watched.now += 30
    assert watched.see("Complete", updated="012") == Outcome(True, "", "http://demo")


def test_nodes_are_waited_for_and_that_is_told() -> None:
    watched = Watched()
    waits = ("Unschedulable", "demo-2: 0/3 nodes are available: 3 Insufficient memory.")
    assert watched.see("RollingOut", updated="2", ready="01", degraded=waits) is None
    watched.now += 300
    assert watched.rollout.look() is None
    assert waits[1] in watched.lines


def test_a_spec_that_cannot_be_carried_out_has_failed_at_once() -> None:
    watched = Watched()
    failed = watched.see("Stopped", degraded=("SourceMissing", "there is no ConfigMap x"))
    assert failed is not None
    assert failed.sentence.startswith("there is no ConfigMap x; the former version serves on")


def test_the_end_of_a_former_app_of_that_name_is_waited_for() -> None:
    watched = Watched()
    assert watched.see("Stopped", degraded=("FormerAppEnding", "waiting")) is None


def test_a_pause_ends_it_and_says_what_stays() -> None:
    assert Watched().see("Paused", updated="2") == Outcome(True, "waiting", "http://demo")


def test_nothing_further_for_longer_than_the_operator_waits_is_a_failure() -> None:
    watched = Watched()
    watched.see("RollingOut", updated="2", ready="01")
    watched.now += 600
    assert watched.rollout.look() is None
    watched.now += 60
    failed = watched.rollout.look()
    assert failed is not None
    assert "nothing has come further: waiting" in failed.sentence


def test_without_an_operator_it_ends_with_how_to_look_for_one() -> None:
    watched = Watched()
    watched.now += 59
    assert watched.rollout.look() is None
    assert watched.rollout.left() == 1
    watched.now += 1
    failed = watched.rollout.look()
    assert failed is not None
    assert "no operator has looked at it for 60 s" in failed.sentence
