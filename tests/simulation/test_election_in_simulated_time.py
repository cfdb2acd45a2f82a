"""Thousands of fault schedules, each from its seed; re-run one with `-k` and its range."""

import os

import pytest
from tests.simulation.moving import MovingWorld
from tests.simulation.world import DAEMON, JOB, World

SEEDS = int(os.environ.get("IMMUTANT_SIMULATED_SEEDS", "300"))
BATCH = 50


def test_without_faults_both_singletons_move_once_at_most_and_then_stay() -> None:
    world = World(1, faults=False)
    world.run(trouble=0.0, calm=5.0)
    assert world.grants == 2 + len(world.moves) <= 4
    settled = world.grants
    world.go_on(20.0)
    assert world.violations == []
    assert world.grants == settled
    assert len(world.holders(DAEMON)) == len(world.holders(JOB)) == 1


def test_without_faults_no_tick_is_missed_or_begun_twice() -> None:
    world = World(2, faults=False)
    world.run(trouble=0.0, calm=20.0)
    state = world.job()
    assert state is not None
    assert len(world.begun) == state.count >= 40
    assert all(attempts == [1] for attempts in world.begun.values())


@pytest.mark.parametrize("locks", [False, True], ids=["api-server", "kernel-locks"])
@pytest.mark.parametrize("first", range(0, SEEDS, BATCH))
def test_under_faults_nobody_overlaps_and_somebody_holds_when_they_end(
    first: int, *, locks: bool
) -> None:
    for seed in range(first, first + BATCH):
        world = World(seed, locks=locks)
        world.run(trouble=12.0, calm=10.0)
        hand_over(world)
        assert not world.violations, f"seed {seed}: {world.violations[:3]}"
        for name in (DAEMON, JOB):
            assert len(world.holders(name)) == 1, f"seed {seed}: {name} {world.holders(name)}"
        assert not world.auditor.wrong, f"seed {seed}: {world.auditor.wrong[:3]}"
        assert world.time - world.begun_at < 2.0, f"seed {seed}: the job does not go on"
        if not world.auditor.edited:  # else a hand has un-claimed a tick, or a wish
            check_claims(seed, world)


def hand_over(world: World) -> None:
    """The end may be in the middle of a move to a better place, which is through in a second."""
    for _ in range(10):
        if all(world.holders(name) for name in (DAEMON, JOB)):
            return
        world.go_on(world.time + 0.1)


def check_claims(seed: int, world: World) -> None:
    """Nobody edited the job's record: every attempt is claimed and begun once."""
    assert not world.auditor.twice(), f"seed {seed}: claimed twice: {world.auditor.twice()}"
    twice = {
        tick: tries
        for tick, tries in world.begun.items()
        if len(set(tries)) < len(tries) and tick.rpartition("/")[2] not in world.auditor.again
    }
    assert not twice, f"seed {seed}: begun twice: {twice}"
    asked = {f"trigger-{one.key}" for one in world.commander.acknowledged if one.verb == "trigger"}
    lost = asked - world.auditor.begun_keys - world.auditor.forgotten
    assert not lost, f"seed {seed}: acknowledged and never begun: {lost}"


@pytest.mark.parametrize("locks", [False, True], ids=["api-server", "kernel-locks"])
@pytest.mark.parametrize("first", range(0, SEEDS // 12, BATCH // 2))
def test_members_come_and_go_and_daemons_fail_and_all_comes_to_its_place_and_stays(
    first: int, *, locks: bool
) -> None:
    for seed in range(first, min(first + BATCH // 2, SEEDS // 12)):
        world = MovingWorld(seed, locks=locks)
        world.run(trouble=12.0, calm=0.0)
        world.converge()
        assert not world.violations, f"seed {seed}: {world.violations[:3]}"
        assert world.is_placed(), f"seed {seed}: {world.misplaced()}"
        moves = len(world.moves)
        world.go_on(world.time + 5.0)
        assert len(world.moves) == moves, f"seed {seed}: {world.moves[moves:]}"
        assert world.is_placed(), f"seed {seed}: {world.misplaced()}"


def test_without_faults_a_newcomer_gets_what_is_its_and_nothing_else_moves() -> None:
    world = MovingWorld(3, faults=False)
    world.run(trouble=0.0, calm=10.0)
    assert world.is_placed()
    before, moves = world.places(), len(world.moves)
    world.come("demo-4")
    world.go_on(20.0)
    assert world.violations == []
    assert world.is_placed()
    moved = [name for name, place in world.places().items() if before[name] != place]
    assert moved
    assert sorted(move.singleton for _, move in world.moves[moves:]) == sorted(moved)
