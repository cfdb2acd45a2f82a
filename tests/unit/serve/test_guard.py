from immutant.serve.guard import Deadlines


def test_the_earliest_deadline_decides_and_grows_with_heartbeats() -> None:
    deadlines = Deadlines(stop_margin=1.0)
    assert deadlines.overdue_at() is None
    deadlines.feed(b'["a", 10.0, false]\n["b", 20.0, false]\n')
    assert deadlines.overdue_at() == 11.0
    deadlines.feed(b'["a", 30.0, false]\n')
    assert deadlines.overdue_at() == 21.0


def test_a_line_in_two_pieces_is_one_line() -> None:
    deadlines = Deadlines(stop_margin=1.0)
    deadlines.feed(b'["a", 1')
    deadlines.feed(b"0.0, false]\n")
    assert deadlines.overdue_at() == 11.0


def test_what_has_stopped_is_owed_no_more() -> None:
    deadlines = Deadlines(stop_margin=1.0)
    deadlines.feed(b'["a", 10.0, false]\n["a", null, false]\n')
    assert deadlines.overdue_at() is None


def test_the_coordinators_word_extends_what_is_held_and_nothing_else() -> None:
    deadlines = Deadlines(stop_margin=1.0)
    deadlines.feed(b'["a", 10.0, false]\n')
    deadlines.extend({"a": 15.0, "b": 1.0})
    assert deadlines.overdue_at() == 16.0
    deadlines.extend({"a": 5.0})
    assert deadlines.overdue_at() == 16.0


def test_what_has_been_told_to_end_is_extended_no_more() -> None:
    deadlines = Deadlines(stop_margin=1.0)
    deadlines.feed(b'["a", 10.0, false]\n["a", 12.0, true]\n')
    deadlines.extend({"a": 15.0})
    assert deadlines.overdue_at() == 13.0
