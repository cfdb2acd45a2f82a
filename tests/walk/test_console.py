"""Looking into an application of real processes, from other terminals."""

import contextlib
import json
import os
import pty
import re
import select
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.log import PATIENCE
from tests.walk.laptop import IMMUTANT, Laptop, laptop

from immutant.run.client import ask

APP = Path(__file__).parent / "apps" / "asked.py"


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laptop]:
    with laptop(tmp_path_factory.mktemp("asked"), APP, 1, "--repl") as run:
        run.until_up()
        yield run


def listed(run: Laptop, *command: str) -> Any:
    return json.loads(run.verb(*command, "-o", "json"))


def refused(run: Laptop, *command: str) -> str:
    done = subprocess.run(
        [*IMMUTANT, *command],
        cwd=run.folder,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 1, done
    return done.stderr


def socket_of(run: Laptop, replica: str = "demo-0") -> Path:
    return Path(ask(run.folder / ".immutant", "console", name=replica))


def until(found: Any, what: str) -> Any:
    deadline = time.monotonic() + PATIENCE
    while not (last := found()):
        assert time.monotonic() < deadline, what
    return last


class Terminal:
    """`immutant repl` on a terminal of its own."""

    def __init__(self, run: Laptop, replica: str = "demo-0") -> None:
        self.screen = ""
        self._mine, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*IMMUTANT, "repl", replica],
            cwd=run.folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            preexec_fn=lambda: _own(theirs),
            env=os.environ | {"TERM": "dumb"},
        )
        os.close(theirs)

    def until(self, pattern: str) -> str:
        """What came up to the pattern; it is taken off the screen."""
        deadline = time.monotonic() + PATIENCE
        while not (found := re.search(pattern, self.screen)):
            assert time.monotonic() < deadline, f"no {pattern!r} in {self.screen!r}"
            self.read(within=0.5)
        seen, self.screen = self.screen[: found.end()], self.screen[found.end() :]
        return seen

    def read(self, within: float) -> None:
        """Take what has come to the screen, or comes within so many seconds."""
        if select.select([self._mine], [], [], within)[0]:
            with contextlib.suppress(OSError):  # it has ended
                self.screen += os.read(self._mine, 65536).decode().replace("\r", "")

    def type(self, text: str) -> None:
        os.write(self._mine, text.encode())

    def does(self, line: str) -> str:
        """Type a line; what is printed up to the next prompt."""
        self.type(line + "\n")
        self.until(re.escape(line) + "\n")
        return self.until(">>> $").removesuffix(">>> ")

    def insist(self, keys: str, pattern: str) -> None:
        """Type that as often as it takes. Python sees a Ctrl-C that comes while its readline works
        on a key with another key alone, and drops what has been typed by then.
        """
        deadline = time.monotonic() + PATIENCE
        while not re.search(pattern, self.screen):
            assert time.monotonic() < deadline, self.screen
            self.type(keys)
            self.read(within=1.0)

    def goes_on(self) -> None:
        """See that it does what is typed, whatever was interrupted before."""
        self.insist('print("it goes", "on")\n', "it goes on\n")

    def leave(self) -> int:
        """Ctrl-D, as often as it takes: one that comes before the prompt is lost; the status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            assert time.monotonic() < deadline, self.screen
            self.type("\x04")
            self.read(within=0.5)
        return self.process.returncode

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        os.close(self._mine)


def _own(terminal: int) -> None:
    """Make it the controlling terminal, so that Ctrl-C there is a signal here."""
    import fcntl
    import termios

    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@contextmanager
def terminal(run: Laptop, replica: str = "demo-0") -> Iterator[Terminal]:
    opened = Terminal(run, replica)
    try:
        opened.until(">>> $")
        yield opened
    finally:
        opened.close()


def test_queues_dead_letters_and_replay(run: Laptop) -> None:
    (orders, archive) = listed(run, "queues")
    assert (orders["name"], archive["name"]) == ("orders", "news@archive")
    assert orders["listeners"] == ["pack"]
    with terminal(run) as prompt:
        prompt.does('await orders.send({"number": 1})')
    (letter,) = until(lambda: listed(run, "dead")["letters"], "a dead letter")
    assert (letter["queue"], letter["reason"]) == ("orders", "RuntimeError: the shelf is empty")
    assert letter["value"] == {"number": 1}
    assert "the shelf is empty" in run.verb("dead", "orders")
    run.verb("cache", "put", "plain", "shelf", '"full"')
    assert run.verb("dead", "orders", "--replay", "--id", letter["id"]) == "1 replayed\n"
    run.wait_for("packed")
    assert listed(run, "dead")["letters"] == []
    assert run.verb("dead", "orders", "--discard", "--all") == "0 discarded\n"
    run.verb("cache", "remove", "plain", "shelf")


def test_a_cache_is_looked_into_and_changed(run: Laptop) -> None:
    run.verb("cache", "put", "plain", "colour", '{"name": "blue"}')
    assert json.loads(run.verb("cache", "get", "plain", "colour")) == {"name": "blue"}
    assert "colour" in run.verb("cache", "list", "plain")
    assert [one["name"] for one in listed(run, "cache", "list")] == ["plain", "ledger"]
    assert run.verb("cache", "owners", "plain", "colour").startswith("every replica")
    assert "removed" in run.verb("cache", "remove", "plain", "colour")
    assert "has no entry 'colour'" in refused(run, "cache", "get", "plain", "colour")
    assert "is fenced" in refused(run, "cache", "put", "ledger", "x", "1")


def test_a_job_is_triggered_once_for_a_key_and_paused(run: Laptop) -> None:
    run.wait_for("report", 1)
    for _ in range(2):
        said = run.verb("jobs", "trigger", "report", "--key", "twice")
        assert said.rstrip().endswith("/trigger-twice")
    until(lambda: [r for r in runs(run) if r["id"].endswith("twice")], "the run has ended")
    assert [one["id"][-5:] for one in runs(run)].count("twice") == 1
    run.verb("jobs", "pause", "report")
    (job,) = listed(run, "jobs", "list")
    assert (job["status"]["paused"], job["next"]) == (True, None)
    run.verb("jobs", "resume", "report")
    (job,) = listed(run, "jobs", "list")
    assert job["next"] > time.time()
    assert "no job 'nope' is defined" in refused(run, "jobs", "trigger", "nope")


def runs(run: Laptop) -> list[dict[str, Any]]:
    (job,) = listed(run, "jobs", "list")
    found: list[dict[str, Any]] = job["status"]["runs"]
    return found


def test_a_prompt_awaits_prints_keeps_names_and_shows_errors(run: Laptop) -> None:
    with terminal(run) as prompt:
        assert prompt.does("1 + 1") == "2\n"
        assert prompt.does("_ + 1") == "3\n"
        assert prompt.does('await plain.put("typed", [1])') == ""
        assert prompt.does('await plain.get("typed")') == "[1]\n"
        assert prompt.does('plain.blocking.get("typed")') == "[1]\n"
        assert prompt.does('print("said"); app.name') == "said\n'asked'\n"
        assert prompt.does("1 / 0").endswith("ZeroDivisionError: division by zero\n")
        assert prompt.does("1 +").endswith("SyntaxError: invalid syntax\n")
        prompt.type("for i in range(2):\n    print(i * 7)\n\n")
        prompt.until("\n0\n7\n>>> $")
        prompt.type("plain.blocking.get_m\t")
        prompt.until(r"get_many\(")
        prompt.insist("\x03", "KeyboardInterrupt\n>>> ")
        prompt.goes_on()
        assert prompt.leave() == 0
    assert not run.said("said")


def test_ctrl_c_again_and_again_ends_no_prompt(run: Laptop) -> None:
    with terminal(run) as prompt:
        for _ in range(500):
            prompt.type("\x03")
            prompt.read(within=0.002)  # at any moment of what the one before brings about
        prompt.goes_on()


def test_what_blocks_in_a_prompt_is_interrupted_and_the_application_goes_on(run: Laptop) -> None:
    with terminal(run) as prompt:
        for line in ("while True: pass", "await asyncio.sleep(600)"):
            prompt.type(line + "\n")
            if line.startswith("while"):
                prompt.type("\n")
            assert urllib.request.urlopen(run.url("/"), timeout=5).read() == b"here"
            prompt.type("\x03")
            prompt.until("KeyboardInterrupt\n>>> $")
        # This holds the application's own loop, and Ctrl-C reaches it there.
        prompt.type("import time\n")
        prompt.until(">>> $")
        prompt.type("await asyncio.sleep(0); time.sleep(600)\n")
        until(lambda: '"<immutant repl>"' in run.verb("threaddump", "demo-0"), "it blocks")
        prompt.type("\x03")
        prompt.until("KeyboardInterrupt\n>>> $")
    assert urllib.request.urlopen(run.url("/"), timeout=5).read() == b"here"


def test_an_exit_at_the_prompt_ends_the_prompt_alone(run: Laptop) -> None:
    pid = run.gears()[0]["pid"]
    for line in ("exit()", "await asyncio.sleep(0); exit()"):
        with terminal(run) as prompt:
            prompt.type(line + "\n")
            assert prompt.process.wait(PATIENCE) == 0
    with terminal(run) as prompt:
        assert "SystemExit: 3" in prompt.does("raise SystemExit(3)")
        assert "SystemExit: 3" in prompt.does("await asyncio.sleep(0); raise SystemExit(3)")
    assert run.gears()[0]["pid"] == pid


def test_two_prompts_do_not_see_each_other_and_a_torn_one_harms_nobody(run: Laptop) -> None:
    with terminal(run) as one, terminal(run) as other:
        one.does("x = 'mine'")
        assert "NameError" in other.does("x")
        one.type("import time; time.sleep(0.2); print('late')\n")
        one.process.send_signal(signal.SIGKILL)
        assert other.does("2 + 2") == "4\n"
    torn = socket.socket(socket.AF_UNIX)
    torn.connect(str(socket_of(run)))
    torn.sendall(b'{"verb": "queues"}\n{"verb": "que')
    torn.close()
    assert len(listed(run, "queues")) == 2


def test_a_prompt_ends_with_its_application(tmp_path: Path) -> None:
    with laptop(tmp_path, APP, 1, "--repl") as run:
        run.until_up()
        with terminal(run) as prompt:
            prompt.type("await asyncio.sleep(600)\n")
            run.kill("demo-0", "child")
            prompt.until("the application has ended")
            assert prompt.process.wait(PATIENCE) == 0
        until(lambda: run.gears()[0]["web"], "it is up again")
        with terminal(run) as prompt:
            prompt.type("await asyncio.sleep(600)\n")
            run.verb("stop", "demo-0")
            prompt.until("the application has ended")


def test_a_hanging_loop_is_told_of_and_its_stack_is_shown(tmp_path: Path) -> None:
    with laptop(tmp_path, APP, 1) as run:
        run.until_up()
        threading.Thread(target=_quietly, args=(run.url("/block"),), daemon=True).start()
        run.wait_for("blocks")
        asked = time.monotonic()
        dump = run.verb("threaddump", "demo-0")
        assert time.monotonic() - asked < 5
        assert "the application's loop" in dump
        assert "time.sleep(60)" in dump
        assert re.search(r'asked\.py", line \d+, in block', dump)
        assert "loop does not answer, and nothing was done" in refused(run, "queues")


def _quietly(url: str) -> None:
    with contextlib.suppress(OSError):
        urllib.request.urlopen(url, timeout=60).close()


def test_a_prompt_is_off_unless_enabled_and_a_killed_process_leaves_no_dead_socket(
    tmp_path: Path,
) -> None:
    with laptop(tmp_path, APP, 2) as run:
        run.until_up(2)
        assert "start `immutant run --repl`" in refused(run, "repl", "demo-0")
        assert socket_of(run).stat().st_mode & 0o777 == 0o600
        before = {gear["name"]: gear["pid"] for gear in run.gears()}
        run.kill("demo-0", "child")
        until(lambda: run.gears()[0]["pid"] not in (None, before["demo-0"]), "it comes back")
        until(lambda: run.gears()[0]["web"], "it is up again")
        assert "the application's loop" in run.verb("threaddump", "demo-0")
        run.verb("stop", "demo-1")
        assert "does not run now" in refused(run, "threaddump", "demo-1")
        assert len(listed(run, "queues")) == 2
