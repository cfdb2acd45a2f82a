"""What is right: the judgement over all that the witness heard.

Belongs here: pure functions over words in their order. Not here: hearing them, causing faults.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from tests.chaos.words import Spoken

__all__ = ["JUDGED", "Freeze", "Verdict", "judge", "unheard"]

JUDGED = ("overlaps", "resumed", "stale", "lost")
"""The columns of a verdict in a table."""


@dataclass(frozen=True, slots=True)
class Freeze:
    """A pod's application did not run: from when until when, on the boot clock."""

    pod: str
    begun: float
    ended: float


@dataclass
class Verdict:
    """What was wrong; nothing where all is empty.

    Attributes:
        overlaps: Words of a tenure after a newer one of the singleton had begun.
        resumed: Such beats that a process had begun before it froze, by process and freeze: each
            may do so once. They are no overlaps, unless there is a second one.
        stale: What a tenure found in an entry of its own that an older one had written.
        lost: What was found in place of an acknowledged write that came later.
    """

    overlaps: list[str] = field(default_factory=list)
    resumed: list[str] = field(default_factory=list)
    stale: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)

    @property
    def wrong(self) -> list[str]:
        """What must not be."""
        return [*self.overlaps, *self.stale, *self.lost]

    def add(self, other: "Verdict") -> None:
        """Put another one to it."""
        self.overlaps += other.overlaps
        self.resumed += other.resumed
        self.stale += other.stale
        self.lost += other.lost

    def cells(self) -> list[str]:
        """How many of each there were, as `JUDGED` names them."""
        return [str(len(one)) for one in (self.overlaps, self.resumed, self.stale, self.lost)]


def judge(words: Sequence[Spoken], freezes: Iterable[Freeze] = ()) -> Verdict:
    """Judge words in the order in which they were sent."""
    verdict = Verdict()
    by_singleton: dict[str, list[Spoken]] = defaultdict(list)
    for word in words:
        by_singleton[word.singleton].append(word)
    pardon = _Pardon(freezes)
    for spoken in by_singleton.values():
        _judge_beats(spoken, pardon, verdict)
        _judge_entries(spoken, verdict)
    return verdict


class _Pardon:
    """For the one beat that a process had begun when it froze."""

    def __init__(self, freezes: Iterable[Freeze]) -> None:
        self._freezes = list(freezes)
        self._used: set[tuple[str, Freeze]] = set()

    def grant(self, word: Spoken) -> bool:
        for freeze in self._freezes:
            if word.pod == freeze.pod and word.begun <= freeze.begun:
                used = (word.process, freeze)
                if used not in self._used:
                    self._used.add(used)
                    return True
        return False


def _judge_beats(words: Sequence[Spoken], pardon: _Pardon, verdict: Verdict) -> None:
    newest = 0
    for word in words:
        if word.what not in ("begin", "beat"):
            continue
        if word.token >= newest:
            newest = word.token
        elif word.what == "beat" and pardon.grant(word):
            verdict.resumed.append(f"{word} after {newest} had begun")
        else:
            verdict.overlaps.append(f"{word} after {newest} had begun")


def _judge_entries(words: Sequence[Spoken], verdict: Verdict) -> None:
    """Find writes of older tenures after a newer one had read or written, and what was lost.

    A tenure's first read stamps the entry, so from then on it finds only what it has left there
    itself: what it read first, what it wrote, what it may have written without an answer. What it
    reads first is no less than what tenures before it were acknowledged. Newer ones do not count:
    it may have read before they wrote, frozen before it could say so.
    """
    seen: dict[int, Spoken] = {}
    highest: dict[int, int] = defaultdict(int)
    for word in words:
        if word.what not in ("read", "wrote"):
            continue
        before = seen.get(word.token)
        seen[word.token] = word
        if word.what == "read" and before is not None and not _is_own(word, before):
            found = verdict.lost if word.by == word.token else verdict.stale
            found.append(f"{word} found though it had left {before}")
        if word.what == "read" and before is None:
            left = max(
                (number for token, number in highest.items() if token <= word.token), default=0
            )
            if word.number < left:
                verdict.lost.append(f"{word} found though {left} had been acknowledged")
        if word.what == "wrote":
            highest[word.token] = max(highest[word.token], word.number)


def _is_own(found: Spoken, left: Spoken) -> bool:
    by = left.by if left.what == "read" else left.token
    unanswered = found.by == found.token and found.number == left.number + 1
    return (found.number, found.by) == (left.number, by) or unanswered


def unheard(words: Iterable[Spoken]) -> list[str]:
    """Words that are missing between others of the same process: the witness may not lose any."""
    last: dict[str, int] = defaultdict(lambda: -1)
    missing = []
    for word in words:
        if word.serial != last[word.process] + 1:
            missing.append(f"{word}: the one before was {last[word.process]}")
        last[word.process] = word.serial
    return missing
