"""What an application under fault tells the witness: one word a datagram.

Belongs here: the form of a word, for both ends. Not here: what is made of the words (`judge`).
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

    def encode(self) -> bytes:
        fields = (self.what, self.singleton, self.token, self.pod, self.process, self.serial)
        return " ".join(map(str, (*fields, f"{self.begun:.6f}", self.number, self.by))).encode()

    @classmethod
    def decode(cls, data: bytes) -> Self:
        what, singleton, token, pod, process, serial, begun, number, by = data.decode().split(" ")
        return cls(
            *(what, singleton, int(token), pod, process, int(serial)),
            *(float(begun), int(number), int(by)),
        )
