"""A visitor who asks for a page again and again, and remembers every answer that was none."""

import threading
import urllib.error
from types import TracebackType
from typing import Self

from tests.e2e.cluster import Browser

_PAUSE = 0.1


class Visitor:
    """Asks five to ten times a second while the context is open."""

    def __init__(self, browser: Browser, host: str, path: str = "/") -> None:
        self.answered = 0
        self.failures: list[str] = []
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
        while not self._left.wait(_PAUSE):
            try:
                browser.get(host, path)
            except (urllib.error.URLError, TimeoutError, ConnectionError) as error:
                self.failures.append(str(error))
            else:
                self.answered += 1
