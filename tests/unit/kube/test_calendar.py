from email.utils import formatdate

from hypothesis import given
from hypothesis import strategies as st

from immutant.kube.calendar import Calendar

OFFSET = 1_700_000_000.0


def date(at: float, offset: float = OFFSET) -> str:
    return formatdate(at + offset, usegmt=True)


@given(st.lists(st.floats(0.05, 5.0), min_size=1, max_size=20), st.floats(0.0, 1.0))
def test_it_is_never_ahead_and_never_more_than_a_second_behind(
    pauses: list[float], phase: float
) -> None:
    calendar, now = Calendar(), 0.0
    for pause in pauses:
        now += pause
        calendar.learn(date(now, OFFSET + phase), now - 0.01, now + 0.01)
        truth = now + OFFSET + phase
        assert truth - 1.1 < calendar.at(now) < truth + 1e-6


def test_answers_at_different_moments_of_a_second_make_it_exact() -> None:
    calendar = Calendar()
    for step in range(40):
        now = step * 1.05
        calendar.learn(date(now), now, now)
    assert 0 <= OFFSET + 42 - calendar.at(42) < 0.1


def test_a_calendar_that_was_set_back_is_followed_at_once() -> None:
    calendar = Calendar()
    calendar.learn(date(1.0), 1.0, 1.0)
    calendar.learn(date(2.0, OFFSET - 3600), 2.0, 2.0)
    assert abs(calendar.at(2.0) - (OFFSET - 3598)) <= 1


def test_it_knows_how_old_its_knowledge_is() -> None:
    calendar = Calendar()
    assert calendar.age(5.0) == float("inf")
    calendar.learn("no date", 1.0, 1.0)
    assert calendar.age(5.0) == float("inf")
    calendar.learn(date(2.0), 2.0, 2.0)
    assert calendar.age(5.0) == 3.0
