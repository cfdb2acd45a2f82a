"""A visitor who asks for a page again and again, and remembers how long no answer came."""

import threading
import time
import urllib.error
from types import TracebackType
from typing import Self

from tests.e2e.cluster import Browser

_PAUSE = 0.1


class Visitor:
    """Asks five to ten times a second while the context is open.

    Attributes:
        answered: How often the page came.
        failures: How it did not: when (seconds since the epoch), and what came instead.
        longest_silence: Seconds, at most, between two answers.
    """

    def __init__(self, browser: Browser, host: str, path: str = "/") -> None:
        self.answered = 0
        self.failures: list[str] = []
        self.longest_silence = 0.0
        self._ask = (browser, host, path)
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._visit)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._left.set()
        self._thread.join()

    def _visit(self) -> None:
        browser, host, path = self._ask
        answered_at = time.monotonic()
        while not self._left.wait(_PAUSE):
            try:
                browser.get(host, path)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                said = error.read()[:200] if isinstance(error, urllib.error.HTTPError) else b""
                self.failures.append(f"{time.time():.1f} {error!r} {said!r}")
            else:
                self.answered += 1
                now = time.monotonic()
                self.longest_silence = max(self.longest_silence, now - answered_at)
                answered_at = now
