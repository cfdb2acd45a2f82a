"""Whom a question goes to: the `immutant run` of this folder, or an app in a cluster.

Belongs here: choosing between the two, and how each is reached. Not here: what is asked.
"""

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from immutant.cli.options import Where
from immutant.errors import ClusterError, MissingError

if TYPE_CHECKING:
    from immutant.console.requests import Json
    from immutant.remote.kubectl import Kubectl
    from immutant.values import Value

__all__ = ["Cluster", "Console", "Laptop", "reached"]

_PROGRAM: Final = ("python", "-P", "-m", "immutant.console")
"""-P: no file beside the application may pass for a module of the standard library."""


class Console(Protocol):
    """An app that runs somewhere.

    Attributes:
        mention: What names the app in a command, such as " -a shop"; "": nothing has to.
    """

    @property
    def mention(self) -> str: ...

    def ask(self, request: "Json", replica: str = "") -> "Value":
        """What it answers.

        Args:
            request: See `immutant.console`.
            replica: Which replica or pod is asked; "": any that can answer.

        Raises:
            ImmutantError: It refuses, or is not reached; the text says what to do.
        """

    def prompt(self, replica: str) -> None:
        """Hold a Python prompt in that replica, in this terminal."""

    def names(self) -> Mapping[str, str]:
        """The replicas' names by the addresses of their members; {} where they have none."""


def reached(where: Where) -> Console:
    """Whom a command that was typed asks."""
    return Laptop(where.run) if where.is_here else Cluster(where.kubectl, where.app)


class Laptop:
    """The app of an `immutant run`, through its launcher."""

    mention = ""

    def __init__(self, state: Path) -> None:
        """Name a state folder."""
        self._state = state

    def ask(self, request: "Json", replica: str = "") -> "Value":
        from immutant.run.client import ask

        return ask(self._state, "ask", name=replica, request=request)

    def prompt(self, replica: str) -> None:
        from immutant.console.terminal import converse
        from immutant.run.client import ask

        converse(Path(ask(self._state, "console", name=replica)))

    def names(self) -> Mapping[str, str]:
        return {}


class Cluster:
    """An app in a cluster, by the right to run something in its pods."""

    def __init__(self, kubectl: "Kubectl", app: str = "") -> None:
        """Name an app.

        Args:
            kubectl: The cluster, and the namespace.
            app: Its name; "": the only one in the namespace.
        """
        self._kubectl = kubectl
        self._app = app
        self.mention = f" -a {app}" if app else ""

    def ask(self, request: "Json", replica: str = "") -> "Value":
        from immutant.console.client import read_answer

        if replica and self._app:
            self._check(replica)
        pod, line = replica or self._pod(), json.dumps(request).encode() + b"\n"
        try:
            said = self._kubectl.ask(pod, "app", _PROGRAM, stdin=line)
        except MissingError:
            if replica:
                self._check(replica)
            raise
        return read_answer(said)

    def prompt(self, replica: str) -> None:
        if not self.ask({"verb": "about"}, replica)["repl"]:
            self.ask({"verb": "repl"}, replica)  # its refusal says how to switch it on
        attached = "-it" if sys.stdin.isatty() else "-i"
        self._kubectl.become("exec", attached, replica, "-c", "app", "--", *_PROGRAM, "--repl")

    def names(self) -> Mapping[str, str]:
        return {
            pod["status"]["podIP"]: pod["metadata"]["name"]
            for pod in self._pods()
            if pod["status"].get("podIP")
        }

    def _check(self, replica: str) -> None:
        """See that there is such a pod, and that it is of the app, if one was named.

        Raises:
            MissingError: There is none, and the text names those that are; or it is of another.
        """
        from immutant.remote.pods import app_of, found

        app_of(found(self._kubectl, replica), self._app)

    def _pod(self) -> str:
        """A pod that serves, else one that at least runs."""
        from immutant.remote.pods import serves

        running = [pod for pod in self._pods() if pod["status"].get("phase") == "Running"]
        if not running:
            raise self._nobody()
        found: str = max(running, key=serves)["metadata"]["name"]
        return found

    def _nobody(self) -> ClusterError:
        """Why there is no pod to ask."""
        from immutant.remote.apps import read

        app = read(self._kubectl, self._chosen())
        if app.replicas == 0:
            return ClusterError(
                f"{app.name} is scaled to 0; begin anew: immutant scale {app.name} 2"
            )
        return ClusterError(f"no pod of {app.name} runs; immutant doctor {app.name} says why")

    def _pods(self) -> "list[Json]":
        from immutant.remote.pods import app_pods

        return app_pods(self._kubectl, self._chosen())

    def _chosen(self) -> str:
        if not self._app:
            from immutant.remote.apps import only

            self._app = only(self._kubectl).name
        return self._app
