"""The judge itself: it finds what is wrong, and nothing else."""

from typing import Any

from tests.chaos.judge import Freeze, judge, unheard
from tests.chaos.words import Spoken


def word(what: str, token: int, **fields: Any) -> Spoken:
    given: dict[str, Any] = {
        "pod": f"pod-{token}",
        "process": f"p{token}",
        "serial": 0,
        "begun": 0.0,
    }
    return Spoken(what, "daemon.red", token, **(given | fields))


def test_a_word_is_read_as_it_was_sent() -> None:
    read = Spoken.decode("read daemon.red 7 pod-7 p7 0 1.500000 3 5")
    assert read == word("read", 7, begun=1.5, number=3, by=5)


def test_tenures_one_after_the_other_are_right() -> None:
    words = [word(what, token) for token in (1, 2) for what in ("begin", "beat", "beat", "end")]
    assert judge(words).overlaps == []


def test_a_beat_after_a_newer_tenure_has_begun_is_an_overlap() -> None:
    verdict = judge([word("beat", 1), word("begin", 2), word("beat", 1)])
    assert len(verdict.overlaps) == 1
    assert verdict.resumed == []


def test_the_end_of_a_former_tenure_may_be_said_late() -> None:
    assert judge([word("beat", 1), word("beat", 2), word("end", 1)]).overlaps == []


def test_one_beat_that_was_begun_before_a_freeze_is_pardoned_and_a_second_is_not() -> None:
    freeze = Freeze("pod-1", begun=10.0, ended=17.0)
    late = [word("beat", 1, begun=9.99), word("beat", 1, begun=9.995)]
    verdict = judge([word("beat", 1), word("begin", 2), *late], [freeze])
    assert (len(verdict.resumed), len(verdict.overlaps)) == (1, 1)


def test_a_beat_that_was_begun_after_a_freeze_is_not_pardoned() -> None:
    freeze = Freeze("pod-1", begun=10.0, ended=17.0)
    words = [word("beat", 1), word("begin", 2), word("beat", 1, begun=17.01)]
    assert len(judge(words, [freeze]).overlaps) == 1


def test_a_write_of_an_older_tenure_after_the_newer_one_has_read_is_stale() -> None:
    words = [
        word("wrote", 1, number=5),
        word("read", 2, number=5, by=1),
        word("read", 2, number=6, by=1),
    ]
    assert len(judge(words).stale) == 1


def test_what_a_tenure_wrote_itself_answered_or_not_is_not_stale() -> None:
    words = [
        word("wrote", 1, number=5),
        word("read", 2, number=6, by=1),  # the last write of the former one, before its answer
        word("wrote", 2, number=7),
        word("read", 2, number=7, by=2),
        word("read", 2, number=8, by=2),  # written in between, without an answer
    ]
    assert judge(words).stale == []


def test_an_acknowledged_number_that_is_gone_is_lost() -> None:
    verdict = judge([word("wrote", 1, number=5), word("read", 2, number=4, by=1)])
    assert (len(verdict.lost), verdict.stale) == (1, [])


def test_what_a_tenure_read_before_it_froze_is_not_measured_by_what_its_successor_wrote() -> None:
    words = [word("wrote", 2, number=5), word("read", 1, number=4, by=1)]
    assert judge(words).lost == []


def test_an_entry_that_goes_back_to_what_its_tenure_wrote_before_is_lost_and_not_stale() -> None:
    verdict = judge([word("wrote", 2, number=9), word("read", 2, number=5, by=2)])
    assert (len(verdict.lost), verdict.stale) == (1, [])
    assert verdict.wrong == verdict.lost


def test_a_word_that_was_not_heard_is_missed() -> None:
    words = [word("beat", 1), word("beat", 1, serial=1), word("beat", 1, serial=3)]
    assert len(unheard(words)) == 1
