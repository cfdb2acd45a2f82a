"""What became of each version of an app, and which one it goes back to.

Belongs here: reading that from what the operator has written down of archives. Not here: going
there (`deployment`), and how a rollout that goes on is judged (`rollout`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from immutant.errors import ClusterError, MissingError
from immutant.remote.apps import App, Deployed, is_commit
from immutant.remote.archive import Revision
from immutant.remote.rollout import standing

__all__ = ["Goal", "branch", "chosen", "former", "named", "served", "state"]

UNKNOWN: Final = "unknown"
_STATES: Final = {"served": "served", "failed": "failed", "begun": "never served"}


@dataclass(frozen=True, slots=True)
class Goal:
    """A version to go back to.

    Attributes:
        revision: Which.
        has_served: Whether all pods have served it once; False: nobody knows.
    """

    revision: Revision
    has_served: bool


def state(app: App, sha256: str) -> str:
    """In a word, what became of an archive; of the one that the app names, how it stands now."""
    if app.archive is not None and app.archive.sha256 == sha256:
        return standing(app)
    found = next((one.outcome for one in app.deployed if one.sha256 == sha256), "")
    return _STATES.get(found, UNKNOWN)


def served(app: App) -> list[Deployed]:
    """What has served, but for what the app names now; the last that did comes first."""
    named = app.archive.sha256 if app.archive is not None else ""
    return [one for one in app.deployed if one.outcome == "served" and one.sha256 != named]


def branch(app: App) -> str:
    """The commit that the app's branch is at, for git; "": none.

    It is what the app names, unless that has failed before it ever served. Then it is what served
    before: a push that git was told is rejected has moved no branch, and the next one need not
    build on it.
    """
    if app.archive is None:
        return ""
    revision = app.archive.revision
    if is_failure(app):
        revision = next((one.revision for one in served(app)), "")
    return revision if is_commit(revision) else ""


def is_failure(app: App) -> bool:
    """Whether what the app names has failed so far and never served, by the operator's record."""
    named = app.archive.sha256 if app.archive is not None else ""
    outcomes = [one.outcome for one in app.deployed if one.sha256 == named]
    return outcomes == ["failed"] and standing(app) == "failed"


def former(revisions: Sequence[Revision], app: App) -> Goal:
    """What an app goes back to, if nothing is named: what served last beside what it names.

    Where nothing is known to have served, it is the last that was deployed before, of those about
    which nothing is known: operators have not always written that down.

    Raises:
        MissingError: There is nothing to go back to.
    """
    whole = {one.archive.sha256: one for one in revisions if one.is_whole}
    for one in served(app):
        if one.sha256 in whole:
            return Goal(whole[one.sha256], has_served=True)
    before = _before(list(whole.values()), app)
    unknown = [one for one in before if state(app, one.archive.sha256) == UNKNOWN]
    if unknown:
        return Goal(unknown[0], has_served=False)
    look = f"immutant history {app.name} lists what there is"
    if before:
        raise MissingError(
            f"nothing that {app.name} ran before has served; mend it and deploy again, or name the "
            f"one to go back to: immutant rollback {app.name} REVISION ({look})"
        )
    raise MissingError(f"there is nothing before what {app.name} runs; {look}")


def _before(whole: Sequence[Revision], app: App) -> Sequence[Revision]:
    digests = [one.archive.sha256 for one in whole]
    current = app.archive.sha256 if app.archive is not None else ""
    return whole[digests.index(current) + 1 if current in digests else 0 :]


def chosen(revisions: Sequence[Revision], app: App, wanted: str) -> Revision:
    """The revision that was named.

    Args:
        revisions: Those that are there, the newest first.
        app: The app as it is.
        wanted: The first characters of a commit, a `dir-TIME` or a digest.

    Raises:
        MissingError: None begins so.
        ClusterError: More than one does.
    """
    whole = [one for one in revisions if one.is_whole]
    found = [
        one
        for one in whole
        if one.origin.revision.startswith(wanted) or one.archive.sha256.startswith(wanted)
    ]
    if len(found) == 1:
        return found[0]
    listed = f"{_listed(found or whole)} (immutant history {app.name})"
    if found:
        raise ClusterError(
            f"{len(found)} revisions of {app.name} begin with {wanted!r}; write more of the one "
            f"that you mean: {listed}"
        )
    raise MissingError(f"no revision of {app.name} begins with {wanted!r}; there are: {listed}")


def _listed(revisions: Sequence[Revision]) -> str:
    """Their names; of a commit that was packed more than once, the digests too."""
    names = [one.origin.revision[:20] for one in revisions]
    listed = [
        name if names.count(name) == 1 else f"{name} (or {one.archive.sha256[:10]})"
        for name, one in zip(names, revisions, strict=True)
    ]
    return ", ".join(listed) or "none"


def named(revision: Revision) -> str:
    """A revision in a sentence."""
    return f'{short(revision.origin.revision)} "{revision.origin.message}"'


def short(revision: str) -> str:
    """The beginning of a commit, by which rollback takes it too; others as they are."""
    return revision if revision.startswith("dir-") else revision[:10]
