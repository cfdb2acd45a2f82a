"""One request to the console, parsed, and how values travel.

Belongs here: reading fields, or a sentence that says which one is wrong; bytes as base64. Not here:
what a verb does.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from immutant.errors import ConsoleError
from immutant.values import Value

__all__ = ["LONGEST", "Json", "Request", "packed"]

Json = dict[str, Value]
"""What JSON calls an object."""

LONGEST: Final = 16 << 20
"""Bytes of a request's or an answer's line: a value of 1 MiB fits as base64, and a few of them."""


@dataclass(frozen=True, slots=True)
class Request:
    """What is asked.

    Raises:
        ConsoleError: From every method, for what is missing or of the wrong kind.
    """

    verb: str
    fields: Mapping[str, Value]

    @classmethod
    def parse(cls, line: bytes) -> "Request":
        """The request of one line."""
        try:
            fields = json.loads(line)
        except ValueError as error:
            raise ConsoleError(f"a request is one line of JSON: {error}") from error
        if not isinstance(fields, dict) or not isinstance(fields.get("verb"), str):
            raise ConsoleError('a request is a JSON object with a "verb"')
        return cls(fields.pop("verb"), fields)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there and not empty."""
        value = self.fields.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise ConsoleError(f"{self.verb}: {name!r} must be a text")
        return value

    def count(self, name: str, default: int) -> int:
        """A whole number from 1 on."""
        value = self.fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ConsoleError(f"{self.verb}: {name!r} must be a whole number, 1 or more")
        return value

    def texts(self, name: str) -> list[str] | None:
        """A list of texts; None where it is left out."""
        value = self.fields.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
            raise ConsoleError(f"{self.verb}: {name!r} must be a list of texts")
        return value

    def value(self) -> Value:
        """What `packed` made of a value."""
        if "value" in self.fields:
            return self.fields["value"]
        try:
            return base64.b64decode(self.text("base64", ""), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ConsoleError(f"{self.verb}: 'base64' must be base64 text: {error}") from error


def packed(value: Value) -> Json:
    """A value as fields of an answer: `value`, or `base64` where it is bytes."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    return {"value": value}
