"""Faults at random, from a seed, on real sidecars and applications and a real API server.

The short form runs with the tests: every kind once, in brisk timings, the data in a file. The long
form (`make chaos`, IMMUTANT_TRIALS above 1) plays each kind so many times in the default timings,
with three real members of the grid.
"""

import contextlib
from collections.abc import Callable, Iterator

import pytest
from tests.chaos.calendar import Calendar
from tests.chaos.cluster import chaotic
from tests.chaos.faults import HARD_DEADLINE, KINDS, STEPS
from tests.chaos.playing import play
from tests.chaos.results import Row
from tests.chaos.settings import LONG, OUTAGE, SEED, TIMINGS, TRACES, TRIALS
from tests.grid.members import running
from tests.integration.kube.apiserver import ApiServer
from tests.machine import not_run

from immutant.contract.environment import Grid


@contextlib.contextmanager
def grids() -> Iterator[Callable[[int], Grid] | None]:
    """Three members for the long form; none, which means a file, for the short one."""
    if LONG:
        with running(3) as members:
            yield members.grid
    else:
        yield None


@pytest.mark.timeout(150 if not LONG else 600 * TRIALS)
@pytest.mark.parametrize("group", KINDS)
def test_no_fault_lets_two_tenures_beat_and_each_is_made_up_for(
    apiserver: ApiServer, namespace: str, group: str, rows: dict[str, Row]
) -> None:
    kinds = KINDS[group]
    if STEPS in kinds and (reason := Calendar.why_none()):
        not_run(STEPS, reason)
        pytest.skip(reason)
    trace = TRACES / f"{group}-{SEED}".replace(" ", "-")
    hard = group == HARD_DEADLINE
    with (
        grids() as state,
        chaotic(apiserver, namespace, TIMINGS, trace, state, hard_deadline=hard) as cluster,
    ):
        played = play(cluster, kinds, TRIALS, SEED, OUTAGE)
        rows.update(played.rows)
        assert not played.wrong, (SEED, played.wrong[:5], f"all that was heard is in {trace}")
