"""Leases as the sidecars write them, for the tests of the operator."""

from dataclasses import replace
from typing import Any

from immutant.election.jobstate import JobState, OpenTick, Run
from immutant.kube.records import Former, Owner, to_object
from immutant.leases import Lease

OWNER = Owner("apps", "demo", "uid-1")
START = 1_800_000_000.0
"""2027-01-15T08:00:00Z."""


def member(
    number: int, *, life: int = 1, ended: str = "", body: str = "", owner: Owner = OWNER
) -> dict[str, Any]:
    name = f"demo-{number}"
    lease = Lease(f"demo.member.{number}", holder=f"{name}/uid/{life}", member=name, nonce="m")
    return written(replace(lease, ended=ended, body=body), owner=owner)


def singleton(
    record: str,
    number: int,
    *,
    life: int = 1,
    at: float = START,
    former: tuple[str, ...] = (),
    body: str = "",
    released: bool = False,
    owner: Owner = OWNER,
) -> dict[str, Any]:
    name = f"demo-{number}"
    lease = Lease(record, holder=f"{name}/uid/{life}", member=name, nonce="n", former=former)
    lease = replace(lease, body=body, released="n" if released else "")
    return written(lease, at=at, owner=owner)


def written(lease: Lease, *, at: float = START, owner: Owner = OWNER) -> dict[str, Any]:
    return to_object(lease, 0, owner, Former(), at)


def job(*outcomes: str, running: bool = False, at: float = START) -> str:
    """The body of a job's lease, whose runs of a second each ended so."""
    runs = tuple(Run(at + n, 1, at + n + 1, outcome) for n, outcome in enumerate(outcomes))
    opened = (OpenTick(at + 100, 1),) if running else ()
    return JobState("print", at, last=at, count=len(runs), ticks=opened, runs=runs).to_body()
