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

__all__ = ["commands"]

_BRANCH: Final = "main"
"""That of a repository that is still to be made."""

_BEGIN: Final = f'git init -b {_BRANCH} && git add . && git commit -m "Begin"'


def commands(kubectl: Kubectl, app: App, folder: Path) -> Sequence[str]:
    """The commands that deploy by git.

    Args:
        kubectl: As the app was made with.
        app: The app.
        folder: Where they are typed.
    """
    branch = _branch(folder)
    begin = [_BEGIN] if branch is None and (folder / "app.py").is_file() else []
    address = Address(app.name, _named(kubectl, app.namespace), kubectl.context)
    by = f"KUBECONFIG={shlex.quote(kubectl.kubeconfig)} " if kubectl.kubeconfig else ""
    push = f"{by}git push {app.name} {branch or _BRANCH}"
    return [*begin, f"git remote add {app.name} {address}", push]


def _named(kubectl: Kubectl, namespace: str) -> str:
    """The namespace, if it has to be named."""
    try:
        return "" if kubectl.own_namespace() == namespace else namespace
    except ClusterError:  # a pod's own account has no kubeconfig
        return namespace


def _branch(folder: Path) -> str | None:
    """What is to be pushed of the repository that a folder is in; None: it is in none."""
    if shutil.which("git") is None or _asked(folder, "rev-parse", "--git-dir") is None:
        return None
    return _asked(folder, "symbolic-ref", "--short", "--quiet", "HEAD") or f"HEAD:{_BRANCH}"


def _asked(folder: Path, *arguments: str) -> str | None:
    command = ["git", "-C", str(folder), *arguments]
    done = subprocess.run(command, capture_output=True, check=False)  # noqa: S603 - no shell's line
    return done.stdout.decode(errors="replace").strip() if done.returncode == 0 else None
