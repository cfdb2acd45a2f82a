"""What became of archives that were deployed, look by look."""

from typing import Any

import pytest
from tests.unit.operator.apps import app
from tests.unit.operator.fleets import safe

from immutant_operator.observed import Fleet, Pod, Trouble
from immutant_operator.outcomes import recorded
from immutant_operator.rollout import Step, next_step
from immutant_operator.spec.state import AppStatus
from immutant_operator.status import Finding, compose

CRASH = Trouble("CrashLooping", "demo-1, container app ended with status 1: x")
NO_NODE = Trouble("Unschedulable", "demo-1: 0/3 nodes are available")


def archive(number: int) -> Any:
    source = {
        "archive": {"configMaps": ["x-0"], "sha256": f"{number:064}", "revision": f"r{number}"}
    }
    return app(replicas=2, source=source)


def pod(ordinal: int, *, old: bool = False, trouble: Trouble | None = None) -> Pod:
    ready = trouble is None
    revision = "old" if old else "new"
    uid = f"{ordinal}-{revision}"
    return Pod(f"demo-{ordinal}", uid, ordinal, revision, ready, leaving=False, trouble=trouble)


SERVES = (pod(0), pod(1))
HALF = (pod(0, old=True), pod(1))
FAILS = (pod(0, old=True), pod(1, trouble=CRASH))


class Watched:
    """An app's status, as one look after the other writes it."""

    def __init__(self) -> None:
        self.status: Any = {}
        self.looks = 0

    def look(self, number: int, *pods: Pod, revision: str = "new") -> dict[str, str]:
        """The outcomes by what the archives are called, the newest first."""
        fleet = Fleet(2, revision, pods)
        grid = safe(fleet)
        return self.find(number, Finding(fleet, next_step(2, fleet, grid), grid=grid))

    def find(self, number: int, finding: Finding) -> dict[str, str]:
        self.looks += 1
        moment = f"2030-01-01T00:00:{self.looks:02}Z"
        self.status = compose(archive(number), finding, self.status, moment)
        AppStatus.model_validate(self.status)
        return {row["revision"]: row["outcome"] for row in self.status["archives"]}


def test_an_archive_has_served_once_all_pods_run_it_and_not_before() -> None:
    watched = Watched()
    assert watched.look(1, *HALF) == {"r1": "begun"}
    assert watched.look(1, *SERVES) == {"r1": "served"}
    assert watched.status["archives"][0]["since"] == "2030-01-01T00:00:02Z"
    assert watched.look(2, *SERVES, revision="") == {"r2": "begun", "r1": "served"}


def test_what_has_served_stays_so_and_is_not_written_anew() -> None:
    watched = Watched()
    watched.look(1, *SERVES)
    before = watched.status["archives"]
    watched.look(1, *FAILS)
    watched.look(1, *SERVES)
    assert watched.status["archives"] == before


def test_two_that_fail_in_a_row_leave_what_served_before_the_first_that_did() -> None:
    watched = Watched()
    watched.look(1, *SERVES)
    watched.look(2, *FAILS)
    assert watched.look(3, *FAILS) == {"r3": "failed", "r2": "failed", "r1": "served"}


def test_one_that_was_overtaken_has_neither_served_nor_failed() -> None:
    watched = Watched()
    watched.look(1, *HALF)
    assert watched.look(2, *SERVES) == {"r2": "served", "r1": "begun"}


def test_one_that_failed_serves_once_its_cause_is_mended() -> None:
    watched = Watched()
    assert watched.look(1, *FAILS) == {"r1": "failed"}
    assert watched.look(1, *HALF) == {"r1": "failed"}
    assert watched.look(1, *SERVES) == {"r1": "served"}


def test_what_was_gone_back_to_is_what_served_last() -> None:
    watched = Watched()
    for number in (1, 2, 1):
        outcomes = watched.look(number, *SERVES)
    assert list(outcomes) == ["r1", "r2"]


def test_a_former_versions_trouble_is_not_the_new_ones() -> None:
    watched = Watched()
    assert watched.look(1, pod(0, old=True, trouble=CRASH), pod(1)) == {"r1": "begun"}
    assert watched.look(1, *FAILS, revision="") == {"r1": "begun"}


def test_one_that_waits_for_a_node_has_not_failed() -> None:
    assert Watched().look(1, pod(0, old=True), pod(1, trouble=NO_NODE)) == {"r1": "begun"}


@pytest.mark.parametrize(
    ("reason", "outcome"), [("SourceMissing", "failed"), ("FormerAppEnding", "begun")]
)
def test_one_that_cannot_be_carried_out_has_failed(reason: str, outcome: str) -> None:
    fleet = Fleet(2, "new", SERVES)
    found = Watched().find(1, Finding(fleet, None, (reason, "no"), grid=safe(fleet)))
    assert found == {"r1": outcome}


def test_no_pods_serve_nothing() -> None:
    done = Step((), False, "Complete", "0 of 0 pods run the current version")
    assert Watched().find(1, Finding(Fleet(0, "new", ()), done)) == {"r1": "begun"}


def test_other_sources_leave_the_rows_and_have_none() -> None:
    rows = recorded(archive(1), "served", (), "2030-01-01T00:00:00Z")
    assert recorded(app(), "served", rows, "2030-01-02T00:00:00Z") == rows
    finding = Finding(Fleet(2, "new", SERVES), None)
    assert "archives" not in compose(app(), finding, {}, "2030-01-02T00:00:00Z")


def test_failures_push_out_none_that_served() -> None:
    rows = recorded(archive(0), "served", (), "2030-01-01T00:00:00Z")
    for number in range(1, 30):
        rows = recorded(archive(number), "failed", rows, "2030-01-02T00:00:00Z")
    assert [row["revision"] for row in rows] == [f"r{number}" for number in range(29, 19, -1)] + [
        "r0"
    ]
