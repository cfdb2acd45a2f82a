import json
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from immutant.run.client import runs
from immutant.run.places import NOTE


@contextmanager
def answering(state: Path, answer: bytes) -> Iterator[None]:
    """A launcher of this state folder that answers each request so."""

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.rfile.readline()
            self.wfile.write(answer)

    control = str(state / "control.sock")
    (state / NOTE).write_text(json.dumps({"control": control}))
    with socketserver.UnixStreamServer(control, Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield
        server.shutdown()
        thread.join()


def test_a_launcher_that_answers_runs(tmp_path: Path) -> None:
    with answering(tmp_path, b'{"ok": []}\n'):
        assert runs(tmp_path)


def test_a_launcher_that_refuses_runs_too(tmp_path: Path) -> None:
    with answering(tmp_path, b'{"error": "it is stopping"}\n'):
        assert runs(tmp_path)


def test_a_folder_that_no_launcher_uses_has_no_run(tmp_path: Path) -> None:
    assert not runs(tmp_path)
    with answering(tmp_path, b'{"ok": []}\n'):
        pass
    assert not runs(tmp_path)  # the note is there, and nobody listens
