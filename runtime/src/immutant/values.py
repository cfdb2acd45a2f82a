"""Values as bytes: what caches and queues store for what users give them.

Belongs here: the encoding, its limits, and the sentences that refuse. A JSON value is stored as its
UTF-8 text, so that every language can read it; bytes are stored as they are behind one zero byte,
which no JSON text begins with. Pickle is not on offer: whoever could write would run code.
"""

import json
import math
from typing import Any, NoReturn, TypeAlias

from immutant.errors import ValueRefusedError

__all__ = ["MAX_KEY", "MAX_VALUE", "Value", "check_key", "decode", "encode"]

Value: TypeAlias = Any
"""None, bool, int, float, str, a list or a dict with text keys of these; or bytes.

To type checkers it is Any: what comes out of a store is for the caller to know.
"""

MAX_VALUE = 1024 * 1024
"""Bytes of an encoded value; 1 MiB keeps every entry far below what a grid or a request bears."""

MAX_KEY = 512
"""Bytes of a key in UTF-8."""

_BYTES = b"\x00"
_SCALARS = (str, bool, int, type(None))


def encode(value: Value, what: str, limit: int = MAX_VALUE) -> bytes:
    """Return the value's stored form.

    Args:
        value: JSON or bytes.
        what: Names the value in an error, e.g. "value of 'a' in cache 'counters'".
        limit: The most bytes it may take.

    Raises:
        ValueRefusedError: It is neither, or takes more; the text names the part and the remedy.
    """
    if isinstance(value, bytes | bytearray | memoryview):
        data = _BYTES + bytes(value)
    else:
        data = _json(value, what)
    if len(data) > limit:
        raise ValueRefusedError(
            f"{what} takes {len(data):,} bytes and the limit is {limit:,}; store the large part "
            "elsewhere (an object store, a file) and keep its address here, or split it"
        )
    return data


def decode(data: bytes, what: str) -> Value:
    """Return the value whose stored form this is.

    Raises:
        ValueRefusedError: It is no stored form; somebody else wrote it.
    """
    if data.startswith(_BYTES):
        return data[1:]
    try:
        return json.loads(data, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise ValueRefusedError(
            f"{what} cannot be decoded: it is no JSON text in UTF-8 ({error}); whoever wrote it "
            "must write JSON, or bytes behind one zero byte"
        ) from error


def check_key(key: str, what: str) -> str:
    """Return the key if it can be one.

    Raises:
        ValueRefusedError: It is no text, empty or over 512 bytes.
    """
    if not isinstance(key, str):
        raise ValueRefusedError(
            f"{what} takes text keys and got {key!r} of type {type(key).__name__}; write str(key)"
        )
    if not 0 < _length(key, what) <= MAX_KEY:
        raise ValueRefusedError(
            f"{what} takes keys of 1 to {MAX_KEY} bytes; for longer ones use a digest of the text"
        )
    return key


def _json(value: Value, what: str) -> bytes:
    try:
        if not isinstance(value, _SCALARS):
            _check(value, "value", what)
        text = json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        return text.encode()
    except RecursionError as error:
        raise ValueRefusedError(
            f"{what} contains itself or is nested too deep for JSON; store a flatter one"
        ) from error
    except UnicodeEncodeError as error:
        raise ValueRefusedError(
            f"{what} holds text with a lone surrogate, which UTF-8 cannot carry; store it as bytes"
        ) from error
    except ValueError as error:
        raise ValueRefusedError(f"{what} is no JSON: {error}") from error


def _check(value: Value, path: str, what: str) -> None:
    """Walk to the first part that JSON would refuse or silently change."""
    if isinstance(value, dict):
        for key, part in value.items():
            if not isinstance(key, str):
                _refuse(what, path, f"has the key {key!r}; JSON has text keys only: write str(key)")
            _check(part, f"{path}[{key!r}]", what)
    elif isinstance(value, list):
        for index, part in enumerate(value):
            _check(part, f"{path}[{index}]", what)
    elif isinstance(value, float):
        if not math.isfinite(value):
            _refuse(what, path, f"is {value}, which JSON does not have; store None or text instead")
    elif not isinstance(value, _SCALARS):
        _refuse(what, path, _remedy(value))


def _remedy(value: object) -> str:
    if isinstance(value, tuple):
        return "is a tuple, which would come back as a list; store list(...) instead"
    if isinstance(value, set | frozenset):
        return "is a set; store sorted(...) or a list instead"
    if isinstance(value, bytes | bytearray | memoryview):
        return "is bytes inside a JSON value; store base64 text, or the bytes alone as the value"
    kind = type(value).__name__
    return f"is of type {kind}, which is no JSON; store text, numbers, lists and dicts of it"


def _refuse(what: str, path: str, because: str) -> NoReturn:
    raise ValueRefusedError(f"{what} cannot be stored: {path} {because}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def _length(key: str, what: str) -> int:
    try:
        return len(key.encode())
    except UnicodeEncodeError as error:
        raise ValueRefusedError(f"{what} got the key {key!r}, which UTF-8 cannot carry") from error
