"""`git push` to a cluster: the program `git-remote-immutant`, which git runs for `immutant://`.

Belongs here: the conversation with git, as gitremote-helpers(7) has it, and what is refused. Not
here: packing and deploying. Standard output is git's; what users see goes to standard error, in
the look of a host that answers.
"""

import os
import signal
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field
from types import FrameType
from typing import IO, Final

from immutant.errors import ImmutantError, PushRefusedError, RolloutFailedError
from immutant.remote import gittree, returning
from immutant.remote.address import Address
from immutant.remote.apps import App, read
from immutant.remote.archive import Origin
from immutant.remote.deployment import Package, deploy
from immutant.remote.kubectl import Kubectl
from immutant.remote.rollout import Limits, heading
from immutant.remote.watching import follow, resume, wait

__all__ = ["Helper", "main"]

_BRANCHES: Final = "refs/heads/"
_FAILED: Final = 128
"""The exit status by which git, too, says that it cannot go on."""

_INTERRUPTED: Final = 130

_WAIT: Final = "IMMUTANT_PUSH_WAIT"


@dataclass(slots=True)
class Options:
    """What git was told to do otherwise.

    Attributes:
        quiet: `git push --quiet`.
        dry_run: `git push --dry-run`.
        wait: Whether the push waits for the rollout: IMMUTANT_PUSH_WAIT, `git push -o nowait`.
    """

    quiet: bool = False
    dry_run: bool = False
    wait: bool = field(default_factory=lambda: os.environ.get(_WAIT, "1") not in ("0", "no", ""))

    def set(self, name: str, value: str) -> str:
        """Take an option; what git is to be answered.

        Raises:
            PushRefusedError: A push option is not known; git would show no answer to it.
        """
        match name, value.strip('"'):
            case "verbosity", number:
                self.quiet = number == "0"
            case "dry-run", truth:
                self.dry_run = truth == "true"
            case "push-option", "nowait" | "wait" as word:
                self.wait = word == "wait"
            case "push-option", other:
                raise PushRefusedError(
                    f"there is no push option {other}; there are wait and nowait"
                )
            case "progress", _:
                pass
            case _:
                return "unsupported"
        return "ok"


class Helper:
    """One conversation with git.

    Attributes:
        seen: The app as it was when git asked for it; a push replaces what was there then.
    """

    def __init__(
        self, address: Address, answers: IO[bytes], said: IO[str], kubectl: Kubectl
    ) -> None:
        self._address = address
        self._answers = answers
        self._said = said
        self._kubectl = kubectl
        self._options = Options()
        self.seen: App | None = None

    def converse(self, lines: Iterable[bytes]) -> int:
        """Answer git's commands until it has no more; the exit status.

        Raises:
            ImmutantError: What git asked for cannot be.
        """
        pushes: list[str] = []
        for raw in lines:
            command, _, rest = raw.decode(errors="surrogateescape").rstrip("\n").partition(" ")
            match command:
                case "capabilities":
                    self._answer("option", "push", "fetch", "")
                case "option":
                    self._answer(self._options.set(*_pair(rest)))
                case "list":
                    self._answer(*self._list(for_push=rest == "for-push"), "")
                case "push":
                    pushes.append(rest)
                case "fetch":
                    raise PushRefusedError(self._no_history())
                case "" if pushes:
                    self._answer(*self._push(pushes), "")
                    pushes = []
                case "":
                    return 0
                case other:
                    raise PushRefusedError(f"git asks for {other}, which is not known here")
        return 0

    def _answer(self, *lines: str) -> None:
        for line in lines:
            self._answers.write(f"{line}\n".encode(errors="surrogateescape"))
        self._answers.flush()

    def say(self, line: str) -> None:
        """Tell the user something, as a host does."""
        if not self._options.quiet:
            self.warn(line)

    def warn(self, line: str) -> None:
        """Tell the user something, also when git is to be quiet."""
        self._said.write(f"remote: {line}\n")
        self._said.flush()

    def _no_history(self) -> str:
        return (
            f"immutant://{self._address.app} has what it runs and no history, so nothing can be "
            "fetched or cloned from it; get the repository where its history is kept"
        )

    def _list(self, *, for_push: bool) -> list[str]:
        app = self.seen = read(self._kubectl, self._address.app)
        degraded = app.condition("Degraded")
        if for_push and degraded.status == "True":
            self.say(f"{app.name} is in trouble: {heading(degraded.message)}")
        at = returning.branch(app)
        return [f"{at} {_BRANCHES}{app.branch}"] if at else []

    def _push(self, refspecs: list[str]) -> list[str]:
        """The answer to a batch of pushes, a line for each."""
        targets = [refspec.rpartition(":")[2] for refspec in refspecs]
        if len(refspecs) > 1:
            why = "one branch at a time can be deployed; push one: git push REMOTE BRANCH"
            return [f"error {target} {why}" for target in targets]
        try:
            self._push_one(refspecs[0])
        except RolloutFailedError as error:
            return [f"error {targets[0]} {error}"]
        except ImmutantError as error:
            self.warn(str(error))
            return [f"error {targets[0]} {_short(error)}"]
        return [f"ok {targets[0]}"]

    def _push_one(self, refspec: str) -> None:
        source, _, target = refspec.removeprefix("+").partition(":")
        app = self.seen if self.seen is not None else read(self._kubectl, self._address.app)
        if not source:
            raise PushRefusedError(
                f"what {app.name} runs cannot be removed by a push; to end the app: "
                f"immutant delete {app.name}"
            )
        if not target.startswith(_BRANCHES):
            raise PushRefusedError(
                f"only branches can be deployed, and {target} is none; push what it names as one: "
                f"git push REMOTE 'NAME^{{commit}}:{_BRANCHES}{app.branch}'"
            )
        commit = gittree.commit(source)
        if not refspec.startswith("+"):
            self._check_successor(app, commit)
        if not self._options.dry_run:
            self._deploy(app, commit, target.removeprefix(_BRANCHES))

    def _check_successor(self, app: App, commit: gittree.Commit) -> None:
        """Refuse to go back, or elsewhere, by accident: also when git compared with another branch.

        What has failed before it served need not be built on; but somebody may have pushed it just
        now, and it may get over its error. That is waited for.
        """
        if app.archive is None or not app.archive.is_commit:
            return
        deployed, at = app.archive.revision, returning.branch(app)
        if at == deployed or gittree.follows(commit.digest, deployed):
            _check_follows(app, commit, deployed)
            return
        if at:
            _check_follows(app, commit, at)
        self.say(
            f"{app.name} has {deployed[:10]}, which fails; it is replaced once that is certain"
        )
        if not self._options.dry_run:
            outcome = follow(self._kubectl, app, self.say, Limits())
            if outcome.is_done:
                _check_follows(app, commit, deployed)

    def _deploy(self, app: App, commit: gittree.Commit, branch: str) -> None:
        self.say(f'Received {commit.digest[:10]} "{commit.subject}" by {commit.author}')
        origin = Origin(commit.digest, commit.subject, commit.author)
        package = Package(gittree.tree(commit.digest), commit.moment, origin, branch)
        after = deploy(self._kubectl, app, package, self.say)
        if after is None:
            resume(self._kubectl, app, self.say, self.warn, waits=self._options.wait)
        elif self._options.wait:
            wait(self._kubectl, after, self.say, self.warn)
        else:
            self.say(f"Deployed; the rollout goes on: kubectl get immutantapp {app.name} --watch")


def _pair(rest: str) -> tuple[str, str]:
    name, _, value = rest.partition(" ")
    return name, value


def _short(error: ImmutantError) -> str:
    """An error in git's own table of what was pushed: its beginning, in one line."""
    return str(error).partition(";")[0].replace("\n", " ")


def _check_follows(app: App, commit: gittree.Commit, deployed: str) -> None:
    if not gittree.has(deployed):
        raise PushRefusedError(
            f"{app.name} runs {deployed[:10]}, which this repository does not have; get it from "
            f"whoever pushed it (immutant history {app.name}), or replace it: git push --force"
        )
    if not gittree.follows(commit.digest, deployed):
        raise PushRefusedError(
            f"{app.name} runs {deployed[:10]}, and what you push does not build on it; merge it, "
            "or replace it: git push --force"
        )


def _interrupt_once(number: int, frame: FrameType | None) -> None:
    """Ctrl-C comes twice, from the terminal and from git; the second is not to cut the farewell."""
    del frame
    signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


def main() -> None:
    """The helper: git runs it with the remote's name and its URL."""
    signal.signal(signal.SIGINT, _interrupt_once)
    try:
        status = _converse(sys.argv[1:])
    except ImmutantError as error:
        sys.stderr.write(f"remote: {error}\n")
        status = _FAILED
    except KeyboardInterrupt:
        sys.stderr.write("remote: Interrupted\n")
        status = _INTERRUPTED
    sys.exit(status)


def _converse(arguments: list[str]) -> int:
    if len(arguments) != 2:
        raise PushRefusedError(
            "git runs this program; add a remote and push: git remote add demo immutant://demo"
        )
    address = Address.parse(arguments[1])
    helper = Helper(address, sys.stdout.buffer, sys.stderr, address.kubectl())
    return helper.converse(iter(sys.stdin.buffer.readline, b""))
