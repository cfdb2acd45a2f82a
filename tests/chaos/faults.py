"""The faults, each one function on a trial: it does harm, mends it, and waits for who takes over.

Belongs here: what each fault does and in which order. Not here: when it is played (`playing`), and
what is right (`judge`).
"""

from collections.abc import Callable, Sequence
from functools import partial
from signal import SIGKILL
from typing import Any

from tests.chaos.cable import Cut
from tests.chaos.cluster import SINGLETONS
from tests.chaos.containers import send
from tests.chaos.pods import APP
from tests.chaos.trial import Trial

from immutant.contract.names import ANNOTATION_PREFIX

__all__ = ["HARD_DEADLINE", "KINDS", "STEPS", "Fault"]

Fault = Callable[[Trial], None]

HARD_DEADLINE = "freezes past a hard deadline"
"""The group that is played on daemons with `hard_deadline`."""

STEPS = "calendar 1 h forward or back"
"""The kind that needs `Calendar.why_none()` to be None. Its group has no other: after a death
tenures go back to their places for minutes, and of a step none may move."""

HOUR = 3600


def kill_app(trial: Trial) -> None:
    """kill -9 of the supervisor, of its child, or of both."""
    processes = trial.pod.app.processes()
    victims = trial.choose.choice([processes, processes[:1], processes[1:]])
    trial.begins()
    send(victims, SIGKILL)
    trial.until_moved()


def kill_sidecar(trial: Trial) -> None:
    trial.begins()
    send(trial.pod.sidecar.processes(), SIGKILL)
    trial.until_moved()


def kill_pod(trial: Trial) -> None:
    processes = [*trial.pod.app.processes(), *trial.pod.sidecar.processes()]
    trial.begins()
    send(processes, SIGKILL)
    trial.until_moved()


def freeze_app(trial: Trial) -> None:
    """Its sidecar goes on, so nothing moves before it wakes; what follows is counted from there."""
    trial.pod.freeze(trial.pod.app)
    trial.pause(*_past_the_lease(trial))
    trial.begins()
    trial.pod.wake(trial.choose)
    trial.see()


def freeze(names: Sequence[str], trial: Trial) -> None:
    """SIGSTOP of containers until what they held has moved, then SIGCONT."""
    trial.begins()
    trial.pod.freeze(*(getattr(trial.pod, name) for name in names))
    trial.until_moved()
    trial.pause(0.0, 1.0)
    trial.pod.wake(trial.choose)


def cut_off(kind: Cut, trial: Trial) -> None:
    trial.begins()
    trial.pod.cable.cut(kind)
    trial.until_moved()
    trial.pause(0.0, 1.0)
    trial.pod.cable.heal()


def blink(trial: Trial) -> None:
    """A cut that is shorter than the deadline: it may be survived or not."""
    trial.begins()
    trial.pod.cable.cut(trial.choose.choice(list(Cut)))
    trial.pause(0.1, trial.cluster.timings.renew_deadline)
    trial.pod.cable.heal()
    trial.see()


def freeze_in_a_hung_request(trial: Trial) -> None:
    """A cut, a freeze of who waits for an answer, and the request arrives once all have moved."""
    trial.begins()
    trial.pod.cable.cut(Cut.LATE)
    trial.pause(0.0, trial.cluster.timings.renew_period + trial.cluster.timings.api_timeout)
    trial.pod.freeze(*trial.choose.choice(_frozen(trial)))
    trial.until_moved()
    trial.pod.cable.heal()
    trial.pause(0.0, 0.5)
    trial.pod.wake(trial.choose)


def lose_the_api_server(trial: Trial) -> None:
    """It is killed, and started again on what its etcd has kept."""
    server = trial.cluster.server
    trial.hits(*SINGLETONS)
    server.stop()
    trial.pause(trial.outage)
    server.start()
    trial.begins()
    trial.until_moved()


def hang_the_api_server(trial: Trial) -> None:
    """It answers nothing for longer than the lease, and then everything."""
    trial.hits(*SINGLETONS)
    trial.cluster.server.pause()
    trial.pause(*_past_the_lease(trial))
    trial.begins()
    trial.cluster.server.resume()
    trial.see()


def step_the_calendar(trial: Trial) -> None:
    """An hour forward or back, in one pod or in all; then back to what it was."""
    trial.cluster.until_placed()
    trial.hits(*SINGLETONS)
    pods = trial.choose.choice([[trial.cluster.holder(trial.singleton)], trial.cluster.pods])
    step = trial.choose.choice([HOUR, -HOUR])
    trial.begins()
    for pod in pods:
        pod.calendar.step(step)
    trial.see()
    for pod in pods:
        pod.calendar.step(0)
    trial.see()
    assert trial.takeovers == [], "leases follow no calendar"


def delete_the_singletons_lease(trial: Trial) -> None:
    trial.hits(trial.singleton)
    trial.cluster.delete(f"{APP}.{trial.singleton}")
    trial.see()


def delete_the_members_lease(trial: Trial) -> None:
    trial.begins()
    trial.cluster.delete(trial.pod.member_lease)
    trial.see()


def empty_the_holder(trial: Trial) -> None:
    def change(lease: Any) -> Any:
        lease["spec"]["holderIdentity"] = None
        return lease

    _edit(trial, change)


def replace_the_holder(trial: Trial) -> None:
    """By a stranger, or by another member as it would have written itself."""
    other = next(pod for pod in trial.cluster.pods if pod is not trial.pod)
    theirs = trial.cluster.lease(other.member_lease)["spec"]["holderIdentity"]
    holder = trial.choose.choice(["somebody else", theirs])
    well_formed = trial.choose.choice([True, False])

    def change(lease: Any) -> Any:
        lease["spec"]["holderIdentity"] = holder
        if well_formed:
            notes = lease["metadata"]["annotations"]
            notes |= {ANNOTATION_PREFIX + key: value for key, value in _named(holder, other.name)}
        return lease

    _edit(trial, change)


def restore_an_old_copy(trial: Trial) -> None:
    """Over the Lease that is there, or in the place of one that was deleted before."""
    name, copy = f"{APP}.{trial.singleton}", trial.cluster.old_copy(trial.singleton, trial.choose)
    if trial.choose.random() < 0.5:
        _edit(trial, lambda _lease: copy)
        return
    trial.hits(trial.singleton)
    trial.cluster.delete(name)
    trial.pause(0.0, 0.5)
    trial.cluster.create(copy)
    trial.see()


def replace_the_pod(trial: Trial) -> None:
    """Another pod under its name, while it runs on, cut off; then it is back, for a while."""
    trial.begins()
    trial.pod.cable.cut(trial.choose.choice([Cut.LATE, Cut.LOST]))
    trial.pause(0.0, 1.0)
    trial.cluster.replace(trial.pod)
    trial.until_moved()
    trial.pod.cable.heal()
    trial.pause(1.0, 3.0)
    trial.cluster.bury(trial.pod)


KINDS: dict[str, dict[str, Fault]] = {
    "kills": {
        "app killed": kill_app,
        "sidecar killed": kill_sidecar,
        "pod killed": kill_pod,
    },
    "freezes": {
        "app frozen (from its waking)": freeze_app,
        "sidecar frozen": partial(freeze, ["sidecar"]),
        "pod frozen": partial(freeze, ["app", "sidecar"]),
    },
    HARD_DEADLINE: {
        "app frozen, hard deadline": partial(freeze, ["app"]),
        "pod frozen, hard deadline": partial(freeze, ["app", "sidecar"]),
    },
    "cuts": {
        "cut off, bytes late": partial(cut_off, Cut.LATE),
        "cut off, bytes lost": partial(cut_off, Cut.LOST),
        "cut off from answers": partial(cut_off, Cut.DEAF),
        "cut off for a moment": blink,
        "cut off and frozen in a hung request": freeze_in_a_hung_request,
        "replaced under its name while cut off": replace_the_pod,
    },
    "hands": {
        "singleton's Lease deleted": delete_the_singletons_lease,
        "member's Lease deleted": delete_the_members_lease,
        "holder emptied": empty_the_holder,
        "holder replaced": replace_the_holder,
        "old copy restored": restore_an_old_copy,
    },
    "calendars": {STEPS: step_the_calendar},
    "outages": {
        "API server killed (from its return)": lose_the_api_server,
        "API server hangs (from its waking)": hang_the_api_server,
    },
}
"""All kinds, by the group in which they are played."""


def _past_the_lease(trial: Trial) -> tuple[float, float]:
    lease = trial.cluster.timings.lease_duration
    return lease + 0.5, lease + 2.0


def _frozen(trial: Trial) -> list[tuple[Any, ...]]:
    return [(trial.pod.sidecar,), (trial.pod.sidecar, trial.pod.app)]


def _edit(trial: Trial, change: Callable[[Any], Any]) -> None:
    trial.hits(trial.singleton)
    trial.cluster.edit(f"{APP}.{trial.singleton}", change)
    trial.see()


def _named(holder: str, member: str) -> list[tuple[str, str]]:
    return [("holder", holder), ("member", member), ("released", "")]
