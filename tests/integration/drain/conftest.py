"""The replicas and the router are started once; each test leaves them as it found them."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.drain.harness import Setting
from tests.machine import need


@pytest.fixture(scope="module")
def started() -> Iterator[Setting]:
    need("haproxy")
    with tempfile.TemporaryDirectory(prefix="im") as folder:  # a socket's path is short
        setting = Setting(Path(folder))
        try:
            yield setting
        finally:
            setting.close()


@pytest.fixture
def setting(started: Setting) -> Setting:
    started.until_whole()
    return started
