"""What a command makes of a job's state (rule 12).

Belongs here: one function for each command. Not here: writing the state (`immutant.coordinator`)
and what its holder does about it (`ticks`). Every command can be repeated: what has been done
already changes nothing, so a lost reply is settled by asking again.
"""

import math
import re
from dataclasses import replace

from immutant.election.jobstate import MOST_ASKED, Asked, JobState
from immutant.errors import RequestRefusedError
from immutant.link import Command
from immutant.schedulechecks import FARTHEST

__all__ = ["commanded"]

_KEY = re.compile(r"[\w-]{1,64}", re.ASCII)

_BEHIND = 2.0
"""Seconds by which the calendar of who asks may be ahead of the store's, in a cluster and well."""

_ANEW = ""
"""The fingerprint of no schedule: the job's holder begins it anew."""


def commanded(state: JobState, command: Command, wall: float) -> JobState:
    """The state after the command.

    Args:
        state: As it stands.
        command: What is asked for.
        wall: The lease store's calendar time.

    Raises:
        RequestRefusedError: It cannot be done; the text says what to do instead.
    """
    if command.verb == "pause":
        return replace(state, paused=True)
    if command.verb == "resume":
        return _resumed(state, wall)
    if command.verb == "unschedule":
        return _unscheduled(state)
    return _asked_for(state, command, wall)


def _resumed(state: JobState, wall: float) -> JobState:
    """Begin from now: what came due meanwhile is passed over."""
    if state.unscheduled:
        return replace(state, schedule=_ANEW, unscheduled=False, paused=False)
    if not state.paused:
        return state
    last = wall if state.last is None else max(state.last, wall)
    return replace(state, paused=False, last=last, queued=None)


def _unscheduled(state: JobState) -> JobState:
    """Forget the schedule and what waits; what runs ends. What is asked for later is kept."""
    if state.unscheduled:
        return state
    running = tuple(replace(one, final=True) for one in state.ticks if one.retry is None)
    return replace(state, unscheduled=True, ticks=running, asked=(), queued=None)


def _asked_for(state: JobState, command: Command, wall: float) -> JobState:
    if not isinstance(command.key, str) or not _KEY.fullmatch(command.key):
        raise RequestRefusedError(
            f"key={command.key!r} must be up to 64 letters, digits, dashes or underscores"
        )
    key = f"{command.verb}-{command.key}"
    if _is_known(state, key):
        return state
    if len(state.asked) >= MOST_ASKED:
        raise RequestRefusedError(
            f"{MOST_ASKED} triggers and backfills of this job wait already; "
            "try again when some of them have begun"
        )
    if command.verb == "trigger":
        asked = Asked(key, wall)
    elif command.until > wall + _BEHIND:
        raise RequestRefusedError(
            "a backfill is for the past: its until= must not lie ahead; the schedule does the rest"
        )
    else:
        # The first instant that can be written has none before it.
        after = max(-FARTHEST, math.nextafter(command.since, -math.inf))
        asked = Asked(key, after, min(command.until, wall))
    return replace(state, asked=(*state.asked, asked))


def _is_known(state: JobState, key: str) -> bool:
    """Whether what was asked for under this key waits, runs or is among the last runs."""
    keys = [one.key for one in state.asked]
    keys += [one.key for one in state.ticks]
    return key in keys or any(key == one.key for one in state.runs)
