"""Visitors who ask without a pause to speak of, and what became of each of their requests.

Belongs here: asking over kept and over fresh connections, cookies, times, and every failure with
what led to it. Not here: what is asked, and whether an answer is right (the test's own visitors).
"""

import http.client
import http.cookies
import itertools
import math
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

__all__ = ["Address", "Client", "Failed", "Load", "Visitor"]

PAUSE = 0.02
"""Seconds between two requests of a visitor: enough for a machine that does other things too."""

TIMEOUT = 20.0
_SHOWN = 60
"""Lines of an assertion: failures, and what was going on."""


@dataclass(frozen=True)
class Address:
    """Where to ask: the host of the connection, its port, and the Host that is named."""

    host: str
    port: int
    name: str = "demo.example.org"


@dataclass(frozen=True)
class Failed:
    """A visit that went wrong: from when until when, by `time.monotonic`, and how."""

    began: float
    ended: float
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Asked:
    """A request that was answered: when, by `time.monotonic`, and how long it took (seconds)."""

    at: float
    took: float


class Client:
    """One visitor's browser: its cookies, and its connection, which it keeps or does not."""

    def __init__(self, address: Address, *, keeps: bool) -> None:
        self.asked: list[Asked] = []
        self.cookies: dict[str, str] = {}
        self._address = address
        self._keeps = keeps
        self._connection: http.client.HTTPConnection | None = None

    def ask(self, method: str, path: str, body: bytes | None = None) -> str:
        """What the answer says.

        Raises:
            AssertionError: There is none, or it is of status 400 or above.
        """
        began = time.monotonic()
        what = f"{method} {path} over a {'kept' if self._keeps else 'fresh'} connection"
        try:
            status, text = self._ask(method, path, body)
        except (OSError, http.client.HTTPException) as error:
            self.close()
            took = time.monotonic() - began
            raise AssertionError(f"{what}: after {took:.2f} s {error!r}") from error
        took = time.monotonic() - began
        assert status < 400, f"{what}: after {took:.2f} s {status} {text[:200]!r}"
        self.asked.append(Asked(began, took))
        return text

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _ask(self, method: str, path: str, body: bytes | None) -> tuple[int, str]:
        if self._connection is None:
            host, port = self._address.host, self._address.port
            self._connection = http.client.HTTPConnection(host, port, timeout=TIMEOUT)
        headers = {"Host": self._address.name}
        if self.cookies:
            headers["Cookie"] = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
        self._connection.request(method, path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read().decode()
        for line in answer.headers.get_all("set-cookie", []):
            for name, morsel in http.cookies.SimpleCookie(line).items():
                self.cookies[name] = morsel.value
        if not self._keeps:
            self.close()
        return answer.status, text


class Visitor(Protocol):
    """What one visitor does, again and again."""

    def visit(self, client: Client) -> None:
        """Ask once or more; an AssertionError is a failure, and the next visit comes after it."""


class Load:
    """Visitors at work while the context is open; every other one keeps its connection.

    Attributes:
        failures: What went wrong.
    """

    def __init__(self, address: Address, visitors: Iterable[Visitor], pause: float = PAUSE) -> None:
        self.failures: list[Failed] = []
        self._visitors = list(visitors)
        keeps = itertools.cycle((True, False))
        self._clients = [Client(address, keeps=next(keeps)) for _ in self._visitors]
        self._pause = pause
        self._left = threading.Event()
        self._threads = [
            threading.Thread(target=self._visit, args=pair)
            for pair in zip(self._visitors, self._clients, strict=True)
        ]
        self._began = time.monotonic()
        self._told: list[str] = []

    def __enter__(self) -> Self:
        self._began = time.monotonic()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left.set()
        for thread in self._threads:
            thread.join()
        for client in self._clients:
            client.close()

    def note(self, what: str) -> None:
        """Tell, between the failures of an assertion, what was going on."""
        self._told.append(f"{time.monotonic() - self._began:8.2f} s  {what}")

    def answered(self, since: float = 0.0, until: float = math.inf) -> int:
        """How many requests that began in this time (`time.monotonic`) were answered."""
        return len(self.took(since, until))

    def took(self, since: float = 0.0, until: float = math.inf) -> Sequence[float]:
        """How many seconds each of those took."""
        asked = [one for client in self._clients for one in list(client.asked)]
        return [one.took for one in asked if since <= one.at < until]

    def assert_none_failed(self) -> None:
        """Nothing went wrong, and something was asked."""
        self._assert_none(self.failures)

    def assert_failed_only_between(self, since: float, until: float) -> None:
        """What went wrong had been asked for by the end of that time, and not answered before."""
        self._assert_none(one for one in self.failures if one.began > until or one.ended < since)

    def _assert_none(self, failures: Iterable[Failed]) -> None:
        count, asked = len(list(failures)), self.answered()
        told = "\n".join(self._told[:_SHOWN])
        assert not count, f"{count} failed, {asked} were answered:\n{told}"
        assert asked, "nothing was asked"

    def _visit(self, visitor: Visitor, client: Client) -> None:
        while not self._left.wait(self._pause):
            began = time.monotonic()
            try:
                visitor.visit(client)
            except AssertionError as error:
                self.failures.append(Failed(began, time.monotonic(), str(error)))
                self.note(str(error))
