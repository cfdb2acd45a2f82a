import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immutant.kube.names import object_name, record_name

NAMES = st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=60)
TRICKY = st.text(alphabet="ax0-._-XÜ", max_size=12)
SUBDOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*")


@pytest.mark.parametrize(
    ("record", "name"),
    [
        ("demo.member.0", "demo.member.0"),
        ("demo.daemon.counter", "demo.daemon.counter"),
        ("demo.job.send-mail", "demo.job.send-mail"),
        ("demo.job.send_mail", "demo.job.send--5fmail"),
        ("demo.job.a.b", "demo.job.a--2eb"),
        ("demo.job.Report", "demo.job.x--52eport.x"),
        ("demo.job.", "demo.job.x.x"),
    ],
)
def test_a_name_stays_readable(record: str, name: str) -> None:
    assert object_name(record) == name
    assert record_name(name) == record


@given(NAMES | TRICKY)
def test_any_name_becomes_one_that_the_api_server_takes_and_comes_back(name: str) -> None:
    record = f"demo.daemon.{name}"
    encoded = object_name(record)
    assert SUBDOMAIN.fullmatch(encoded)
    assert len(encoded) <= 253
    if len(encoded) < 253 - 33:
        assert record_name(encoded) == record


@given(TRICKY, TRICKY)
def test_different_records_are_different_objects(one: str, other: str) -> None:
    same = object_name(f"demo.job.{one}") == object_name(f"demo.job.{other}")
    assert same == (one == other)


def test_the_longest_names_differ_too() -> None:
    names = {object_name(f"demo.job.{'a' * 300}{last}") for last in ("a", "b", "_")}
    assert len(names) == 3
    assert all(len(name) <= 253 and SUBDOMAIN.fullmatch(name) for name in names)


@pytest.mark.parametrize("name", ["Demo.job.x", "de--mo.job.x", "demo.Job.x"])
def test_what_is_no_application_or_kind_is_refused(name: str) -> None:
    with pytest.raises(ValueError, match="is no DNS label"):
        object_name(name)


def test_a_name_that_was_never_a_records_is_its_own() -> None:
    assert record_name("demo.job.a--ff") == "demo.job.a--ff"
