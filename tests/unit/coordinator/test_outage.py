import logging

import pytest

from immutant.coordinator.outage import Outage
from immutant.errors import StoreError


def test_each_thing_that_is_wrong_is_said_once_and_so_is_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    outage = Outage(0.25, 1.0)
    with caplog.at_level(logging.WARNING):
        outage.over()
        for text in ("refused", "refused", "forbidden", "refused"):
            outage.failed(StoreError(text))
        outage.over()
        outage.over()
    assert [record.getMessage() for record in caplog.records] == [
        "lost sight of the leases: refused",
        "lost sight of the leases: forbidden",
        "the leases are in sight again",
    ]


def test_it_asks_at_growing_distances_until_the_store_answers() -> None:
    outage = Outage(0.25, 1.0)
    pauses = []
    for _ in range(4):
        outage.failed(StoreError("refused"))
        pauses.append(outage.pause)
    assert pauses == [0.25, 0.5, 1.0, 1.0]
    outage.over()
    assert outage.pause == 0.25
