"""The merged log of an application's replicas, as it comes, and waiting for what it says."""

import re
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

PATIENCE = 20.0


@dataclass(frozen=True)
class Line:
    """One line of the merged log: when it was said (seconds), whose it is, what it says."""

    at: float
    replica: str
    text: str

    @property
    def number(self) -> int:
        match = re.search(r"\d+", self.text)
        assert match, self
        return int(match.group())


class Log:
    """Lines from all replicas, appended by whoever reads them."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self._news = threading.Condition()

    def add(self, line: Line) -> None:
        with self._news:
            self.lines.append(line)
            self._news.notify_all()

    def said(self, word: str, since: int = 0) -> list[Line]:
        """The lines that begin with this word, after the first `since` lines of all."""
        return [line for line in self.lines[since:] if line.text.split(" ")[0] == word]

    def until(self, done: Callable[[], bool], what: str, patience: float = PATIENCE) -> None:
        """Wait, line by line, until something holds."""
        with self._news:
            if not self._news.wait_for(done, patience):
                log = "\n".join(f"{line.replica} | {line.text}" for line in self.lines[-60:])
                raise AssertionError(f"not within {patience:g} s: {what}; the log's end:\n{log}")

    def wait_for(
        self, word: str, count: int = 1, since: int = 0, patience: float = PATIENCE
    ) -> list[Line]:
        """Wait for so many lines that begin with this word; they are returned."""
        self.until(lambda: len(self.said(word, since)) >= count, f"{count} x {word}", patience)
        return self.said(word, since)

    def no_gap(self, word: str = "send") -> list[int]:
        """All numbers of this word so far, without a gap."""
        seen = numbers(self.said(word))
        assert sorted(set(seen)) == list(range(max(seen) + 1)), seen
        return seen


def numbers(lines: Sequence[Line]) -> list[int]:
    return [line.number for line in lines]
