"""Reading requests: a JSON object's fields, or a sentence that says which one is wrong."""

import math
import secrets
from typing import Any, get_args

from starlette.requests import Request

from immutant.coordinator.reports import read_series
from immutant.counting import Report
from immutant.errors import RequestRefusedError
from immutant.link import Candidacy, Command, KillReason, Kind, Verb
from immutant.schedulechecks import FARTHEST

__all__ = ["Body"]


class Body:
    """One request's fields.

    Raises:
        RequestRefusedError: From every method, for what is missing or of the wrong kind.
    """

    def __init__(self, fields: dict[str, Any]) -> None:
        self._fields = fields

    @classmethod
    async def of(cls, request: Request) -> "Body":
        """Read the request's body."""
        try:
            fields = await request.json() if await request.body() else {}
        except ValueError as error:
            raise RequestRefusedError(f"the body is no JSON: {error}") from error
        if not isinstance(fields, dict):
            raise RequestRefusedError("the body must be a JSON object")
        return cls(fields)

    def text(self, name: str, default: str | None = None) -> str:
        """A text; without a default it must be there and not empty."""
        value = self._fields.get(name, default)
        if not isinstance(value, str) or (default is None and not value):
            raise RequestRefusedError(f"the field {name!r} must be a text")
        return value

    def number(self, name: str, default: float | None = None) -> float:
        """A number, zero or more; without a default it must be there."""
        value = self._number(name, default)
        if not math.isfinite(value) or value < 0:
            raise RequestRefusedError(f"the field {name!r} must be a number, zero or more")
        return value

    def instant(self, name: str) -> float:
        """Seconds since the epoch, or before it."""
        value = self._number(name)
        if not -FARTHEST <= value <= FARTHEST:
            raise RequestRefusedError(f"the field {name!r} must be seconds since the epoch")
        return value

    def command(self, verb: Verb) -> Command:
        """What is asked of a job; without a key it is asked for once more each time."""
        if verb not in ("trigger", "backfill"):
            return Command(verb)
        key = self.text("key", "") or secrets.token_hex(8)
        if verb == "trigger":
            return Command(verb, key)
        since, until = self.instant("since"), self.instant("until")
        if since > until:
            raise RequestRefusedError("the field 'since' must not be later than 'until'")
        return Command(verb, key, since, until)

    def count(self, name: str, default: int | None = None) -> int:
        """A whole number, zero or more; without a default it must be there."""
        value = self.number(name, default)
        if value != int(value):
            raise RequestRefusedError(f"the field {name!r} must be a whole number")
        return int(value)

    def flag(self, name: str) -> bool:
        """True or false."""
        value = self._fields.get(name)
        if not isinstance(value, bool):
            raise RequestRefusedError(f"the field {name!r} must be true or false")
        return value

    def candidacy(self) -> Candidacy:
        """What is stood for."""
        return Candidacy(
            self._one_of("kind", get_args(Kind)),
            self.text("name"),
            self.text("schedule", ""),
            prefer=self.text("prefer", ""),
        )

    def kill_reason(self) -> KillReason:
        """Why an application was killed."""
        reason: KillReason = self._one_of("reason", get_args(KillReason))
        return reason

    def report(self) -> Report:
        """What an application has counted."""
        process, number, heard = self.text("process"), self.count("number"), self.flag("heard")
        return Report(process, number, heard, read_series(self._fields.get("series")))

    def _number(self, name: str, default: float | None = None) -> float:
        value = self._fields.get(name, default)
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise RequestRefusedError(f"the field {name!r} must be a number")
        return float(value)

    def _one_of(self, name: str, known: tuple[Any, ...]) -> Any:  # noqa: ANN401 - one of `known`
        said = self.text(name)
        if said not in known:
            raise RequestRefusedError(
                f"the field {name!r} must be one of {', '.join(known)}, not {said!r}"
            )
        return said
