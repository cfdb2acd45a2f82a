"""What an app's Leases say: who holds its singletons, how its jobs last ran, what fails where.

Belongs here: reading them into records, leniently: sidecars may be a version older or newer, and
hands edit Leases. Not here: what users are told of it (`status`, `moves`), and who writes the
Leases (the sidecars, `immutant.kube`; a test holds the two together).
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from immutant.contract import names
from immutant.contract.records import is_member_lease, kind_and_name
from immutant_operator.members import MemberLease, by_pod
from immutant_operator.objects import Json

__all__ = ["JobRecord", "Roster", "Singleton", "Tenure"]

_KINDS = ("daemon", "job")
_LONGEST_NAME = 253
"""Characters of a singleton's or a pod's name that are shown; the definition of an ImmutantApp
refuses more."""
_LONGEST_OUTCOME = 200
"""Characters."""


@dataclass(frozen=True, slots=True, order=True)
class Singleton:
    """A daemon or a job that runs once in the cluster."""

    kind: str
    name: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"


@dataclass(frozen=True, slots=True)
class Tenure:
    """Who holds a singleton.

    Attributes:
        singleton: Which.
        pod: Who.
        since: Since when, in RFC 3339.
        before: The pod that held it before; "" when there was none, or none is known.
        end: How that ended: released, resigned, expelled or lost.
    """

    singleton: Singleton
    pod: str
    since: str
    before: str = ""
    end: str = ""


@dataclass(frozen=True, slots=True)
class JobRecord:
    """How a job last ran; instants in RFC 3339.

    Attributes:
        name: Which.
        due: When the last run that ended had been due; "" when none has ended yet.
        ended: When it ended.
        outcome: How: ok, interrupted, cancelled, or the error.
        running: How many runs go on; a tick that waits to be tried again is none.
    """

    name: str
    due: str = ""
    ended: str = ""
    outcome: str = ""
    running: int = 0


@dataclass(frozen=True, slots=True)
class Roster:
    """What the Leases of an app say, by names.

    Attributes:
        tenures: What is held, by pods whose own Leases say that they live.
        jobs: Those that were held at least once.
        failing: Daemons that fail again and again, with the pod where they do.
        ended: The Leases of the pods that have no life now, with their ordinals.
        members: The Leases of all pods, by the pods' UIDs.
    """

    tenures: tuple[Tenure, ...] = ()
    jobs: tuple[JobRecord, ...] = ()
    failing: tuple[tuple[Singleton, str], ...] = ()
    ended: tuple[tuple[int, Json], ...] = ()
    members: Mapping[str, MemberLease] = field(default_factory=dict)

    @classmethod
    def read(cls, app: str, uid: str, leases: Iterable[Json]) -> "Roster":
        """Read an app's Leases; those of a former app of the name are left out."""
        own = [one for one in leases if _label(one, names.UID_LABEL) == uid]
        read = [_Lease.read(one) for one in own]
        members = {one.member: one for one in read if is_member_lease(app, one.record)}
        living = {one.holder for one in members.values() if one.holder and not one.ended}
        others = sorted((one.singleton, one) for one in read if one.singleton)
        held = ((named, one) for named, one in others if one.is_held and one.holder in living)
        return cls(
            tenures=tuple(one.tenure(named) for named, one in held),
            jobs=tuple(one.job(named) for named, one in others if named.kind == "job"),
            failing=tuple(sorted(_failing(members.values()))),
            ended=tuple(_ended(app, zip(read, own, strict=True))),
            members=by_pod(app, uid, own),
        )


@dataclass(frozen=True, slots=True, order=True)
class _Lease:
    record: str
    holder: str
    member: str
    nonce: str
    released: str
    ended: str
    former: tuple[str, ...]
    body: str
    acquired: str

    @classmethod
    def read(cls, body: Json) -> "_Lease":
        notes = body["metadata"].get("annotations") or {}
        texts = {
            name: str(notes.get(names.ANNOTATION_PREFIX + name, ""))
            for name in ("record", "holder", "member", "nonce", "released", "ended", "body")
        }
        former = _parsed(notes.get(f"{names.ANNOTATION_PREFIX}former", ""), list)
        acquired = str((body.get("spec") or {}).get("acquireTime") or "")
        return cls(**texts, former=tuple(map(str, former)), acquired=acquired)

    @property
    def singleton(self) -> Singleton | None:
        return _singleton(self.record)

    @property
    def since(self) -> str:
        try:
            return _shown(datetime.fromisoformat(self.acquired))
        except (ValueError, OverflowError):
            return ""

    @property
    def is_held(self) -> bool:
        return bool(self.holder and self.member and self.since) and self.released != self.nonce

    def tenure(self, singleton: Singleton) -> Tenure:
        before, end = self.former if len(self.former) == 2 else ("", "")
        return Tenure(singleton, _pod(self.member), self.since, _pod(before), end)

    def job(self, singleton: Singleton) -> JobRecord:
        """How the job last ran, by the state in its Lease, of this version or the one before."""
        state = _parsed(self.body, dict)
        runs = _objects(state.get("ran") or state.get("runs"))
        opened = _objects(state.get("ticks") or [state.get("open")])
        last = runs[-1] if runs else {}
        return JobRecord(
            singleton.name,
            _moment(last.get("due")),
            _moment(last.get("ended")),
            str(last.get("outcome", ""))[:_LONGEST_OUTCOME],
            sum(one.get("retry") is None for one in opened),
        )


def _ended(app: str, leases: Iterable[tuple[_Lease, Json]]) -> Iterable[tuple[int, Json]]:
    for lease, body in leases:
        ordinal = lease.record.rpartition(".")[2]
        if is_member_lease(app, lease.record) and lease.ended and ordinal.isdecimal():
            yield int(ordinal), body


def _failing(members: Iterable[_Lease]) -> Iterable[tuple[Singleton, str]]:
    """What members say in their own Leases that they would rather leave to others."""
    for member in members:
        if not member.holder or member.ended:
            continue
        avoided = _parsed(member.body, dict).get("avoids")
        for record in avoided if isinstance(avoided, list) else ():
            if singleton := _singleton(str(record)):
                yield singleton, _pod(member.member)


def _singleton(record: str) -> Singleton | None:
    """What a record is about: APP.daemon.NAME, APP.job.NAME; None for a member's."""
    kind, name = kind_and_name(record)
    return Singleton(kind, name[:_LONGEST_NAME]) if kind in _KINDS else None


def _pod(holder: str) -> str:
    """The pod of an incarnation, POD/POD-UID/NONCE."""
    return holder.partition("/")[0][:_LONGEST_NAME]


def _label(body: Json, name: str) -> str:
    return str((body["metadata"].get("labels") or {}).get(name, ""))


def _parsed(text: object, kind: type[Any]) -> Any:  # noqa: ANN401 - JSON
    """JSON of this kind, or an empty one: what a hand or another version wrote is passed over."""
    try:
        found = json.loads(str(text))
    except (ValueError, RecursionError):
        return kind()
    return found if isinstance(found, kind) else kind()


def _objects(found: object) -> list[dict[str, Any]]:
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []


def _moment(seconds: object) -> str:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return ""
    try:
        return _shown(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return ""


def _shown(moment: datetime) -> str:
    utc = moment.astimezone(UTC).replace(tzinfo=None, microsecond=0)
    return f"{utc.isoformat()}Z"
