"""The envelope of a fenced entry."""

import json

import pytest

from immutant.errors import ValueRefusedError
from immutant.services.entries import Mark
from immutant.services.envelope import TOMBSTONE_LIFE, Envelope, Fate


def chain(base: Envelope, *writes: str) -> Envelope:
    for write in writes:
        base = base.written(write, write, None)
    return base


@pytest.mark.parametrize("value", [None, 0, {"a": [1]}, b"\x00raw", Mark.ABSENT])
def test_an_envelope_comes_back_as_it_was(value: object) -> None:
    envelope = Envelope(value, {"daemon.counter": 2**60 + 1}, ("w1", "w2"), 17.5)
    assert Envelope.decode(envelope.encode("it"), "it") == envelope


def test_tokens_are_text_on_the_wire_for_languages_whose_numbers_end_early() -> None:
    stored = json.loads(Envelope(1, {"job.j": 2**60 + 1}, ("w",)).encode("it"))
    assert stored == {"v": 1, "t": {"job.j": "1152921504606846977"}, "w": ["w"]}


def test_every_writer_keeps_the_tokens_that_are_there() -> None:
    envelope = Envelope(1, {"daemon.a": 5}, ("w1",)).written("w2", 2, None)
    assert envelope.stamped("job.b", 3).tokens == {"daemon.a": 5, "job.b": 3}


def test_only_the_last_eight_write_ids_are_kept() -> None:
    assert chain(Envelope(), *"abcdefghij").writes == tuple("cdefghij")


def test_a_write_is_applied_if_its_id_is_there_whoever_wrote_since() -> None:
    base = chain(Envelope(), "a")
    assert chain(base, "mine", "b", "c").fate("mine", base) is Fate.APPLIED


def test_a_write_is_not_applied_if_the_chain_since_its_base_lacks_it() -> None:
    base = chain(Envelope(), "a")
    assert chain(base, *"bcdefgh").fate("mine", base) is Fate.NOT_APPLIED


def test_after_more_than_eight_writes_none_can_tell() -> None:
    base = chain(Envelope(), "a")
    assert chain(base, *"bcdefghi").fate("mine", base) is Fate.UNKNOWN


def test_a_creation_is_settled_by_a_chain_that_is_whole() -> None:
    assert chain(Envelope(), *"abcdefg").fate("mine", Envelope()) is Fate.NOT_APPLIED
    assert chain(Envelope(), *"abcdefgh").fate("mine", Envelope()) is Fate.UNKNOWN


def test_an_expired_value_is_absent_while_its_tokens_live_on() -> None:
    envelope = Envelope("v", {"daemon.a": 1}, ("w",), expiry=100.0)
    assert envelope.at(99.9) == "v"
    assert envelope.at(100.0) is Mark.ABSENT
    assert envelope.keep(90.0) == 10.0 + TOMBSTONE_LIFE
    assert envelope.keep(150.0) == TOMBSTONE_LIFE


def test_a_tombstone_is_kept_ten_minutes_and_a_value_for_ever() -> None:
    assert Envelope().keep(0.0) == TOMBSTONE_LIFE == 600.0
    assert Envelope("v").keep(0.0) is None


@pytest.mark.parametrize("data", [b"7", b"{}", b'{"t": {"a": "x"}, "w": []}', b"\x00raw"])
def test_what_is_no_envelope_is_refused_with_the_remedy(data: bytes) -> None:
    with pytest.raises(ValueRefusedError, match="clear it, or give the fenced one a new name"):
        Envelope.decode(data, "the entry 'k'")
