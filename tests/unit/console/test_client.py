"""What it means when a console gives no answer."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from immutant.console.client import asked
from immutant.errors import ConsoleError


@contextmanager
def answering(path: Path, line: bytes | None) -> Iterator[None]:
    """A process that takes one question; None: it says nothing, and does not hang up either."""
    over = threading.Event()

    def answer() -> None:
        connection, _ = listener.accept()
        with connection:
            connection.recv(1000)
            if line is None:
                over.wait(10)
            else:
                connection.sendall(line)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=answer)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (None, "gave no answer within 0.2 s: its process is stopped"),
        (b"", "ended before it had answered"),
        (b'{"ok": [1, ', "ended before it had answered"),
        (b'{"error": "no such thing"}\n', "no such thing"),
    ],
)
def test_each_way_of_not_answering_has_its_sentence(
    tmp_path: Path, line: bytes | None, said: str
) -> None:
    path = tmp_path / "console.sock"
    with answering(path, line), pytest.raises(ConsoleError, match=said):
        asked(path, {"verb": "about"}, patience=0.2)


def test_where_nobody_listens_it_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConsoleError, match="it is starting, or has ended"):
        asked(tmp_path / "console.sock", {"verb": "about"})
