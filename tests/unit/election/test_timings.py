import pytest

from immutant.election import Timings
from immutant.errors import ConfigurationError


def test_the_stated_profiles_fit() -> None:
    Timings()
    Timings(1.2, 0.7, 0.25, 0.3, 0.15, 0.18, 0.08)


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
