"""An application under fault: three pods, their Leases, and the witness of it all.

Belongs here: the cluster as a whole, and waiting for what it does. Not here: faults (`faults`).
"""

import contextlib
import copy
import itertools
import json
import random
import shutil
import tempfile
import time
import urllib.error
from collections.abc import Callable, Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any

from tests.chaos.judge import Verdict, judge, unheard
from tests.chaos.pods import APP, Pod, Setting
from tests.chaos.witness import Witness
from tests.integration.kube.apiserver import ApiServer
from tests.integration.kube.pods import allow
from tests.processes import process_group

from immutant.contract.environment import Grid
from immutant.contract.timings import Timings
from immutant.election.order import rank
from immutant.election.stance import Stance
from immutant.errors import CoordinatorError

__all__ = ["SINGLETONS", "Cluster", "chaotic"]

SINGLETONS = ("daemon.red", "daemon.green", "daemon.blue")
_PODS = 3
_PATIENCE = 120.0
_POLL = 0.1
_START = 15.0
_BEATING = 0.5
"""Seconds without a beat after which a tenure is taken for one that does not run."""


class Cluster:
    """Three pods of one application.

    Attributes:
        pods: Those that are there, in the order of their numbers.
        witness: Hears them.
        server: The API server.
        timings: The election's.
    """

    def __init__(self, setting: Setting) -> None:
        self.server = setting.server
        self.timings = setting.timings
        self.witness = Witness(setting.folder / "witness")
        self._setting = setting
        self._uids = (f"uid-{number}" for number in itertools.count())
        self._leases = f"/apis/coordination.k8s.io/v1/namespaces/{setting.namespace}/leases"
        self.pods = [self._pod(number) for number in range(_PODS)]
        self._former: list[Pod] = []
        self._copies: dict[str, list[Any]] = {}

    def start(self) -> None:
        for pod in self.pods:
            pod.start()

    def close(self) -> None:
        for pod in self.all():
            pod.close()
        self.witness.close()

    def bound(self) -> float:
        """Seconds after the last fault's end in which each singleton has a holder again.

        One lease's duration until a silent member may be expelled, one for what proves nothing
        (rule 5), one for another expulsion that the first one hid, and the start of all processes
        on a machine that has other things to do.
        """
        return 3 * self.timings.lease_duration + _START

    def holder(self, singleton: str) -> Pod:
        """The pod that runs a singleton now."""
        token = self.witness.tenure(singleton)
        for word in reversed(self.witness.words):
            if word.said.singleton == singleton and word.said.token == token:
                return next(pod for pod in self.all() if pod.uid == word.said.pod)
        raise AssertionError(f"nobody ever held {singleton}")

    def all(self) -> list[Pod]:
        """The pods, and those that were replaced."""
        return [*self.pods, *self._former]

    def held_by(self, pod: Pod) -> list[str]:
        return [one for one in SINGLETONS if self.holder(one) is pod]

    def until_held(self, patience: float | None = None) -> float:
        """Wait until every singleton has a tenure that beats; the seconds it took."""
        began = self.witness.now()
        held = self.witness.until(
            lambda: all(self.witness.silent(one) < _BEATING for one in SINGLETONS),
            patience or self.bound(),
        )
        silent = {one: round(self.witness.silent(one), 1) for one in SINGLETONS}
        assert held, f"nobody holds, after {patience or self.bound()} s: {silent}\n{self.said()}"
        return self.witness.now() - began

    def until_whole(self) -> None:
        """Wait until every pod is a member and every singleton is held: for the next fault."""
        deadline = time.monotonic() + _PATIENCE
        while not self._is_whole():
            assert time.monotonic() < deadline, f"not whole\n{self.said()}"
            time.sleep(_POLL)
        self.until_held()

    def until_placed(self) -> None:
        """Wait until every singleton is with the pod that ranks first: nothing is going to move."""
        placed = self.witness.until(lambda: all(map(self._is_placed, SINGLETONS)), _PATIENCE)
        assert placed, f"not placed\n{self.said()}"

    def replace(self, pod: Pod) -> Pod:
        """Start another pod under this pod's name; the old one goes on, until `bury`."""
        new = self._pod(pod.number)
        self.pods[pod.number] = new
        self._former.append(pod)
        new.start()
        return new

    def bury(self, pod: Pod) -> None:
        """End a pod that was replaced."""
        pod.end()

    def lease(self, name: str) -> Any:
        """A Lease as it is now."""
        return self.server.call("GET", f"{self._leases}/{name}")

    def delete(self, name: str) -> None:
        """`kubectl delete lease`."""
        self.server.call("DELETE", f"{self._leases}/{name}")

    def edit(self, name: str, change: Callable[[Any], Any]) -> None:
        """`kubectl edit lease`: read, change, replace; again when another write came first."""
        while True:
            found = self.lease(name)
            changed = change(copy.deepcopy(found))
            changed["metadata"] |= {
                key: found["metadata"][key] for key in ("resourceVersion", "uid")
            }
            with _conflicts_suppressed():
                self.server.call("PUT", f"{self._leases}/{name}", changed)
                return

    def create(self, lease: Any) -> None:
        """`kubectl create -f` of a copy."""
        made = copy.deepcopy(lease)
        for key in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
            made["metadata"].pop(key, None)
        with _conflicts_suppressed():  # a sidecar has created it meanwhile
            self.server.call("POST", self._leases, made)

    def keep_copies(self) -> None:
        """Keep a copy of each singleton's Lease, for the day when a hand restores an old one."""
        for one in SINGLETONS:
            lease = self.lease(f"{APP}.{one}")
            copies = self._copies.setdefault(one, [])
            if not copies or copies[-1]["spec"] != lease["spec"]:
                copies.append(lease)

    def old_copy(self, singleton: str, choose: random.Random) -> Any:
        return choose.choice(self._copies[singleton])

    def verdict(self, since: int = 0) -> Verdict:
        """The judgement over all that was heard, but for so many words at the beginning.

        With a hard deadline nothing that wakes has a beat to spare.
        """
        spoken = [word.said for word in self.witness.words[since:]]
        pardoned = [] if self._setting.hard_deadline else self.all()
        return judge(spoken, [freeze for pod in pardoned for freeze in pod.freezes])

    def unheard(self) -> list[str]:
        """Words that the witness missed; there must be none for a verdict to be worth anything."""
        return unheard(word.said for word in self.witness.words)

    def keep_trace(self, folder: Path) -> None:
        """Leave all that was heard and printed, and who holds what, for a look at a failure."""
        folder.mkdir(parents=True, exist_ok=True)
        lines = [f"{word.at:.6f} {word.said}" for word in self.witness.words]
        (folder / "words").write_text("\n".join(lines))
        for log in self._setting.folder.glob("*.log"):
            shutil.copy(log, folder)
        for pod in self.pods:
            with contextlib.suppress(CoordinatorError):
                (folder / f"{pod.uid}.status.json").write_text(json.dumps(pod.status()))
        with contextlib.suppress(OSError):  # it may be away
            leases = self.server.call("GET", self._leases)
            (folder / "leases.json").write_text(json.dumps(leases, indent=1))

    def said(self) -> str:
        """What the pods' processes printed last."""
        return "\n".join(pod.said() for pod in self.all())

    def _pod(self, number: int) -> Pod:
        return Pod(self._setting, number, next(self._uids))

    def _is_placed(self, singleton: str) -> bool:
        record = f"{APP}.{singleton}"
        best = max(self.pods, key=lambda pod: rank(record, "", pod.name, Stance()))
        return self.holder(singleton) is best

    def _is_whole(self) -> bool:
        found = {}
        for lease in self.server.call("GET", self._leases)["items"]:
            found[lease["metadata"]["name"]] = lease["spec"].get("holderIdentity") or ""
        return all(
            found.get(pod.member_lease, "").startswith(f"{pod.name}/{pod.uid}/")
            for pod in self.pods
        )


@contextlib.contextmanager
def _conflicts_suppressed() -> Iterator[None]:
    try:
        yield
    except urllib.error.HTTPError as error:
        if error.code != HTTPStatus.CONFLICT:
            raise


@contextlib.contextmanager
def chaotic(
    server: ApiServer,
    namespace: str,
    timings: Timings,
    trace: Path,
    grids: Callable[[int], Grid] | None = None,
    *,
    hard_deadline: bool = False,
) -> Iterator[Cluster]:
    """Three pods that beat, on that API server; nothing of them stays behind.

    Args:
        server: The API server, running.
        namespace: A namespace there, theirs alone.
        timings: The election's.
        trace: A folder for what was heard and printed, in case of a failure.
        grids: Where data is kept, by the pod's number; a file that all share if it is not given.
        hard_deadline: Whether the daemons ask for `hard_deadline`.
    """
    allow(server, namespace)
    folder = Path(tempfile.mkdtemp(prefix="chaos-", dir="/tmp"))
    with process_group() as group:

        def state(number: int) -> Path | Grid:
            return grids(number) if grids else folder / "state"

        setting = Setting(server, namespace, folder, timings, state, group, hard_deadline)
        cluster = Cluster(setting)
        try:
            cluster.start()
            cluster.until_whole()
            yield cluster
        except BaseException:
            cluster.keep_trace(trace)
            raise
        finally:
            cluster.close()
            shutil.rmtree(folder)
