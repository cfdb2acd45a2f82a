"""Pods, what their Leases say, and since when, for the tests of the operator's decisions."""

from collections.abc import Iterable
from typing import Any

from immutant.contract.gridview import GridView
from immutant_operator.grid import Grid
from immutant_operator.members import MemberLease
from immutant_operator.observed import Fleet, Pod
from immutant_operator.sightings import Ages

LONG = 3600.0


def pod(
    ordinal: int,
    revision: str = "new",
    *,
    ready: bool = True,
    leaving: bool = False,
    node: str = "",
    **more: Any,
) -> Pod:
    name = f"demo-{ordinal}"
    uid = f"{name}-{revision}"
    return Pod(name, uid, ordinal, revision, ready and not leaving, leaving, node=node, **more)


def fleet(*pods: Pod, size: int | None = None, revision: str = "new") -> Fleet:
    return Fleet(len(pods) if size is None else size, revision, pods)


def lease(
    one: Pod, members: int, *, view: str = "v", safe: bool = True, **more: Any
) -> MemberLease:
    return MemberLease(one.uid, view=GridView(members, view, safe), **more)


def ages(
    pods: Iterable[Pod],
    *,
    steady: float = LONG,
    silent: float = 0.5,
    settled: float = LONG,
    fresh: bool = True,
) -> Ages:
    """All of the pods have been as they are for so long."""
    uids = [one.uid for one in pods]
    return Ages(
        dict.fromkeys(uids, steady),
        dict.fromkeys(uids, silent),
        frozenset(uids if fresh else ()),
        settled,
    )


def safe(there: Fleet, **more: Any) -> Grid:
    """The grid of these pods, in which all say that it is safe."""
    count = len(there.pods)
    leases = {one.uid: lease(one, count) for one in there.pods}
    return Grid(there.pods, leases, ages(there.pods, **more))
