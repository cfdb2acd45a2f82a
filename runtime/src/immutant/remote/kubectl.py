"""kubectl, as a library: one call, one answer or one error with its remedy.

Belongs here: running it, parsing its JSON, and turning what it says of failures into sentences.
Not here: which objects are asked for.
"""

import json
import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Final, NoReturn

from immutant.contract import names
from immutant.errors import (
    ClusterError,
    MissingError,
    OvertakenError,
    TakenError,
    UnreachableError,
)

__all__ = ["INSTALL", "Json", "Kubectl", "failure"]

Json = dict[str, Any]
"""A Kubernetes object."""

INSTALL: Final = (
    "helm install immutant charts/immutant --namespace immutant-system --create-namespace"
)
"""What brings the operator into a cluster."""

_PROGRAM: Final = "kubectl"
_MISSING: Final = (
    "the program kubectl is not on the PATH, and clusters are spoken to by it: install it "
    "(https://kubernetes.io/docs/tasks/tools/)"
)
_NOT_KEPT: Final = b"unable to retrieve container logs for "
"""What a kubelet writes in a log's place, and no error."""

_LOCAL: Final = ", or start one with `immutant run app.py` to have the app on this machine"


@dataclass(frozen=True, slots=True)
class Kubectl:
    """A cluster and a namespace in it.

    Attributes:
        namespace: The namespace; "": that of the kubeconfig's context.
        context: The context; "": the kubeconfig's current one.
        kubeconfig: The file; "": that of KUBECONFIG, or ~/.kube/config.
        or_here: Whether an `immutant run` in this folder would do as well, which is told where no
            cluster is reached.
    """

    namespace: str = ""
    context: str = ""
    kubeconfig: str = ""
    or_here: bool = False

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
            raise self._missing() from error
        if done.returncode != 0:
            raise failure(done.stderr.decode(errors="replace"), or_here=self.or_here)
        return done.stdout

    def own_namespace(self) -> str:
        """The namespace that is meant where none is named.

        Raises:
            ClusterError: The kubeconfig names no cluster.
        """
        bare = replace(self, namespace="")
        path = "jsonpath={.contexts[0].context.namespace}"
        return bare.run("config", "view", "--minify", "-o", path).decode() or "default"

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

    def log(self, *arguments: str) -> bytes:
        """What a container logged; nothing, where its node keeps the log no more.

        Raises:
            ClusterError: It cannot be read.
        """
        said = self.run("logs", *arguments)
        return b"" if said.startswith(_NOT_KEPT) else said

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
            raise self._missing() from error
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
            raise self._missing() from error

    def ask(self, pod: str, container: str, command: Sequence[str], stdin: bytes = b"") -> bytes:
        """What a command in a container printed.

        Raises:
            ClusterError: It failed, or the container does not run.
        """
        return self.run("exec", "-i", pod, "-c", container, "--", *command, stdin=stdin)

    def _missing(self) -> UnreachableError:
        return UnreachableError(_MISSING + (_LOCAL if self.or_here else ""))


_CHOOSE: Final = "choose one (kubectl config use-context NAME, --context, --kubeconfig)"
_CHECK: Final = f"see that it answers (kubectl cluster-info), or {_CHOOSE}"

_NOWHERE: Final = {
    r"^error: current-context is not set": f"the kubeconfig names no cluster: {_CHOOSE}",
    r" was refused - did you specify the right host": f"no cluster is reached: {_CHECK}",
    r"failed to download openapi: Get ": f"no cluster is reached: {_CHECK}",
    r"^Unable to connect to the server": f"the kubeconfig's cluster is not reached: {_CHECK}",
    r'^error: (context|cluster) ".*" does not exist|context was not found for specified context': (
        f"the kubeconfig has no such context: {_CHOOSE}"
    ),
    r"^error: stat .*: no such file or directory$": f"there is no such kubeconfig: {_CHOOSE}",
}
"""What kubectl says where there is no cluster to talk to (a line's pattern), and what we say."""

_REFUSED: Final = {
    f'resource type "{names.PLURAL}': f"the operator is not installed in this cluster: {INSTALL}",
    "Unauthorized": "the cluster does not know you any more: sign in again, as its provider says",
    "container not found (": "the container does not run at the moment: `immutant gears` and "
    "`immutant logs` say why",
    "exceeded quota": "the namespace's quota is used up: remove something there, or have it raised",
    "forbidden: User ": "your account in the cluster may not do this: docs/cluster.md lists the "
    "rights that the commands need",
}
"""What a cluster says, and what we say."""

_KINDS: Final = (
    ("(NotFound)", MissingError),
    ("(AlreadyExists)", TakenError),
    ("(Conflict)", OvertakenError),
)
"""What callers tell apart, by the reason that the API server gives and kubectl prints."""

_ENDED: Final = re.compile(r"command terminated with exit code (\d+)")
"""kubectl's own last line when a program in a pod fails; what is above it, the program said."""

_OLDER: Final = re.compile(r"No module named '?immutant\b")
"""What Python says in an image that lacks what is asked."""


_BESIDE: Final = re.compile(
    r"^See 'kubectl .*' for usage\.$|some validation rules were not checked because"
)
"""Lines of kubectl and the API server that say nothing of what is wrong."""

_UNASKED: Final = re.compile(
    r"error validating .*failed to download openapi: |; if you choose to ignore these errors.*"
)
"""What kubectl says of an object's validation where there is nothing that it could be sent to."""


def failure(said: str, *, or_here: bool = False) -> ClusterError:
    """The error for what kubectl said on its standard error.

    Args:
        said: What it said.
        or_here: See `Kubectl`.
    """
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    if lines and (ended := _ENDED.fullmatch(lines[-1])):
        return _program_failure(lines[:-1], ended[1])
    sentence = _told(lines) or "kubectl failed, and did not say why"
    sentence = sentence.removeprefix("error: ").removeprefix("Error from server ")
    for sign, kind in _KINDS:
        if sign in said:
            return kind(sentence.removeprefix(f"{sign}: "))
    for pattern, remedy in _NOWHERE.items():
        if re.search(pattern, said, re.MULTILINE):
            return _unreached(remedy, _UNASKED.sub("", sentence), or_here=or_here)
    remedy = next((remedy for sign, remedy in _REFUSED.items() if sign in said), "")
    return ClusterError(f"{remedy} ({sentence})" if remedy else sentence)


def _told(lines: Sequence[str]) -> str:
    """The last line, or all points of a list; without what is said beside."""
    telling = [line for line in lines if not _BESIDE.search(line)]
    points = [line.removeprefix("* ") for line in telling if line.startswith("* ")]
    return "; ".join(points) if points else telling[-1] if telling else ""


def _unreached(remedy: str, sentence: str, *, or_here: bool) -> UnreachableError:
    if or_here:
        remedy = f"no `immutant run` is used here, and {remedy}{_LOCAL}"
    return UnreachableError(f"{remedy} ({sentence})")


def _program_failure(said: list[str], code: str) -> ClusterError:
    """The error for what a program in a pod said before it failed; its words are no kubectl's."""
    if not said:
        return ClusterError(
            f"the program in the pod failed with exit code {code}, and did not say why"
        )
    sentence = said[-1].removeprefix("immutant: ")
    if _OLDER.search(sentence):
        return ClusterError(
            "the pod runs a version of immutant that cannot be asked yet: it can after the app's "
            f"next rollout, or with an image built on a newer one ({sentence})"
        )
    return ClusterError(sentence)
