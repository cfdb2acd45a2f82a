"""`make demo`: the article's application on three replicas, and a summary of what its log said.

Belongs here: passing the lines through and counting them. Exit code 1 when a number is missing.
"""

import argparse
import os
import re
import signal
import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

KINDS = ("send", "recv", "web", "job")
NUMBERED = ("send", "recv", "job")
ROOT = Path(__file__).resolve().parent.parent

_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(
    rf"(?P<replica>\S+-\d+) \| .*?\b(?P<kind>{'|'.join(KINDS)})\b\D{{0,3}}(?P<number>\d+)?"
)


@dataclass(slots=True)
class Tally:
    """What the log said so far."""

    lines: dict[str, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    numbers: dict[str, Counter[int]] = field(default_factory=lambda: defaultdict(Counter))

    def count(self, line: str) -> None:
        """Count one line of the merged log, if it is one of the four kinds."""
        found = _LINE.match(_COLOUR.sub("", line))
        if found:
            self.lines[found["replica"]][found["kind"]] += 1
            if found["number"] and found["kind"] in NUMBERED:
                self.numbers[found["kind"]][int(found["number"])] += 1

    def missing(self, kind: str) -> list[int]:
        """Numbers between the first and the last one that never appeared."""
        seen = self.numbers[kind]
        return sorted(set(range(min(seen), max(seen))) - set(seen)) if seen else []

    def twice(self, kind: str) -> list[int]:
        """Numbers that appeared more than once."""
        return sorted(number for number, times in self.numbers[kind].items() if times > 1)


def table(tally: Tally) -> str:
    """Lines by replica and kind."""
    rows: list[Sequence[object]] = [("", *KINDS)]
    rows += [
        (name, *(counts[kind] for kind in KINDS)) for name, counts in sorted(tally.lines.items())
    ]
    rows.append(("all", *(sum(counts[kind] for counts in tally.lines.values()) for kind in KINDS)))
    return "\n".join(f"{row[0]!s:10}" + "".join(f"{cell!s:>7}" for cell in row[1:]) for row in rows)


def verdict(tally: Tally, kind: str) -> str:
    """A sentence about the numbers of one kind."""
    seen = tally.numbers[kind]
    if not seen:
        return f"{kind}: no line"
    missing, twice = _listing(tally.missing(kind)), _listing(tally.twice(kind))
    return (
        f"{kind} {min(seen)} to {max(seen)}: {missing or 'none'} missing, {twice or 'none'} twice"
    )


def _listing(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))


def main() -> int:
    """Run the demo; the exit code."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    options.add_argument("--seconds", type=float, help="stop after so long; default: at Ctrl-C")
    options.add_argument("--replicas", type=int, default=3)
    options.add_argument("--port", type=int, default=8080)
    given = options.parse_args()
    tally = Tally()
    code = run(given, tally)
    if code == 0:
        print("\n" + table(tally) + "\n")
        print("\n".join(verdict(tally, kind) for kind in NUMBERED))
    return code or int(any(tally.missing(kind) for kind in NUMBERED))


def run(given: argparse.Namespace, tally: Tally) -> int:
    """Run the launcher, pass its lines through and count them; its exit code."""
    command = [sys.executable, "-m", "immutant", "run", "examples/cluster-demo/app.py"]
    command += ["--name", "demo", "--replicas", str(given.replicas), "--port", str(given.port)]
    if given.seconds is not None:
        command += ["--seconds", str(given.seconds)]
    colour = {"FORCE_COLOR": "1"} if sys.stdout.isatty() else {}
    with subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, env={**os.environ, **colour}
    ) as launcher:
        _leave_ending_to(launcher)
        assert launcher.stdout is not None
        for line in launcher.stdout:
            sys.stdout.buffer.write(line)
            sys.stdout.buffer.flush()
            tally.count(line.decode(errors="replace"))
    return launcher.returncode


def _leave_ending_to(launcher: subprocess.Popen[bytes]) -> None:
    """Let the launcher end first: Ctrl-C reaches it too, other signals are passed on."""

    def pass_on(number: int, _: FrameType | None) -> None:
        launcher.send_signal(number)

    signal.signal(signal.SIGINT, lambda number, frame: None)
    signal.signal(signal.SIGTERM, pass_on)
    signal.signal(signal.SIGHUP, pass_on)


if __name__ == "__main__":
    sys.exit(main())
