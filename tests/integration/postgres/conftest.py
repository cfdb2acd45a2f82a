from collections.abc import Iterator

import pytest
from tests.integration.postgres.server import Server, postgres


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with postgres() as server:
        yield server
