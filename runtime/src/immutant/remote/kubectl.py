"""kubectl, as a library: one call, one answer or one error with its remedy.

Belongs here: running it, parsing its JSON, and turning what it says of failures into sentences.
Not here: which objects are asked for.
"""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from immutant.contract import names
from immutant.errors import (
    ClusterError,
    MissingError,
    OvertakenError,
    TakenError,
    UnreachableError,
)

__all__ = ["Json", "Kubectl"]

Json = dict[str, Any]
"""A Kubernetes object."""

_PROGRAM: Final = "kubectl"
_MISSING: Final = (
    "the program kubectl is not on the PATH, and clusters are spoken to by it: install it "
    "(https://kubernetes.io/docs/tasks/tools/), or start one with `immutant run app.py` to have "
    "the application on this machine"
)


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A cluster and a namespace in it.

    Attributes:
        namespace: The namespace; "": that of the kubeconfig's context.
        context: The context; "": the kubeconfig's current one.
        kubeconfig: The file; "": that of KUBECONFIG, or ~/.kube/config.
    """

    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""

    def command(self, *arguments: str) -> list[str]:
        """The whole command line."""
        options = (
            ("--namespace", self.namespace),
            ("--context", self.context),
            ("--kubeconfig", self.kubeconfig),
        )
        return [_PROGRAM, *(f"{name}={value}" for name, value in options if value), *arguments]

    def run(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """What it printed.

        Raises:
            MissingError: The object is not there.
            ClusterError: It failed otherwise; the text says why, and what to do.
        """
        try:
            done = subprocess.run(  # noqa: S603 - arguments, not a shell's line
                self.command(*arguments), input=stdin, capture_output=True, check=False
            )
        except FileNotFoundError as error:
            raise UnreachableError(_MISSING) from error
        if done.returncode != 0:
            raise failure(done.stderr.decode(errors="replace"))
        return done.stdout

    def get(self, *what: str) -> Json:
        """An object, or a list of objects.

        Raises:
            MissingError: It is not there.
            ClusterError: It cannot be read.
        """
        found: Json = json.loads(self.run("get", *what, "-o", "json"))
        return found

    def items(self, *what: str) -> list[Json]:
        """The objects of a list; see `get`."""
        found: list[Json] = self.get(*what)["items"]
        return found

    def apply(self, body: Mapping[str, Any], *, manager: str) -> None:
        """Server-side apply of one object.

        Args:
            body: The object.
            manager: The field manager.
        """
        content = json.dumps(body).encode()
        self.run("apply", "--server-side", f"--field-manager={manager}", "-f", "-", stdin=content)

    def create(self, body: Mapping[str, Any]) -> None:
        """Make one object that is not there yet.

        Raises:
            TakenError: There is one of that name.
            ClusterError: It failed otherwise.
        """
        self.run("create", "-f", "-", stdin=json.dumps(body).encode())

    def patch(self, kind: str, name: str, change: Mapping[str, Any]) -> Json:
        """A merge patch, where null takes a field away; the object after it.

        Raises:
            OvertakenError: It names a resourceVersion, and there is a newer one.
            ClusterError: It failed otherwise.
        """
        command = ("patch", kind, name, "--type=merge", "-p", json.dumps(change), "-o", "json")
        after: Json = json.loads(self.run(*command))
        return after

    @contextmanager
    def open(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """A kubectl that goes on, such as a watch or a log; it is ended with the context."""
        try:
            process = subprocess.Popen(  # noqa: S603 - arguments, not a shell's line
                self.command(*arguments),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
        except FileNotFoundError as error:
            raise UnreachableError(_MISSING) from error
        with process:
            try:
                yield process
            finally:
                process.kill()

    def become(self, *arguments: str) -> NoReturn:
        """Replace this process by kubectl, which takes the terminal over."""
        command = self.command(*arguments)
        try:
            os.execvp(command[0], command)  # noqa: S606 - no shell is wanted
        except FileNotFoundError as error:
            raise UnreachableError(_MISSING) from error

    def ask(self, pod: str, container: str, command: Sequence[str], stdin: bytes = b"") -> bytes:
        """What a command in a container printed.

        Raises:
            ClusterError: It failed, or the container does not run.
        """
        return self.run("exec", "-i", pod, "-c", container, "--", *command, stdin=stdin)


_LOCAL: Final = "start one with `immutant run app.py` to have the application on this machine"
_CHOOSE: Final = (
    "choose one (kubectl config use-context NAME, --context, --kubeconfig), or " + _LOCAL
)

_NOWHERE: Final = {
    "current-context is not set": f"the kubeconfig names no cluster: {_CHOOSE}",
    "was refused - did you specify the right host": f"no cluster is reached: {_CHOOSE}",
    "Unable to connect to the server": f"the kubeconfig's cluster is not reached: {_CHOOSE}",
    "does not exist": f"the kubeconfig has no such context, or there is no such file: {_CHOOSE}",
    "no such file or directory": f"there is no such kubeconfig: {_CHOOSE}",
}
"""What kubectl says where there is no cluster to talk to, and what we say."""

_REFUSED: Final = {
    "No module named immutant.console": "the pod runs a version of immutant that cannot be asked "
    "yet: it can after the app's next rollout, or with an image built on a newer one",
    f'resource type "{names.PLURAL}': "the operator is not installed in this cluster: helm install "
    "immutant charts/immutant --namespace immutant-system --create-namespace",
    "Unauthorized": "the cluster does not know you any more: sign in again, as its provider says",
    "is forbidden": "your account in the cluster may not do this: docs/cluster.md lists the rights "
    "that the commands need",
}
"""What a cluster says, and what we say."""


_KINDS: Final = (
    ("(NotFound)", MissingError),
    ("(AlreadyExists)", TakenError),
    ("(Conflict)", OvertakenError),
)
"""What callers tell apart, by the reason that the API server gives and kubectl prints."""


def failure(said: str) -> ClusterError:
    """The error for what kubectl said on its standard error."""
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    sentence = lines[-1] if lines else "kubectl failed, and did not say why"
    sentence = sentence.removeprefix("error: ").removeprefix("Error from server ")
    for sign, kind in _KINDS:
        if sign in said:
            return kind(sentence.removeprefix(f"{sign}: "))
    for sign, remedy in _NOWHERE.items():
        if sign in said:
            return UnreachableError(f"no `immutant run` is used here, and {remedy} ({sentence})")
    remedy = next((remedy for sign, remedy in _REFUSED.items() if sign in said), "")
    return ClusterError(f"{remedy} ({sentence})" if remedy else sentence)
