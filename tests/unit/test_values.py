"""The stored form of values."""

import json
import math
from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from immutant.errors import ValueRefusedError
from immutant.values import MAX_VALUE, check_key, decode, encode

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: (
        st.lists(inner) | st.dictionaries(st.text(st.characters(exclude_categories=["Cs"])), inner)
    ),
    max_leaves=20,
)


@given(JSON | st.binary())
def test_every_json_value_and_all_bytes_come_back_as_they_were(value: object) -> None:
    assert decode(encode(value, "it"), "it") == value


@given(JSON)
def test_a_json_value_is_plain_json_text_for_other_languages(value: object) -> None:
    assert json.loads(encode(value, "it")) == value


def test_bytes_that_look_like_json_stay_bytes() -> None:
    assert decode(encode(b'{"a": 1}', "it"), "it") == b'{"a": 1}'


@pytest.mark.parametrize(
    ("value", "part", "remedy"),
    [
        ({"a": [1, {2, 3}]}, "value['a'][1]", "sorted"),
        ((1, 2), "value is a tuple", "list(...)"),
        ({"a": {1: 2}}, "value['a'] has the key 1", "str(key)"),
        ([math.nan], "value[0]", "None or text"),
        (math.inf, "value is inf", "None or text"),
        ({"raw": b"x"}, "value['raw']", "base64"),
        ({"it": object()}, "value['it'] is of type object", "text, numbers, lists"),
    ],
)
def test_what_is_no_json_is_refused_with_its_part_and_the_remedy(
    value: object, part: str, remedy: str
) -> None:
    with pytest.raises(ValueRefusedError) as refused:
        encode(value, "the value of 'k'")
    assert "the value of 'k'" in str(refused.value)
    assert part in str(refused.value)
    assert remedy in str(refused.value)


def test_a_value_that_contains_itself_is_refused() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(ValueRefusedError, match="contains itself"):
        encode(value, "it")


def test_text_that_utf8_cannot_carry_is_refused() -> None:
    with pytest.raises(ValueRefusedError, match="surrogate"):
        encode({"a": "\ud800"}, "it")


def test_a_value_over_the_limit_is_refused_with_both_numbers() -> None:
    encode("x" * (MAX_VALUE - 2), "it")
    with pytest.raises(ValueRefusedError, match=r"1,048,577 bytes.*1,048,576"):
        encode("x" * (MAX_VALUE - 1), "it")


def test_ordered_dicts_are_dicts() -> None:
    assert decode(encode(OrderedDict(a=1), "it"), "it") == {"a": 1}


@pytest.mark.parametrize("data", [b"", b"{", b"NaN", b"\xff\xfe", b"[" * 100_000, b"1 2"])
def test_what_is_no_stored_form_cannot_be_decoded(data: bytes) -> None:
    with pytest.raises(ValueRefusedError, match="cannot be decoded"):
        decode(data, "it")


@pytest.mark.parametrize("key", ["", "k" * 513, "é" * 257, 7, None, "\ud800"])
def test_a_key_is_text_of_1_to_512_bytes(key: str) -> None:
    with pytest.raises(ValueRefusedError):
        check_key(key, "cache 'c'")


def test_a_key_at_the_limit_is_a_key() -> None:
    assert check_key("é" * 256, "cache 'c'") == "é" * 256
