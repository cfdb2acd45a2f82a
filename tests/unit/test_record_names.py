"""What a lease record's name says."""

import pytest

from immutant.contract.records import kind_and_name, member_lease, singleton_lease


@pytest.mark.parametrize("name", ["counter", "send.mail", "", "a/b c"])
def test_a_name_is_read_as_it_was_made_dots_included(name: str) -> None:
    assert kind_and_name(singleton_lease("demo", "job", name)) == ("job", name)


def test_a_members_record_is_of_a_kind_of_its_own() -> None:
    assert kind_and_name(member_lease("demo", "demo-0")) == ("member", "0")


@pytest.mark.parametrize("text", ["", "demo"])
def test_what_is_no_records_name_says_nothing(text: str) -> None:
    assert kind_and_name(text) == ("", "")
