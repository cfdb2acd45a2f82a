"""Faults of pods and nodes on the testbed, each with its mending.

Belongs here: what each fault does. Not here: how often, and what is measured (`test_takeover`).

A fault is a generator: it does harm up to its `yield`, which gives the instant from which the
takeover counts, and is resumed once somebody has taken over, to mend. So nothing is mended before
it has been felt.
"""

import json
import signal
import time
from collections.abc import Callable, Iterator
from typing import Any

from tests.chaos.judge import Freeze
from tests.e2e.faults import processes, send
from tests.e2e.field import Field

__all__ = ["OTHERS", "ROWS", "Fault"]

Fault = Callable[[Field], Iterator[float]]

_AWAY = 30.0
_PAST = 2.0


def stop(field: Field) -> Iterator[float]:
    """`kubectl delete pod`: SIGTERM, and time to hand over."""
    name = field.holder()["metadata"]["name"]
    began = time.time()
    field.cluster.kubectl("delete", "pod", name, "-n", field.pods.namespace, "--wait=false")
    yield began


def kill_app(field: Field) -> Iterator[float]:
    yield from _kill(field, "app")


def kill_sidecar(field: Field) -> Iterator[float]:
    yield from _kill(field, "runtime")


def kill_pod(field: Field) -> Iterator[float]:
    yield from _kill(field)


def cut(field: Field) -> Iterator[float]:
    number = field.node_of(field.holder())
    began = time.time()
    field.testbed.cut(number)
    yield began
    field.testbed.heal(number)


def crash(field: Field) -> Iterator[float]:
    number = field.node_of(field.holder())
    began = time.time()
    field.testbed.crash(number)
    yield began
    field.testbed.restart(number)


def freeze_app(field: Field) -> Iterator[float]:
    """Its sidecar goes on, so that nothing moves before the pod is replaced."""
    pod = field.holder()
    frozen = processes(pod, "app")
    with _Frozen(field, pod, frozen):
        time.sleep(_lease(field) + _PAST)
        began = time.time()
    field.renew(pod["metadata"]["name"])
    yield began


def freeze_sidecar(field: Field) -> Iterator[float]:
    yield from _freeze(field, "runtime")


def freeze_both(field: Field) -> Iterator[float]:
    yield from _freeze(field, "app", "runtime")


def lose_the_api_server(field: Field) -> Iterator[float]:
    field.testbed.stop_api_server()
    time.sleep(_AWAY)
    field.testbed.start_api_server()
    yield time.time()


def delete_the_lease(field: Field) -> Iterator[float]:
    began = time.time()
    field.cluster.kubectl("delete", *field.lease())
    yield began


def edit_the_lease(field: Field) -> Iterator[float]:
    began = time.time()
    patch = json.dumps({"spec": {"holderIdentity": "somebody else"}})
    field.cluster.kubectl("patch", *field.lease(), "--type=merge", "-p", patch)
    yield began


def replace_while_cut_off(field: Field) -> Iterator[float]:
    """The pod is deleted by force while its node cannot hear of it, and made anew elsewhere."""
    pod = field.holder()
    number = field.node_of(pod)
    name = pod["metadata"]["name"]
    began = time.time()
    field.testbed.cut(number)
    where = ("-n", field.pods.namespace)
    field.cluster.kubectl("delete", "pod", name, *where, "--force", "--grace-period=0")
    yield began
    field.testbed.heal(number)


ROWS: dict[str, Fault] = {
    "graceful stop": stop,
    "app killed": kill_app,
    "pod killed": kill_pod,
    "node cut off": cut,
    "node crashed": crash,
}
"""The rows of the table of takeovers."""

OTHERS: dict[str, Fault] = {
    "sidecar killed": kill_sidecar,
    "app frozen, then replaced": freeze_app,
    "sidecar frozen": freeze_sidecar,
    "app and sidecar frozen": freeze_both,
    "API server killed, 30 s (from its return)": lose_the_api_server,
    "singleton's Lease deleted": delete_the_lease,
    "holder replaced": edit_the_lease,
    "replaced under its name while cut off": replace_while_cut_off,
}
"""More faults, of which mainly the overlaps are of interest."""


class _Frozen:
    """Processes that stand still while the context is open."""

    def __init__(self, field: Field, pod: Any, frozen: list[int]) -> None:
        self._field = field
        self._uid = pod["metadata"]["uid"]
        self._frozen = frozen

    def __enter__(self) -> float:
        began = send(signal.SIGSTOP, self._frozen)
        self._began = time.clock_gettime(time.CLOCK_BOOTTIME)
        return began

    def __exit__(self, *error: object) -> None:
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self._field.freezes.append(Freeze(self._uid, self._began, now))
        send(signal.SIGCONT, self._frozen)


def _freeze(field: Field, *containers: str) -> Iterator[float]:
    pod = field.holder()
    with _Frozen(field, pod, processes(pod, *containers)) as began:
        yield began
        time.sleep(_PAST)
    time.sleep(_PAST)  # what wakes acts now, if it does
    field.renew(pod["metadata"]["name"])


def _kill(field: Field, *containers: str) -> Iterator[float]:
    pod = field.holder()
    yield send(signal.SIGKILL, processes(pod, *containers))
    field.renew(pod["metadata"]["name"])


def _lease(field: Field) -> float:
    """The singletons' lease duration, in seconds, as the member's Lease says it, rounded up."""
    found = field.cluster.get(*field.lease())
    seconds: int = found["spec"]["leaseDurationSeconds"]
    return float(seconds)
