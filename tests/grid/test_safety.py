"""Real members: what each says of the grid that it sees, while others come, freeze and die."""

import time
from functools import partial

from tests.e2e.testbed.errors import wait_until
from tests.grid.members import PATIENCE, Member, Members, leaves_sockets, running

from immutant.contract.gridview import GridView

pytestmark = leaves_sockets

PROMPT = 1.0
"""Seconds: a sidecar asks twice in each."""


def view(member: Member) -> GridView:
    """What it answers to a word about votes."""
    found = GridView.of(member.tell("demo-0", seconds=60.0))
    assert found is not None
    return found


def until_safe(members: Members, count: int) -> str:
    """Wait until all that live say that they are so many, the same, and safe; what they see."""
    living = [member for member in members if member.alive]

    def agree() -> bool:
        try:
            found = [view(member) for member in living]
        except OSError:  # one does not listen yet
            return False
        return len(set(found)) == 1 and found[0].safe and found[0].members == count

    wait_until("all see the same, and are safe", agree, PATIENCE, str(members.folder))
    return view(living[0]).view


def test_all_say_the_same_of_the_same_members_and_no_life_is_taken_for_another() -> None:
    with running(3, app="demo") as members:
        three = until_safe(members, 3)
        members[2].kill()
        two = until_safe(members, 2)
        members[2].start()
        again = until_safe(members, 3)
        assert len({three, two, again}) == 3


def test_a_frozen_member_holds_up_no_answer_and_is_not_safe_for_long() -> None:
    with running(2, app="demo") as members:
        until_safe(members, 2)
        members[1].freeze()
        began = time.monotonic()
        wait_until("it sees that", partial(_unsafe_or_alone, members[0]), PATIENCE, "")
        took = time.monotonic() - began
        assert took < 15.0
        members[1].thaw()
        until_safe(members, 2)


def _unsafe_or_alone(member: Member) -> bool:
    began = time.monotonic()
    found = view(member)
    assert time.monotonic() - began < PROMPT
    return not found.safe or found.members == 1
