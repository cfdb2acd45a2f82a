import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immutant.contract.gridview import GridView
from immutant.election.stance import DRAINING, Stance

_names = st.text(min_size=1, max_size=20)
_grids = st.builds(GridView, st.integers(0, 2000), st.text(max_size=64), st.booleans())


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.builds(
        Stance,
        zone=_names,
        avoids=st.frozensets(_names, max_size=5),
        wants=st.dictionaries(_names, st.text(max_size=10), max_size=5),
        more=st.booleans(),
        dataless=st.booleans(),
        grid=st.none() | _grids,
    )
)
def test_a_stance_is_read_as_it_was_written(stance: Stance) -> None:
    assert Stance.of(stance.to_body()) == stance


def test_at_rest_without_zone_and_grid_the_body_is_as_in_the_version_before() -> None:
    assert Stance().to_body() == ""
    assert Stance.of("") == Stance()


def test_a_drain_is_the_one_word_that_the_version_before_knows() -> None:
    assert Stance(draining=True, zone="near", wants={"a": ""}).to_body() == DRAINING == "draining"
    assert Stance.of("draining").draining


@pytest.mark.parametrize(
    "body",
    [
        "edited",
        "[]",
        "7",
        '{"wants": 3}',
        '{"avoids": 1}',
        '{"grid": 3}',
        '{"grid": {}}',
        '{"grid": {"members": true, "view": "v", "safe": true}}',
        '{"grid": {"members": -1, "view": "v", "safe": true}}',
        '{"grid": {"members": 3, "view": 3, "safe": true}}',
        '{"grid": {"members": 3, "view": "v", "safe": "yes"}}',
        "{",
        "[" * 5000,
    ],
)
def test_what_cannot_be_read_says_nothing(body: str) -> None:
    assert Stance.of(body) == Stance()


def test_words_of_a_later_version_are_passed_over() -> None:
    assert Stance.of('{"zone": "near", "mood": "good"}') == Stance(zone="near")
