"""When which record is to be looked at again."""

import math

from immutant.election.agenda import Agenda


def test_what_is_due_comes_once_and_in_the_order_of_moments() -> None:
    agenda = Agenda()
    agenda.add("late", 9.0)
    agenda.add("second", 2.0)
    agenda.add("first", 1.0)
    assert agenda.next() == 1.0
    assert agenda.due(2.0) == ["first", "second"]
    assert agenda.due(2.0) == []
    assert agenda.next() == 9.0


def test_of_two_moments_for_one_name_the_earlier_counts() -> None:
    agenda = Agenda()
    agenda.add("one", 5.0)
    agenda.add("one")
    agenda.add("one", 7.0)
    assert agenda.due(0.0) == ["one"]
    assert agenda.next() == math.inf
    assert agenda.due(9.0) == [], "what was asked for before is done"


def test_a_name_may_be_added_again_once_it_was_due() -> None:
    agenda = Agenda()
    agenda.add("one", 5.0)
    agenda.add("one", 1.0)
    assert agenda.due(1.0) == ["one"]
    agenda.add("one", 6.0)
    assert agenda.next() == 6.0
    assert agenda.due(5.0) == []
    assert agenda.due(6.0) == ["one"]
