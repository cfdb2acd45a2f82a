"""What a step of a job's state means to those who count: runs that ended, ticks passed over.

Belongs here: the difference of two states of a job. Not here: which state comes next (`ticks`).
"""

import math

from immutant.election.dues import base
from immutant.election.jobstate import JobState
from immutant.election.observer import Observer
from immutant.schedules import Schedule

__all__ = ["observe"]

_MOST_WALKED = 1000
"""Due instants of a cron expression that are counted one by one; about 20 ms."""


def observe(
    observer: Observer, job: str, schedule: Schedule, before: JobState, after: JobState
) -> None:
    """Tell an observer of a step that has been written down."""
    known = set(before.runs)
    for run in after.runs:
        if run not in known:
            observer.ran(job, run.outcome)
    if missed := _passed_over(schedule, before, after):
        observer.passed_over(job, missed)


def _passed_over(schedule: Schedule, before: JobState, after: JobState) -> int:
    if after.anchor != before.anchor or after.last is None or after.last == before.last:
        return 0
    claimed = after.count - before.count
    found = _due_between(schedule, before.anchor, base(before, schedule), after.last)
    return max(0, found - claimed)


def _due_between(schedule: Schedule, anchor: float, since: float, until: float) -> int:
    """How many due instants there are after `since`, up to `until`."""
    due = schedule.next_after(since, anchor)
    if due is None or due > until:
        return 0
    if schedule.every is not None:
        return math.floor((until - due) / schedule.every + 1e-6) + 1
    count = 0
    while due is not None and due <= until and count < _MOST_WALKED:
        count, due = count + 1, schedule.next_after(due, anchor)
    return count
