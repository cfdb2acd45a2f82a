"""The witness: hears every word of every tenure, puts them in order, and stamps them.

Belongs here: hearing, and waiting for what is heard. Not here: what is right (`judge`).

The words come by one Unix datagram socket. The kernel puts a datagram into its queue within the
call that sends it, and the sender keeps nothing back. So the order of the queue is the order of the
sends, whoever was delayed: a word that came after another one was sent after it. A process that is
stopped has either sent a word or not; at most the one whose call it was in follows when it wakes.
The stamps are the witness's own, on its own clock; they measure, the order judges.
"""

import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.words import Spoken

__all__ = ["Witness", "Word"]

_LONGEST = 512
_BUFFER = 1 << 20
_NAP = 0.05


@dataclass(frozen=True, slots=True)
class Word:
    """One word as it was heard.

    Attributes:
        at: When, in seconds of the witness's clock (CLOCK_MONOTONIC).
        said: What.
    """

    at: float
    said: Spoken


class Witness:
    """Listens from its making until it is closed.

    Attributes:
        words: All that was heard, in order; it only grows.
        stalled: For how many seconds the machine did not let this process run when it could have.
    """

    def __init__(self, address: Path) -> None:
        self.words: list[Word] = []
        self.address = address
        self._news = threading.Condition()
        self._begun: dict[str, dict[int, float]] = {}
        self._last: dict[str, float] = {}
        self.stalled = 0.0
        self._closed = threading.Event()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER)
        self._socket.bind(str(address))
        self._threads = [threading.Thread(target=one) for one in (self._listen, self._feel)]
        for thread in self._threads:
            thread.start()

    @staticmethod
    def now() -> float:
        """The clock of the stamps."""
        return time.monotonic()

    def close(self) -> None:
        """Hear nothing more."""
        self._closed.set()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as bell:
            bell.sendto(b"", str(self.address))
        for thread in self._threads:
            thread.join()
        self._socket.close()

    def tenure(self, singleton: str) -> int:
        """The token of the newest tenure that has beaten; 0: none has."""
        return max(self._begun.get(singleton, {0: 0.0}))

    def began(self, singleton: str, after: int) -> float | None:
        """When the first tenure with a greater token than this first beat; None: there is none."""
        newer = [at for token, at in self._begun.get(singleton, {}).items() if token > after]
        return min(newer, default=None)

    def silent(self, singleton: str) -> float:
        """For how long the newest tenure has not beaten."""
        return self.now() - self._last.get(singleton, 0.0)

    def until(self, done: Callable[[], bool], patience: float) -> bool:
        """Wait, word by word, until something holds; False when it did not in time.

        A machine that stands still is given its time back: so does everything that is waited for.
        """
        end = self.now() + patience - self.stalled
        with self._news:
            while not (held := done()):
                left = end + self.stalled - self.now()
                if left <= 0:
                    return held
                self._news.wait(left)
        return held

    def _listen(self) -> None:
        while True:
            data = self._socket.recv(_LONGEST)
            at = self.now()
            if self._closed.is_set():
                return
            said = Spoken.decode(data.decode())
            with self._news:
                self.words.append(Word(at, said))
                if said.what == "beat":
                    self._note(said, at)
                self._news.notify_all()

    def _feel(self) -> None:
        """Notice when the machine stands still, or has no time for this process."""
        while True:
            asleep = self.now()
            if self._closed.wait(_NAP):
                return
            late = self.now() - asleep - _NAP
            self.stalled += late if late > _NAP else 0.0

    def _note(self, said: Spoken, at: float) -> None:
        begun = self._begun.setdefault(said.singleton, {})
        begun.setdefault(said.token, at)
        if said.token == max(begun):
            self._last[said.singleton] = at
