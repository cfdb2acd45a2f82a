"""What the operator is told through its environment."""

import pytest

from immutant_operator.errors import SettingsError
from immutant_operator.settings import Settings

GIVEN = {
    "IMMUTANT_RUNTIME_IMAGE": "runtime:1",
    "IMMUTANT_MEMBER_IMAGE": "member:1",
    "IMMUTANT_ROUTER_IMAGE": "router:1",
    "IMMUTANT_OPERATOR_NAMESPACE": "immutant",
    "IMMUTANT_OPERATOR_IDENTITY": "one",
}


def test_a_watch_takes_less_than_a_minute_unless_told_otherwise() -> None:
    assert Settings.read(GIVEN).watch == 50
    assert Settings.read({**GIVEN, "IMMUTANT_WATCH_SECONDS": "20"}).watch == 20


@pytest.mark.parametrize("wrong", ["0", "-1", "5s", "1.5", "301"])
def test_a_watch_without_an_end_that_counts_is_refused(wrong: str) -> None:
    with pytest.raises(SettingsError, match="IMMUTANT_WATCH_SECONDS must be whole seconds"):
        Settings.read({**GIVEN, "IMMUTANT_WATCH_SECONDS": wrong})


def test_what_is_logged_begins_at_info_unless_told_otherwise() -> None:
    assert Settings.read(GIVEN).log_level == "INFO"
    assert Settings.read({**GIVEN, "IMMUTANT_LOG_LEVEL": "DEBUG"}).log_level == "DEBUG"


def test_a_level_that_there_is_not_is_refused_with_those_that_there_are() -> None:
    with pytest.raises(SettingsError, match="one of DEBUG, INFO, WARNING, ERROR, not 'loud'"):
        Settings.read({**GIVEN, "IMMUTANT_LOG_LEVEL": "loud"})


def test_how_prometheus_finds_pods_is_looked_for_unless_it_is_told() -> None:
    looked = Settings.read(GIVEN)
    assert (looked.monitoring, looked.cluster.monitoring) == (None, "none")
    labels = '{"release": "prometheus"}'
    told = {"IMMUTANT_MONITORING": "monitors", "IMMUTANT_MONITOR_LABELS": labels}
    cluster = Settings.read({**GIVEN, **told}).cluster
    assert (cluster.monitoring, cluster.monitor_labels) == ("monitors", {"release": "prometheus"})


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("IMMUTANT_MONITORING", "yes"),
        ("IMMUTANT_MONITOR_LABELS", "release=x"),
        ("IMMUTANT_MONITOR_LABELS", "[]"),
        ("IMMUTANT_MONITOR_LABELS", '{"a": 1}'),
    ],
)
def test_what_cannot_be_is_refused_by_its_name(name: str, wrong: str) -> None:
    with pytest.raises(SettingsError, match=f"{name} must be"):
        Settings.read({**GIVEN, name: wrong})
