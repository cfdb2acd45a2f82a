"""When a rollout is done, when it has failed, and what is told of it meanwhile.

Belongs here: judging by what the operator reports in an app's status, without I/O. Not here:
getting to see it (`watching`). A failed one is not taken back: the former version serves on, and
the operator goes on by itself once the cause is mended.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, Literal

from immutant.contract.troubles import PASSING
from immutant.remote.apps import App, Condition, PodRow

__all__ = ["Limits", "Outcome", "Rollout", "heading", "standing"]

_POD: Final = re.compile(r"(?P<pod>[a-z][-a-z0-9]*-\d+)(?:, container (?P<container>[-\w]+))?")

_ENDED: Final = re.compile(_POD.pattern + r" ended with status -?\d+(?=: )")
"""How the operator begins to tell of a container that has ended; then comes what it said last."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How long what is waited for, in seconds.

    Attributes:
        unseen: For the operator to look at the new spec at all.
        trouble: For a pod of the new version to get over an error.
        slack: For the operator's word that nothing goes on, beyond `rollout.progressDeadline`.
    """

    unseen: float = 60.0
    trouble: float = 15.0
    slack: float = 60.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a rollout ended.

    Attributes:
        is_done: Whether it came to its end; False: it failed, or nothing is known of it.
        sentence: Why it failed, or what is to be known beside; "": nothing.
        url: Where the app is served.
        pod: The pod that failed; "": none did.
        container: The container in it; "": none did.
        brief: The sentence without what the container said last.
    """

    is_done: bool
    sentence: str
    url: str = ""
    pod: str = ""
    container: str = ""
    brief: str = ""


class Rollout:
    """One rollout, as it is seen."""

    def __init__(
        self,
        generation: int,
        say: Callable[[str], None],
        clock: Callable[[], float],
        limits: Limits,
    ) -> None:
        """Begin to follow.

        Args:
            generation: The spec that is rolled out.
            say: Told of each pod.
            clock: Seconds that never go back.
            limits: How long what is waited for.
        """
        self._generation = generation
        self._say = say
        self._clock = clock
        self._limits = limits
        self._app: App | None = None
        self._since = clock()
        self._troubled: tuple[str, float] | None = None
        self._told: dict[str, str] = {}

    def see(self, app: App) -> Outcome | None:
        """Take note of the app as it is now; how the rollout ended, if it has."""
        if app.observed < self._generation:
            return None
        if self._app is None or _progress(app) != _progress(self._app):
            self._since = self._clock()
        self._app = app
        self._tell_pods(app)
        self._note_trouble(app)
        return _ended(app) or self.look()

    def look(self) -> Outcome | None:
        """How it ended, if the time that has passed says so."""
        app, now = self._app, self._clock()
        if app is None:
            return self._unseen() if now >= self._since + self._limits.unseen else None
        if self._troubled is not None and now >= self._troubled[1] + self._limits.trouble:
            return _failed(app, app.condition("Degraded").message)
        if now >= self._since + app.deadline + self._limits.slack:
            return _failed(app, f"nothing has come further: {app.condition('Progressing').message}")
        return None

    def left(self) -> float:
        """Seconds until `look` may find something new."""
        wait = self._limits.unseen
        if self._app is not None:
            wait = self._app.deadline + self._limits.slack
        end = self._since + wait
        if self._troubled is not None:
            end = min(end, self._troubled[1] + self._limits.trouble)
        return max(0.0, end - self._clock())

    def _note_trouble(self, app: App) -> None:
        """Note since when a pod of the new version fails; what it said is told at the end."""
        degraded = app.condition("Degraded")
        pod = _troubled(app)
        if degraded.reason in PASSING or not pod:
            self._troubled = None
            if pod:
                self._tell(f"trouble of {pod}", degraded.message)
            return
        if self._troubled is None or self._troubled[0] != pod:
            self._troubled = pod, self._clock()
            patience = f"it has {self._limits.trouble:g} s to get over it"
            self._tell(f"trouble of {pod}", f"{pod} fails ({degraded.reason}); {patience}")

    def _tell_pods(self, app: App) -> None:
        stay = [row for row in app.pods if _number(row) < app.replicas]
        for row in stay:
            if row.updated and row.ready:
                others = sum(self._told.get(one.name) == "serves" for one in stay if one != row)
                count = f"{others + 1} of {app.replicas}"
                self._tell(row.name, "serves", f"{row.name} serves it ({count})")
            elif row.updated:
                self._tell(row.name, "starts", f"{row.name} starts")
            elif row.drain:
                self._tell(row.name, "drains", f"{row.name} drains, to be replaced")
        for row in app.pods:
            if app.replicas == 1 and _number(row) == 1 and row.updated:
                self._tell(row.name, "helps", f"{row.name} is there until {app.name}-0 is replaced")

    def _tell(self, what: str, word: str, line: str = "") -> None:
        if self._told.get(what) != word:
            self._told[what] = word
            self._say(line or word)

    def _unseen(self) -> Outcome:
        return Outcome(
            False,
            f"no operator has looked at it for {self._limits.unseen:g} s; it is carried out once "
            "one does: kubectl get pods -A -l app.kubernetes.io/name=immutant-operator",
        )


def standing(app: App) -> Literal["serves", "failed", "paused", "no pods", "rolling out"]:
    """How it stands with what the app names, as far as the operator has said.

    What has served once does so until another takes its place, although a pod of it may be down.
    """
    if app.observed < app.generation:
        return "rolling out"
    ended = _ended(app)
    if app.replicas == 0:
        return "no pods"
    if _is_complete(app):
        return "serves"
    waits = app.condition("Degraded").reason in PASSING
    if (ended is not None and not ended.is_done) or (_troubled(app) and not waits):
        return "failed"
    return "rolling out" if ended is None else "paused"


def _is_complete(app: App) -> bool:
    named = app.archive.sha256 if app.archive is not None else ""
    has_served = any(one.sha256 == named and one.outcome == "served" for one in app.deployed)
    runs = all(row.updated for row in app.pods) and any(row.ready for row in app.pods)
    return app.condition("Progressing").reason == "Complete" or (has_served and runs)


def heading(message: str) -> str:
    """Which container failed and how, without what it said last."""
    found = _ENDED.match(message)
    return found[0] if found is not None else message


def _troubled(app: App) -> str:
    """The pod of the new version that fails; those of a former version are to go. "": none."""
    degraded = app.condition("Degraded")
    found = _POD.match(degraded.message) if degraded.status == "True" else None
    pod = found["pod"] if found is not None else ""
    return pod if pod in {row.name for row in app.pods if row.updated} else ""


def _number(row: PodRow) -> int:
    return int(row.name.rpartition("-")[2])


def _progress(app: App) -> tuple[tuple[PodRow, ...], Condition]:
    return app.pods, app.condition("Progressing")


def _ended(app: App) -> Outcome | None:
    progressing, degraded = app.condition("Progressing"), app.condition("Degraded")
    match progressing.reason:
        case "Complete":
            return Outcome(True, degraded.message if degraded.status == "True" else "", app.url)
        case "Paused":
            return Outcome(True, progressing.message, app.url)
        case "RolloutStalled":
            return _failed(app, degraded.message)
        case "Stopped" if degraded.reason not in PASSING:
            return _failed(app, degraded.message)
        case _:
            return None


def _failed(app: App, why: str) -> Outcome:
    former = [row.name for row in app.pods if row.ready and not row.updated]
    serves = f"; the former version serves on in {', '.join(former)}" if former else ""
    found = _POD.match(why)
    pod, container = (found["pod"], found["container"] or "") if found is not None else ("", "")
    brief = f"{heading(why)}{serves}"
    return Outcome(False, f"{why}{serves}", app.url, pod, container, brief)
