"""What one types to deploy to an app that has just been made.

Belongs here: the lines, as short as they are right. Not here: what they do (`git`).
"""

import shlex
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from immutant.errors import ClusterError
from immutant.remote.address import Address
from immutant.remote.apps import App
from immutant.remote.kubectl import Kubectl

__all__ = ["commands", "note"]

_BRANCH: Final = "main"
"""That of a repository that is still to be made."""

_COMMIT: Final = 'git add . && git commit -m "Begin"'


def commands(kubectl: Kubectl, app: App, folder: Path) -> Sequence[str]:
    """The commands that deploy by git.

    Args:
        kubectl: As the app was made with.
        app: The app.
        folder: Where they are typed.
    """
    branch = _branch(folder)
    begin = []
    if branch is not None and not _has_commit(folder):
        begin = [_COMMIT]
    elif branch is None and (folder / "app.py").is_file():
        begin = [f"git init -b {_BRANCH} && {_COMMIT}"]
    address = Address(app.name, _named(kubectl, app.namespace), kubectl.context)
    by = f"KUBECONFIG={shlex.quote(kubectl.kubeconfig)} " if kubectl.kubeconfig else ""
    push = f"{by}git push {app.name} {branch or _BRANCH}"
    return [*begin, *_remote(folder, app.name, str(address)), push]


def _remote(folder: Path, name: str, url: str) -> Sequence[str]:
    """How the remote comes to be there: it may be already, from an app of that name before."""
    there = _git(folder, "config", "--get", f"remote.{name}.url")
    if there == url:
        return []
    return [f"git remote {'add' if there is None else 'set-url'} {name} {url}"]


def note(app: App, folder: Path) -> str:
    """What is to be known before these are typed there; "": nothing.

    A push takes the tree of a commit, which is that of the whole repository.
    """
    top = _git(folder, "rev-parse", "--show-toplevel")
    if not top or Path(top).resolve() == folder.resolve():
        return ""
    return (
        f"this folder is a part of the repository {top}, and a push takes the whole of it; "
        f"immutant deploy {app.name} takes the folder alone"
    )


def _named(kubectl: Kubectl, namespace: str) -> str:
    """The namespace, if it has to be named."""
    try:
        return "" if kubectl.own_namespace() == namespace else namespace
    except ClusterError:  # a pod's own account has no kubeconfig
        return namespace


def _branch(folder: Path) -> str | None:
    """What is to be pushed of the repository that a folder is in; None: it is in none."""
    if _git(folder, "rev-parse", "--git-dir") is None:
        return None
    return _git(folder, "symbolic-ref", "--short", "--quiet", "HEAD") or f"HEAD:{_BRANCH}"


def _has_commit(folder: Path) -> bool:
    return _git(folder, "rev-parse", "--verify", "--quiet", "HEAD") is not None


def _git(folder: Path, *arguments: str) -> str | None:
    """What git answers; None: it refuses, or there is none."""
    if shutil.which("git") is None:
        return None
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell's line
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
