"""Ticks on a fast schedule while replicas are killed: each is claimed once and its handler begins.

The short form runs with the tests; `make chaos` kills 200 times.
"""

import random
import signal
import statistics
import time
from pathlib import Path

import pytest
from tests.chaos.results import Table
from tests.walk.claims import Claims, by_tick
from tests.walk.kills import KILLS, SEED, begun_twice_unprovoked, kill_at_random
from tests.walk.laptop import laptop
from witness import Event, witnessed

APP = Path(__file__).parent / "apps" / "ticks.py"
JOBS = 8
BOOT = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
GAP = (1.0, 2.5)
LONG = 50
"""From so many kills on it goes on until there were TICKS claims, killing."""

TICKS = 10_500
HEAD = ("kills", "ticks", "begun again", "late p50 (ms)", "p99", "most")


@pytest.mark.timeout(1200)
def test_every_tick_is_claimed_once_and_begun_again_only_after_a_kill(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = tmp_path / "witness"
    monkeypatch.setenv("WITNESS", str(witness))
    with laptop(tmp_path, APP, 3) as run:
        run.until(lambda: witness.exists(), "the first tick runs")
        with Claims(tmp_path / ".immutant") as claims:
            choose = random.Random(SEED)
            kills = kill_at_random(run, KILLS, choose, GAP)
            while KILLS >= LONG and len(claims.made) < TICKS:
                kills += kill_at_random(run, 1, choose, GAP)
            run.process.send_signal(signal.SIGINT)
            assert run.process.wait(timeout=60) == 0
    events = [one for one in witnessed(witness, "tick-begins") if one.at > claims.since]
    attempts = by_tick(claims.made)
    again = sum(len(claimed) - 1 for claimed in attempts.values())
    measured = [str(len(kills)), str(len(attempts)), str(again), *lateness(events)]
    table = Table("ticks", HEAD, [measured], f"make chaos KILLS={KILLS} SEED={SEED}")
    print("", *table.lines(), sep="\n")
    if KILLS >= LONG:
        table.keep()
    for tick, claimed in attempts.items():
        in_turn = list(range(claimed[0], claimed[0] + len(claimed)))
        assert claimed == in_turn, (tick, claims.around(tick))
    begun = {tick_of(event) for event in events}
    assert not begun - attempts.keys(), "begun, and never claimed"
    still_open = {(job, due) for job, due, _ in claims.open.values()}
    first = {claim[:2] for claim in claims.made[:JOBS]}
    assert not attempts.keys() - begun - still_open - first, "claimed, and never begun"
    assert not begun_twice_unprovoked(events, kills)


def tick_of(event: Event) -> tuple[str, int]:
    """The job, and when the tick was due in milliseconds."""
    return event.details[0].split("/")[0], round(float(event.details[2]) * 1000)


def lateness(events: list[Event]) -> list[str]:
    """How long after its due time a handler began, in milliseconds: p50, p99, most.

    The first tick of each tenure is left out: what made it late is the failover.
    """
    met: set[str] = set()
    late = []
    for event in events:
        if event.details[3] in met:
            late.append(event.at + BOOT - float(event.details[2]))
        met.add(event.details[3])
    steps = statistics.quantiles(late, n=100)
    return [f"{seconds * 1000:.0f}" for seconds in (steps[49], steps[98], max(late))]
