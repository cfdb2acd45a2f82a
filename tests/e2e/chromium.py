"""A real browser: Debian's Chromium without a screen, told what to do by its DevTools protocol.

Belongs here: starting it, opening pages, reading what they show. Not here: what is tested by it.
https://chromedevtools.github.io/devtools-protocol/
"""

import base64
import itertools
import json
import shutil
import subprocess
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self

from tests import polling
from websockets.sync.client import ClientConnection, connect

PATIENCE = 60.0
_POLL = 0.1


class Chromium:
    """One browser with one tab; its cookies live as long as it does."""

    def __init__(self, address: str, *, width: int = 800, height: int = 900) -> None:
        """Start it.

        Args:
            address: Where all host names lead to.
            width: Of the window, in CSS pixels.
            height: Likewise.
        """
        self._profile = Path(tempfile.mkdtemp(prefix="immutant-chromium-"))
        self._process = subprocess.Popen(
            [
                "chromium",
                "--headless=new",
                "--no-sandbox",  # root has none
                "--disable-gpu",
                "--disable-dev-shm-usage",
                "--disable-background-networking",
                "--no-first-run",
                "--no-proxy-server",
                "--remote-debugging-port=0",
                f"--host-resolver-rules=MAP * {address}",
                f"--user-data-dir={self._profile}",
                f"--window-size={width},{height}",
                "about:blank",
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._numbers = itertools.count(1)
        self._open = ExitStack()
        try:
            self._tab = self._open.enter_context(self._connect())
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """End it; nothing of it stays."""
        self._open.close()
        self._process.terminate()
        self._process.wait(PATIENCE)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(self, url: str) -> str:
        """Open a page; its text, once it has loaded."""
        self._call("Page.navigate", url=url)
        polling.until(lambda: self._is_loaded(url), f"{url} has loaded", PATIENCE, _POLL)
        return self.text()

    def text(self) -> str:
        """What the page shows now."""
        return str(self.evaluate("document.body.innerText"))

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression in the page."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"].get("value")

    def picture(self, file: Path) -> None:
        """Keep what the whole page looks like, as PNG."""
        answer = self._call("Page.captureScreenshot", format="png", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(answer["data"]))

    def _is_loaded(self, url: str) -> bool:
        here = self.evaluate("[document.readyState, location.href]")
        return bool(here == ["complete", url])

    def _connect(self) -> ClientConnection:
        note = self._profile / "DevToolsActivePort"
        polling.until(note.exists, "Chromium has started", PATIENCE, _POLL)
        port = note.read_text().splitlines()[0]
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(
            f"http://127.0.0.1:{port}/json", timeout=PATIENCE
        ) as answer:
            pages = [one for one in json.loads(answer.read()) if one["type"] == "page"]
        return connect(pages[0]["webSocketDebuggerUrl"], max_size=None, proxy=None)

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._tab.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + PATIENCE
        while True:
            answer = json.loads(self._tab.recv(deadline - time.monotonic()))
            if answer.get("id") == number:
                assert "error" not in answer, answer
                result: dict[str, Any] = answer["result"]
                return result
