"""What became of versions, and which one is gone back to, by the operator's record."""

from typing import Any

import pytest

from immutant.errors import ClusterError, MissingError
from immutant.remote.apps import App, Archive
from immutant.remote.archive import Origin, Revision
from immutant.remote.returning import branch, chosen, former, named, state

CRASH = "demo-1, container app ended with status 1: x"


def commit(number: int) -> str:
    return f"{number}" * 40


def digest(number: int) -> str:
    return f"{number}" * 64


def revision(number: int, *, called: str = "", is_whole: bool = True) -> Revision:
    origin = Origin(called or commit(number), f"No. {number}", "Ada")
    archive = Archive((f"x-{number}",), digest(number), origin.revision)
    return Revision(origin, archive, "", "", is_whole)


def app(
    current: int,
    *outcomes: tuple[int, str],
    reason: str = "Complete",
    trouble: str = "",
    replicas: int = 2,
    updated: bool = True,
    observed: int = 2,
    called: str = "",
) -> App:
    """An app of two pods, of which the second is of the new version."""
    metadata: Any = {"name": "demo", "namespace": "shop", "uid": "1", "resourceVersion": "7"}
    spec: Any = {"replicas": replicas}
    if current:
        archive = Archive((f"x-{current}",), digest(current), called or commit(current))
        spec["source"] = {"archive": archive.to_spec()}
    told = {"observedGeneration": observed, "status": "True", "reason": reason, "message": trouble}
    degraded = {**told, "reason": "CrashLooping", "status": str(bool(trouble))}
    pods = [
        {"name": "demo-0", "ready": True, "updated": updated},
        {"name": "demo-1", "ready": not trouble, "updated": True},
    ]
    rows = [
        {"sha256": digest(number), "revision": commit(number), "outcome": outcome}
        for number, outcome in outcomes
    ]
    status = {
        "observedGeneration": observed,
        "archives": rows,
        "pods": pods,
        "conditions": [{**told, "type": "Progressing"}, {**degraded, "type": "Degraded"}],
    }
    return App.read({"metadata": {**metadata, "generation": 2}, "spec": spec, "status": status})


def failing(current: int, *outcomes: tuple[int, str], **more: Any) -> App:
    return app(current, *outcomes, reason="RollingOut", trouble=CRASH, updated=False, **more)


THERE = [revision(number) for number in (4, 3, 2, 1)]


def test_two_that_failed_in_a_row_are_passed_over_for_what_served() -> None:
    goal = former(THERE, failing(4, (4, "failed"), (3, "failed"), (2, "served"), (1, "served")))
    assert (goal.revision.origin.message, goal.has_served) == ("No. 2", True)


def test_what_served_last_counts_and_not_what_was_pushed_last() -> None:
    gone_back = failing(4, (4, "failed"), (1, "served"), (3, "served"), (2, "served"))
    assert former(THERE, gone_back).revision.origin.message == "No. 1"


def test_what_serves_now_is_nothing_to_go_back_to() -> None:
    assert former(THERE, app(4, (4, "served"), (3, "served"))).revision.origin.message == "No. 3"


def test_what_served_and_was_removed_is_passed_over() -> None:
    known = failing(4, (4, "failed"), (3, "served"), (2, "served"))
    there = [revision(4), revision(3, is_whole=False), revision(2)]
    assert former(there, known).revision.origin.message == "No. 2"


def test_without_a_record_it_is_what_was_deployed_before_and_that_is_said() -> None:
    goal = former(THERE, app(3))
    assert (goal.revision.origin.message, goal.has_served) == ("No. 2", False)
    goal = former(THERE, failing(4, (4, "failed"), (3, "failed")))
    assert (goal.revision.origin.message, goal.has_served) == ("No. 2", False)


def test_what_is_known_not_to_have_served_is_gone_back_to_only_by_name() -> None:
    known = failing(3, (3, "failed"), (2, "failed"), (1, "begun"))
    with pytest.raises(MissingError, match="immutant rollback demo REVISION"):
        former([revision(3), revision(2), revision(1)], known)
    assert chosen(THERE, known, "22").origin.message == "No. 2"


def test_with_nothing_before_there_is_nothing_to_go_back_to() -> None:
    for there in ([], [revision(4)]):
        with pytest.raises(MissingError, match="there is nothing before what demo runs"):
            former(there, app(4))


def test_what_is_named_wrongly_is_said_with_what_there_is() -> None:
    with pytest.raises(MissingError, match=r"no revision of demo begins with 'f'; there are: 4444"):
        chosen(THERE, app(4), "f")
    twins = [revision(1, called="dir-1"), revision(2, called="dir-2"), revision(3)]
    with pytest.raises(
        ClusterError, match=r"2 revisions of demo begin with 'dir'.*: dir-1, dir-2 "
    ):
        chosen(twins, app(1), "dir")


def test_a_commit_that_was_packed_twice_is_listed_with_the_digests_that_tell_which() -> None:
    packed = [revision(1), revision(2, called=commit(1)), revision(3)]
    with pytest.raises(ClusterError) as caught:
        chosen(packed, app(3), commit(1))
    assert f": {'1' * 20} (or 1111111111), {'1' * 20} (or 2222222222) (" in str(caught.value)
    assert chosen(packed, app(3), "2222222222") is packed[1]
    with pytest.raises(MissingError, match=rf"\(or 2222222222\), {'3' * 20} \("):
        chosen(packed, app(3), "f")


def test_a_state_is_what_became_of_a_version_or_how_it_stands_with_the_one_there_is() -> None:
    record = ((4, "failed"), (3, "begun"), (2, "served"))
    there = failing(4, *record)
    assert [state(there, digest(number)) for number in (4, 3, 2, 1)] == [
        "failed",
        "never served",
        "served",
        "unknown",
    ]
    assert state(app(2, *record), digest(2)) == "serves"
    assert state(app(4), digest(4)) == "serves"
    assert state(app(4, *record, reason="RollingOut", updated=False), digest(4)) == "rolling out"
    assert state(app(4, observed=1), digest(4)) == "rolling out"
    assert state(app(4, reason="Paused", updated=False), digest(4)) == "paused"
    assert state(app(4, replicas=0), digest(4)) == "no pods"


def test_what_served_and_has_lost_a_pod_serves_on() -> None:
    known = app(4, (4, "served"), reason="Starting", trouble=CRASH)
    assert state(known, digest(4)) == "serves"


@pytest.mark.parametrize(
    ("there", "at"),
    [
        (app(4, (4, "served")), commit(4)),
        (app(4), commit(4)),
        (app(4, (4, "begun"), (3, "served"), reason="RollingOut", updated=False), commit(4)),
        (failing(4, (4, "failed"), (3, "failed"), (2, "served")), commit(2)),
        (failing(4, (4, "failed")), ""),
        (failing(4), commit(4)),
        (failing(4, (4, "served"), (3, "served")), commit(4)),
        (app(4, (4, "failed"), (3, "served"), reason="RollingOut", updated=False), commit(4)),
        (app(4, called="dir-1"), ""),
        (app(0), ""),
    ],
)
def test_the_branch_is_at_what_the_app_names_unless_that_failed(there: App, at: str) -> None:
    assert branch(there) == at


def test_a_revision_is_named_by_its_beginning_and_its_message() -> None:
    assert named(revision(1)) == '1111111111 "No. 1"'
    assert named(revision(1, called="dir-20300101T000000Z")) == 'dir-20300101T000000Z "No. 1"'
