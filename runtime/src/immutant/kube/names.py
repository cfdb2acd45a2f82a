"""Lease records' names as names of Kubernetes objects, and back.

Belongs here: the encoding. Not here: what a record's name means (`immutant.contract.records`).

An object's name is a DNS subdomain: a-z, 0-9, "-" and ".", 253 characters at most. A record's is
`APP.KIND.NAME`, where NAME is any text. `demo.job.send_mail` becomes `demo.job.send--5fmail`: what
cannot stand as it is becomes `--` and two hexadecimal digits for each byte of UTF-8. Different
records have different names, and but for the longest the record's name can be read from the
object's.
"""

import re
from hashlib import blake2b
from typing import Final

__all__ = ["object_name", "record_name"]

LONGEST: Final = 253
_PLAIN = re.compile(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?")
_ODD_HYPHEN = re.compile(r"(?<![a-z0-9])-|-(?![a-z0-9])")
_ODD = re.compile(r"[^a-z0-9-]")
_ESCAPED = re.compile(r"(?:--[0-9a-f]{2})+")
_DIGEST_BYTES = 16
_EMPTY: Final = "x.x"


def object_name(record: str) -> str:
    """The name of the object that keeps this record.

    Raises:
        ValueError: The application's name or the kind is no DNS label.
    """
    *scope, last = record.split(".", 2)
    for label in scope:
        if not _PLAIN.fullmatch(label) or "--" in label:
            raise ValueError(f"{label!r} in {record!r} is no DNS label")
    name = ".".join([*scope, _encoded(last)])
    return name if len(name) <= LONGEST else _capped(name, record)


def record_name(name: str) -> str:
    """The record whose object has this name; the name itself when it is of no record of ours.

    A name that was cut because of its length does not tell its record's.
    """
    *scope, last = name.split(".", 2)
    if last == _EMPTY:
        last = ""
    elif last.startswith("x--") and last.endswith(".x"):
        last = last.removeprefix("x").removesuffix(".x")
    try:
        return ".".join([*scope, _ESCAPED.sub(_unescaped, last)])
    except ValueError:
        return name


def _encoded(text: str) -> str:
    # Hyphens first: one that stays stands between letters, so "--" never comes from the text.
    encoded = _ODD.sub(_escaped, _ODD_HYPHEN.sub(_escaped_hyphen, text))
    # A label may not begin with a hyphen. No other name has a dot here.
    if not encoded:
        return _EMPTY
    return encoded if _PLAIN.fullmatch(encoded) else f"x{encoded}.x"


def _escaped(odd: re.Match[str]) -> str:
    return "".join(f"--{byte:02x}" for byte in odd.group().encode())


def _escaped_hyphen(_: re.Match[str]) -> str:
    return "--2d"


def _unescaped(escaped: re.Match[str]) -> str:
    return bytes.fromhex(escaped.group().replace("--", "")).decode()


def _capped(name: str, record: str) -> str:
    digest = blake2b(record.encode(), digest_size=_DIGEST_BYTES).hexdigest()
    return f"{name[: LONGEST - len(digest) - 1].rstrip('-.')}.{digest}"
