"""Kills -9 at random under load, from a seed; what was acknowledged is there at the end.

The short form runs with the tests; `make chaos` sets IMMUTANT_KILLS=200.
"""

import http.client
import json
import random
import signal
import threading
import time
import urllib.error
import urllib.request
from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.walk.kills import KILLS, SEED, begun_twice_unprovoked, kill_at_random
from tests.walk.laptop import Laptop, laptop
from witness import Event, overlaps, witnessed

APP = Path(__file__).parent / "apps" / "busy.py"


@dataclass
class Load:
    """Clients that remember what was acknowledged, each on its own thread until stopped."""

    run: Laptop
    sent: set[int] = field(default_factory=set)
    kept: dict[str, int] = field(default_factory=dict)
    unsure: dict[str, set[int]] = field(default_factory=lambda: defaultdict(set))
    session_errors: list[str] = field(default_factory=list)
    failures: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        work: list[Callable[[], None]] = [self._send, self._put, self._visit]
        self._threads = [threading.Thread(target=one) for one in work]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def ask(self, method: str, path: str, cookie: str = "") -> tuple[dict[str, int] | None, str]:
        """One request: the answer and the session cookie; None when it is not acknowledged."""
        request = urllib.request.Request(self.run.url(path), method=method)
        if cookie:
            request.add_header("cookie", cookie)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                cookies = answer.headers.get_all("set-cookie") or []
                session = [one.split(";")[0] for one in cookies if "immutant_session" in one]
                return json.loads(answer.read()), session[0] if session else cookie
        except (urllib.error.URLError, http.client.HTTPException, OSError, ValueError):
            self.failures += 1
            return None, cookie

    def _send(self) -> None:
        number = 0
        while not self._stop.wait(0.02):
            number += 1
            if self.ask("POST", f"/send/{number}")[0] is not None:
                self.sent.add(number)

    def _put(self) -> None:
        value = 0
        while not self._stop.wait(0.02):
            value += 1
            key = f"k{value % 20}"
            if self.ask("POST", f"/put/{key}/{value}")[0] is not None:
                self.kept[key] = value
                self.unsure[key].clear()
            else:
                self.unsure[key].add(value)

    def _visit(self) -> None:
        """One browser: each visit is counted once, an unacknowledged one at most once."""
        cookie, least, most = "", 0, 0
        while not self._stop.wait(0.02):
            answer, cookie = self.ask("POST", "/visit", cookie)
            if answer is None:
                # Without a cookie the lost answer's session is nobody's.
                most += 1 if cookie else 0
            elif least < answer["visits"] <= most + 1:
                least = most = answer["visits"]
            else:
                self.session_errors.append(f"{least}..{most} then {answer['visits']}")
                least = most = answer["visits"]


def assert_counter_never_went_back(events: list[Event]) -> None:
    counted = [int(event.details[0]) for event in events if event.what == "counted"]
    assert counted == sorted(counted)


def assert_ticks_are_claimed_once(events: list[Event]) -> None:
    begun = [event for event in events if event.what == "tick-begins"]
    claims = Counter(event.details for event in begun)
    assert max(claims.values()) == 1, [claim for claim, times in claims.items() if times > 1]
    ended = {event.details[0] for event in events if event.what == "tick-ends"}
    last = begun[-1].details[0]
    lost = {event.details[0] for event in begun} - ended - {last}
    assert not lost, f"begun, never ended, never run again: {lost}"


def assert_messages(events: list[Event], sent: set[int], dead: set[int]) -> None:
    takers: dict[int, list[int]] = defaultdict(list)
    for event in events:
        if event.what == "received":
            takers[int(event.details[0])].append(event.pid)
    assert sent <= takers.keys(), f"acknowledged and lost: {sorted(sent - takers.keys())[:10]}"
    twice = {number: pids for number, pids in takers.items() if len(pids) > 1}
    unprovoked = {n: pids for n, pids in twice.items() if not set(pids[:-1]) <= dead}
    assert not unprovoked, f"received twice though nobody died over it: {unprovoked}"


@pytest.mark.timeout(1200)
def test_kills_lose_nothing_that_was_acknowledged(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    witness = tmp_path / "witness"
    monkeypatch.setenv("WITNESS", str(witness))
    with laptop(tmp_path, APP, 3) as run:
        run.until(lambda: witness.exists(), "the application runs")
        load = Load(run)
        try:
            kills = kill_at_random(run, KILLS, random.Random(SEED))
        finally:
            load.stop()
        wait_until_received(witness, load.sent)
        final = {key: load.ask("GET", f"/get/{key}")[0] for key in load.kept}
        run.process.send_signal(signal.SIGINT)
        assert run.process.wait(timeout=60) == 0
    events = witnessed(witness)
    summary = Counter(event.what for event in events)
    print(f"\n{KILLS} kills, {len(load.sent)} messages, {load.failures} failed requests, {summary}")
    assert not overlaps(event for event in events if event.what in ("begin", "beat"))
    assert_counter_never_went_back(events)
    assert_ticks_are_claimed_once(events)
    assert not begun_twice_unprovoked(events, kills)
    assert_messages(events, load.sent, {pid for kill in kills for pid in kill.dead})
    assert not load.session_errors, load.session_errors
    for key, value in load.kept.items():
        found = final[key]
        assert found is not None
        assert found["value"] in {value} | load.unsure[key], (key, value, found)


def wait_until_received(witness: Path, sent: set[int]) -> None:
    """Wait until every acknowledged message has been received."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        seen = {int(event.details[0]) for event in witnessed(witness, "received")}
        if sent <= seen:
            return
        time.sleep(0.2)
    raise AssertionError(f"acknowledged and not received: {sorted(sent - seen)[:10]}")
