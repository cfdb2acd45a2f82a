"""What a graceful stop owes to those who are being served, through the router."""

import stat
import threading
import urllib.request
from pathlib import Path

from tests.walk.laptop import laptop
from websockets.sync.client import connect

APP = Path(__file__).parent / "apps" / "slow.py"


def test_a_request_that_is_being_answered_at_a_stop_is_answered(tmp_path: Path) -> None:
    answers: list[bytes] = []
    with laptop(tmp_path, APP, 1) as run:

        def ask() -> None:
            with urllib.request.urlopen(run.url("/slow/30"), timeout=20) as answer:
                answers.append(answer.read())

        run.until_up()
        asking = threading.Thread(target=ask)
        asking.start()
        run.wait_for("slow", 1)
        run.verb("stop", "demo-0")
        asking.join()
    assert answers == [b"done"]


def test_a_websocket_speaks_through_the_router(tmp_path: Path) -> None:
    with laptop(tmp_path, APP, 1) as run:
        run.until_up()
        with connect(f"ws://127.0.0.1:{run.port}/echo") as socket:
            socket.send("hello")
            assert socket.recv(timeout=5) == "HELLO"


def test_the_state_is_for_its_owners_eyes_only(tmp_path: Path) -> None:
    with laptop(tmp_path, APP, 1) as run:
        run.until_up()
        folder = tmp_path / ".immutant"
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
