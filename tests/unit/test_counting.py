"""What an application counts, by itself."""

import subprocess
import sys

from immutant.counting import FAMILIES, OTHER, SERIES, Series, Tally


def test_counters_and_gauges_add_up_by_their_labels() -> None:
    tally = Tally()
    tally.add("immutant_messages_sent", "a", amount=3)
    tally.add("immutant_messages_sent", "b")
    tally.add("immutant_messages_sent", "a")
    tally.add("immutant_websockets_open")
    tally.add("immutant_websockets_open", amount=-1)
    labelled = {one for one in tally.series() if one.labels}
    assert labelled == {
        Series("immutant_messages_sent", ("a",), 4),
        Series("immutant_messages_sent", ("b",), 1),
    }
    assert Series("immutant_websockets_open", (), 0) in tally.series()


def test_what_has_no_labels_is_counted_from_zero() -> None:
    assert Series("immutant_sessions_created", (), 0) in Tally().series()


def test_a_histogram_has_a_bucket_for_all_and_no_negative_seconds() -> None:
    tally = Tally()
    for seconds in (-1.0, 0.005, 0.006, 1e9):
        tally.time("immutant_http_request_seconds", "GET", seconds=seconds)
    (one,) = (one for one in tally.series() if one.counts)
    bounds = FAMILIES[one.name].bounds
    assert len(one.counts) == len(bounds) + 1
    assert (one.counts[0], one.counts[1], one.counts[-1], sum(one.counts)) == (2, 1, 1, 4)
    assert one.value == 1e9 + 0.011


def test_names_without_end_are_counted_as_other() -> None:
    tally, sent = Tally(), "immutant_messages_sent"
    for number in range(SERIES + 10):
        tally.add(sent, f"q{number}")
        tally.time("immutant_handler_seconds", f"q{number}", seconds=0.1)
    tally.add(sent, "q0")
    values = {one.labels: one.value for one in tally.series() if one.name == sent}
    assert len(values) == SERIES + 1
    assert (values["q0",], values[OTHER,]) == (2, 10)


def test_every_name_is_as_prometheus_wants_it() -> None:
    for name, family in FAMILIES.items():
        assert name.startswith("immutant_")
        assert not name.endswith("_total"), "a counter gets it when it is served"
        assert name.endswith("_seconds") == (family.shape == "histogram"), name
        assert family.what.endswith("."), name


def test_counting_needs_no_library() -> None:
    looks = "import sys, immutant; print([one for one in sys.modules if 'prometheus' in one])"
    said = subprocess.run([sys.executable, "-c", looks], capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "[]"
