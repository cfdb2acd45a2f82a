"""A real Prometheus as a process, and what it answers.

Belongs here: starting it with a configuration, and asking. Not here: what is asked (`questions`).
"""

import json
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml
from tests import polling
from tests.machine import PROMETHEUS, need
from tests.processes import free_port, process_group

__all__ = ["Prometheus", "prometheus"]

_PATIENCE = 60.0
_POLL = 0.2


class Prometheus:
    """One that runs."""

    def __init__(self, url: str) -> None:
        self.url = url
        # A proxy that the machine may have is none of the test's.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))

    def is_ready(self) -> bool:
        """Whether it answers."""
        try:
            self._read("/-/ready")
        except (OSError, AssertionError):
            return False
        return True

    def query(self, expr: str) -> list[dict[str, Any]]:
        """What an expression gives now: labels and value of each series."""
        found: list[dict[str, Any]] = self._ask("query", query=expr)["result"]
        return found

    def up(self) -> dict[str, str]:
        """The targets, by address: their health, or what is wrong with them."""
        targets = self._ask("targets", state="active")["activeTargets"]
        return {one["scrapeUrl"]: one["lastError"] or one["health"] for one in targets}

    def firing(self) -> set[str]:
        """The names of the alerts that fire."""
        return {
            one["labels"]["alertname"]
            for one in self._ask("alerts")["alerts"]
            if one["state"] == "firing"
        }

    def faults(self) -> dict[str, str]:
        """The rules that cannot be evaluated, and why."""
        groups = self._ask("rules")["groups"]
        rules = [rule for group in groups for rule in group["rules"]]
        return {one["name"]: one.get("lastError", "") for one in rules if one["health"] == "err"}

    def _ask(self, what: str, **parameters: str) -> dict[str, Any]:
        answer = json.loads(self._read(f"/api/v1/{what}?{urllib.parse.urlencode(parameters)}"))
        data: dict[str, Any] = answer["data"]
        return data

    def _read(self, path: str) -> bytes:
        try:
            with self._opener.open(self.url + path, timeout=10) as answer:
                body: bytes = answer.read()
                return body
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()}") from error


@contextmanager
def prometheus(
    folder: Path, config: Mapping[str, Any], rules: Mapping[str, Any]
) -> Iterator[Prometheus]:
    """Run one on loopback.

    Args:
        folder: Where it keeps everything.
        config: Its configuration, such as `scrape_configs`.
        rules: The alert rules.
    """
    need(*PROMETHEUS)
    (folder / "rules.yaml").write_text(yaml.safe_dump(dict(rules)))
    (folder / "config.yaml").write_text(
        yaml.safe_dump({**config, "rule_files": [str(folder / "rules.yaml")]})
    )
    port, log = free_port(), folder / "log"
    command = [
        "prometheus",
        f"--config.file={folder / 'config.yaml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--log.level=warn",
    ]
    with process_group() as group, log.open("wb") as output:
        running = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, process_group=group
        )
        try:
            found = Prometheus(f"http://127.0.0.1:{port}")
            polling.until(
                lambda: running.poll() is not None or found.is_ready(),
                "Prometheus answers",
                _PATIENCE,
                _POLL,
            )
            assert running.poll() is None, log.read_text()
            yield found
        finally:
            running.kill()
            running.wait()
