"""Following a rollout: the app's changes as they come, until it is done or has failed.

Belongs here: the watch, its ends and its new beginnings, and telling how it ended. Not here: the
judgement (`rollout`).
"""

import codecs
import json
import os
import select
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from typing import IO, Final

from immutant.contract import names
from immutant.errors import ClusterError, MissingError, RolloutFailedError
from immutant.remote.amounts import counted
from immutant.remote.apps import App, read
from immutant.remote.archive import history
from immutant.remote.kubectl import Json, Kubectl, failure
from immutant.remote.returning import former, named
from immutant.remote.rollout import Limits, Outcome, Rollout, standing

__all__ = ["follow", "resume", "wait"]

_FAILURES: Final = 30
_PAUSE: Final = 1.0
"""So often in a row a watch may end without a word, and seconds before the next is begun."""

_FINAL: Final = ("(NotFound)", "(Forbidden)", "Unauthorized")
"""What kubectl says of a watch that will not do better another time."""

_LINES: Final = "20"

Say = Callable[[str], None]


def follow(kubectl: Kubectl, app: App, say: Say, limits: Limits) -> Outcome:
    """Follow a rollout until it has ended, or has come no further for too long.

    Args:
        kubectl: The cluster.
        app: The app with the spec that is rolled out.
        say: Told of each pod.
        limits: How long what is waited for.

    Raises:
        MissingError: The app was deleted meanwhile.
        ClusterError: The app cannot be watched.
    """
    rollout = Rollout(app.generation, say, time.monotonic, limits)
    ended = rollout.see(app)
    with closing(_states(kubectl, app.name, rollout.left)) as states:
        while ended is None:
            state = next(states)
            ended = rollout.look() if state is None else rollout.see(state)
    return ended


def _states(
    kubectl: Kubectl, name: str, left: Callable[[], float]
) -> Generator[App | None, None, None]:
    """The app at each of its changes; None when so many seconds have passed without one."""
    failures = 0
    while True:
        command = ("get", names.PLURAL, name, "--watch", "--output-watch-events", "-o", "json")
        with kubectl.open(*command) as process:
            assert process.stdout is not None
            assert process.stderr is not None
            for event in _events(process.stdout, left):
                failures = 0 if event is not None else failures
                yield _app(name, event) if event is not None else None
            said = process.stderr.read().decode(errors="replace")
        failures += 1
        if failures >= _FAILURES or any(sign in said for sign in _FINAL):
            raise failure(said)
        time.sleep(_PAUSE)
        yield None


def _app(name: str, event: Json) -> App:
    if event["type"] == "DELETED":
        raise MissingError(f"{name} was deleted meanwhile")
    return App.read(event["object"])


def _events(stream: IO[bytes], left: Callable[[], float]) -> Iterator[Json | None]:
    """JSON values one after the other, as they are written; None when nothing came in time."""
    decoder, parse = codecs.getincrementaldecoder("utf-8")(), json.JSONDecoder().raw_decode
    pending = ""
    while True:
        if not select.select([stream], [], [], left())[0]:
            yield None
            continue
        if not (read := os.read(stream.fileno(), 1 << 16)):
            return
        pending += decoder.decode(read)
        while pending := pending.lstrip():
            try:
                event, end = parse(pending)
            except ValueError:  # its rest is still to come
                break
            pending = pending[end:]
            yield event


def wait(kubectl: Kubectl, app: App, say: Say, warn: Say) -> None:
    """Follow a rollout and tell how it ended; of a container that failed, its last lines too.

    Args:
        kubectl: The cluster.
        app: The app with the spec that is rolled out.
        say: Told of each step.
        warn: Told of what went wrong.

    Raises:
        RolloutFailedError: It failed, or nothing is known of it any more.
        KeyboardInterrupt: The user waits no longer; the rollout goes on.
    """
    say(f"Rolling out to {counted(app.replicas, 'pod')}")
    goes_on = f"kubectl get {names.PLURAL} {app.name} --watch"
    try:
        outcome = follow(kubectl, app, say, Limits())
    except KeyboardInterrupt:
        warn(f"The rollout of {app.name} goes on, though you wait no longer: {goes_on}")
        raise
    except ClusterError as error:
        warn(f"The rollout of {app.name} goes on, and cannot be followed ({error}): {goes_on}")
        raise RolloutFailedError("it is deployed, and not known how it goes on") from error
    if not outcome.is_done:
        _tell_failure(kubectl, app, outcome, warn)
        raise RolloutFailedError("the rollout failed")
    if outcome.sentence:
        warn(f"Note: {outcome.sentence}")
    say(f"{app.name} is at {outcome.url}")


def resume(kubectl: Kubectl, app: App, say: Say, warn: Say, *, waits: bool) -> None:
    """Tell of an app that runs already what was to be deployed; wait for what goes on yet.

    Args:
        kubectl: The cluster.
        app: The app.
        say: Told of each step.
        warn: Told of what went wrong.
        waits: Whether to wait for its rollout; False: how it stands is told.

    Raises:
        RolloutFailedError: The rollout failed, or has failed before.
        KeyboardInterrupt: The user waits no longer.
    """
    how = standing(app)
    if how == "serves":
        say(f"{app.name} runs this already")
    elif waits:
        say(f"{app.name} has this already, and it does not serve in all pods yet")
        wait(kubectl, app, say, warn)
    elif how == "failed":
        warn(f"{app.name} has this already, and it failed: {app.condition('Degraded').message}")
        raise RolloutFailedError("the rollout failed")
    else:
        say(f"{app.name} has this already; {how}")


def _tell_failure(kubectl: Kubectl, app: App, outcome: Outcome, warn: Say) -> None:
    words = _last_words(kubectl, outcome)
    for line in words:
        warn(f"    {line}")
    is_told = bool(words) and words[-1].strip() in outcome.sentence
    warn(f"The rollout has failed: {outcome.brief if is_told else outcome.sentence}")
    warn(_advice(kubectl, app.name))


def _advice(kubectl: Kubectl, name: str) -> str:
    mend = "Mend it and deploy again"
    try:
        app = read(kubectl, name)
        goal = former(history(kubectl, app), app)
    except ClusterError:  # there is nothing to go back to, or nobody to ask for it
        return mend
    back = f"immutant rollback {name}"
    if goal.has_served:
        return f"{mend}, or go back to {named(goal.revision)}, which served last: {back}"
    return f"{mend}, or go back to {named(goal.revision)}, if that has served: {back}"


def _last_words(kubectl: Kubectl, outcome: Outcome) -> list[str]:
    if not outcome.container:
        return []
    asked = (outcome.pod, "-c", outcome.container, "--tail", _LINES)
    for options in (["--previous"], []):
        try:
            if said := kubectl.log(*asked, *options).decode(errors="replace").rstrip():
                return said.splitlines()
        except ClusterError:  # the sentence has the pod's last words too
            continue
    return []
