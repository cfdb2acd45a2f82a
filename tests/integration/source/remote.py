"""Real git servers on this machine: git's own program behind HTTP and behind SSH.

Belongs here: a repository, and the two servers. Not here: what is asked of them.
"""

import base64
import contextlib
import os
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import paramiko  # type: ignore[import-untyped]

_NOBODYS = {
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_CONFIG_NOSYSTEM": "1",
    **{f"GIT_{who}_NAME": "Ada" for who in ("AUTHOR", "COMMITTER")},
    **{f"GIT_{who}_EMAIL": "ada@example.org" for who in ("AUTHOR", "COMMITTER")},
}


class Repository:
    """A bare repository, and a checkout from which it is pushed to."""

    def __init__(self, folder: Path) -> None:
        self.bare = folder / "served" / "shop.git"
        self._work = folder / "work"
        self.git("init", "--quiet", "--bare", "--initial-branch=main", str(self.bare), at=folder)
        self.git("init", "--quiet", "--initial-branch=main", str(self._work), at=folder)

    def git(self, *arguments: str, at: Path | None = None) -> str:
        at = at or self._work
        done = subprocess.run(
            ["git", *arguments],
            cwd=at,
            env={**os.environ, **_NOBODYS},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def push(self, files: Mapping[str, str], branch: str = "main", *, tag: str = "") -> str:
        """Push these files as all there are; the commit."""
        for old in [one for one in self._work.iterdir() if one.name != ".git"]:
            self.git("rm", "-rfq", old.name)
        for name, text in files.items():
            place = self._work / name
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(text)
            place.chmod(0o755 if text.startswith("#!") else 0o644)
        return self.commit_all(branch, tag=tag)

    def commit_all(self, branch: str = "main", *, tag: str = "") -> str:
        """Push what lies in the checkout; the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message", "change")
        if tag:
            self.git("tag", "--annotate", "--message", tag, tag)
        self.git("push", "--quiet", "--force", str(self.bare), f"HEAD:refs/heads/{branch}")
        self.git("push", "--quiet", str(self.bare), "--tags")
        return self.git("rev-parse", "HEAD")


@dataclass
class Http:
    """A server of repositories by HTTP.

    Attributes:
        port: Where it listens.
        user: Who may read; "": anybody.
        version: Whether it speaks the second version of the protocol.
        asked: The paths that were asked for.
        broken: The status with which it answers everything; 0: it works.
    """

    port: int = 0
    user: str = ""
    version: int = 2
    asked: list[str] = field(default_factory=list)
    broken: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/shop.git"


@contextlib.contextmanager
def by_http(folder: Path) -> Iterator[Http]:
    """Serve the repositories of a folder, by git's own CGI program."""
    served = Http()

    class Backend(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self._answer(b"")

        def do_POST(self) -> None:
            self._answer(self.rfile.read(int(self.headers["Content-Length"])))

        def _answer(self, body: bytes) -> None:
            served.asked.append(self.path)
            wanted = base64.b64encode(served.user.encode()).decode()
            if served.broken:
                self.send_error(served.broken)
            elif served.user and self.headers.get("Authorization") != f"Basic {wanted}":
                self.send_error(401)
            else:
                self._run(body)

        def _run(self, body: bytes) -> None:
            path, _, query = self.path.partition("?")
            protocol = self.headers.get("Git-Protocol", "") if served.version == 2 else ""
            done = subprocess.run(
                ["git", "http-backend"],
                input=body,
                env={
                    **os.environ,
                    **_NOBODYS,
                    "GIT_PROJECT_ROOT": str(folder),
                    "GIT_HTTP_EXPORT_ALL": "1",
                    "GIT_PROTOCOL": protocol,
                    "REQUEST_METHOD": self.command,
                    "PATH_INFO": path,
                    "QUERY_STRING": query,
                    "CONTENT_TYPE": self.headers.get("Content-Type", ""),
                    "CONTENT_LENGTH": str(len(body)),
                },
                capture_output=True,
                check=False,
            )
            head, _, content = done.stdout.partition(b"\r\n\r\n")
            headers = dict(line.split(": ", 1) for line in head.decode().splitlines() if line)
            self.send_response(int(headers.pop("Status", "200").split()[0]))
            for name, value in {**headers, "Content-Length": str(len(content))}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Backend) as server:
        served.port = server.server_port
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield served
        finally:
            server.shutdown()
            thread.join()


@dataclass
class BySsh:
    """A server of repositories by SSH.

    Attributes:
        port: Where it listens.
        host_key: Its own key.
        client_key: The key that it lets in.
    """

    port: int
    host_key: paramiko.RSAKey
    client_key: paramiko.ECDSAKey

    @property
    def known_hosts(self) -> str:
        return f"[127.0.0.1]:{self.port} {self.host_key.get_name()} {self.host_key.get_base64()}\n"


class _Session(paramiko.ServerInterface):  # type: ignore[misc]
    def __init__(self, folder: Path, allowed: paramiko.PKey) -> None:
        self._folder = folder
        self._allowed = allowed

    def check_auth_publickey(self, username: str, key: paramiko.PKey) -> int:
        is_known = username == "git" and key == self._allowed
        return int(paramiko.AUTH_SUCCESSFUL if is_known else paramiko.AUTH_FAILED)

    def get_allowed_auths(self, username: str) -> str:
        return "publickey"

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return int(paramiko.OPEN_SUCCEEDED)

    def check_channel_exec_request(self, channel: paramiko.Channel, command: bytes) -> bool:
        threading.Thread(target=self._run, args=(channel, command.decode()), daemon=True).start()
        return True

    def _run(self, channel: paramiko.Channel, command: str) -> None:
        program, _, path = command.partition(" ")
        assert program == "git-upload-pack", command
        place = self._folder / path.strip("'").lstrip("/")
        with subprocess.Popen(
            ["git", "upload-pack", str(place)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **_NOBODYS},
        ) as process:
            assert process.stdin
            assert process.stdout
            reader = threading.Thread(target=_feed, args=(channel, process.stdin), daemon=True)
            reader.start()
            while data := os.read(process.stdout.fileno(), 65536):
                channel.sendall(data)
        channel.send_exit_status(process.returncode)
        channel.close()


def _feed(channel: paramiko.Channel, into: Any) -> None:
    with contextlib.suppress(OSError):
        while data := channel.recv(65536):
            into.write(data)
            into.flush()
        into.close()


@contextlib.contextmanager
def by_ssh(folder: Path) -> Iterator[BySsh]:
    """Serve the repositories of a folder, to one key."""
    listener = socket.create_server(("127.0.0.1", 0))
    served = BySsh(
        listener.getsockname()[1], paramiko.RSAKey.generate(2048), paramiko.ECDSAKey.generate()
    )
    transports: list[paramiko.Transport] = []

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = listener.accept()
                transport = paramiko.Transport(connection)
                transport.add_server_key(served.host_key)
                transports.append(transport)
                with contextlib.suppress(paramiko.SSHException, EOFError):
                    transport.start_server(server=_Session(folder, served.client_key))

    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    try:
        yield served
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join(5)
        for transport in transports:
            transport.close()
