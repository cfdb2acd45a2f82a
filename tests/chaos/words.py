"""What an application under fault tells the witness (`apps/beating.py`), one word at a time.

Belongs here: reading a word. Not here: what is made of the words (`judge`).
"""

from dataclasses import dataclass
from typing import Self

__all__ = ["Spoken"]


@dataclass(frozen=True, slots=True)
class Spoken:
    """One word as it was sent.

    Attributes:
        what: "begin", "beat" or "end" of a tenure; "read" or "wrote", of a fenced entry.
        singleton: Whose tenure.
        token: Of the tenure that speaks.
        pod: The pod, by its UID: two may have one name.
        process: The process, by a name of its own.
        serial: Counts the process's words from 0, so that a lost one is missed.
        begun: When the step began of which the word tells, on the boot clock: for a beat, just
            before the tenure was checked.
        number: The entry's number, of "read" and "wrote".
        by: The token of the tenure that wrote the entry, of "read".
    """

    what: str
    singleton: str
    token: int
    pod: str
    process: str
    serial: int
    begun: float
    number: int = 0
    by: int = 0

    @classmethod
    def decode(cls, text: str) -> Self:
        what, singleton, token, pod, process, serial, begun, number, by = text.split(" ")
        return cls(
            *(what, singleton, int(token), pod, process, int(serial)),
            *(float(begun), int(number), int(by)),
        )

    def __str__(self) -> str:
        """For a failure's message."""
        entry = f" {self.number} by {self.by}" if self.number else ""
        speaker = f"{self.singleton} {self.token} of {self.pod}/{self.process}"
        return f"{self.what}{entry} of {speaker}, begun {self.begun:.3f}"
