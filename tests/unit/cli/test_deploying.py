"""What is told of a way forward after a rollback."""

from typing import Any

import pytest

from immutant.cli.deploying import _way_forward
from immutant.remote.apps import App, Archive
from immutant.remote.archive import Origin, Revision

NOW = {"configMaps": ["a-0"], "sha256": "a" * 64, "revision": "a" * 40}


def app(outcome: str, progressing: str) -> App:
    names = {"name": "demo", "namespace": "shop", "uid": "1", "resourceVersion": "7"}
    conditions: list[Any] = [
        {"type": kind, "status": "True", "reason": reason, "message": "", "observedGeneration": 1}
        for kind, reason in (("Progressing", progressing), ("Degraded", "AsExpected"))
    ]
    row = {"sha256": "a" * 64, "revision": "a" * 40, "outcome": outcome}
    status = {"observedGeneration": 1, "conditions": conditions, "archives": [row]}
    spec = {"replicas": 2, "source": {"archive": NOW}}
    return App.read({"metadata": names, "spec": spec, "status": status})


def goal(revision: str) -> Revision:
    archive = Archive(("b-0",), "b" * 64, revision)
    return Revision(Origin(revision, "Greet", "Ada"), archive, "", "", True)


@pytest.mark.parametrize(
    ("outcome", "progressing", "told"),
    [
        ("served", "Complete", ", or immutant rollback demo aaaaaaaaaa"),
        ("failed", "RolloutStalled", ""),
    ],
)
def test_what_has_failed_is_no_way_forward(outcome: str, progressing: str, told: str) -> None:
    left = app(outcome, progressing)
    pushed = "Forward again: git push of a commit that comes after bbbbbbbbbb"
    assert _way_forward(left, goal("b" * 40)) == pushed + told
    deployed = "Forward again: deploy or push as before"
    assert _way_forward(left, goal("dir-2030")) == deployed + told
