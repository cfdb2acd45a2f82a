import pytest

from immutant.election import Timings
from immutant.errors import ConfigurationError


def test_the_stated_profiles_fit() -> None:
    Timings()
    Timings(1.2, 0.7, 0.25, 0.3, 0.15, 0.18, 0.08)


def test_what_a_user_does_not_state_follows_from_the_lease_duration() -> None:
    assert Timings.fitting(4.0, 2.5, 1.0) == Timings()
    assert Timings.fitting(15.0, 10.0, 2.0).margins == Timings().margins
    fast = Timings.fitting(1.2, 0.7, 0.25)
    assert (fast.stop_margin, fast.api_timeout) == pytest.approx((0.3, 0.18))


@pytest.mark.parametrize(
    ("wrong", "inequality"),
    [
        (
            {"renew_deadline": 2.6},
            r"\(renewDeadline \+ stopMargin \+ killMargin\) · 1.01/0.99 < leaseDuration",
        ),
        ({"renew_period": 1.2}, r"renewPeriod \+ 2·apiTimeout \+ delivery < renewDeadline"),
        ({"stop_margin": 0.0}, "must be above zero"),
    ],
)
def test_timings_that_do_not_fit_are_refused_by_the_inequality(
    wrong: dict[str, float], inequality: str
) -> None:
    with pytest.raises(ConfigurationError, match=inequality):
        Timings(**wrong)
