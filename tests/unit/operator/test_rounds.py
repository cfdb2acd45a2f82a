"""What the lists of each minute find, and whom they tell."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from tests.unit.operator.test_store import DEMO, service

from immutant_operator import rounds
from immutant_operator.api import ApiError, Page
from immutant_operator.registry import Key
from immutant_operator.rounds import see_all
from immutant_operator.store import Store


class Lists:
    """An API server that has one Service, and fails once to list the kind after it."""

    def __init__(self) -> None:
        self.fails = True

    async def pages(self, _: str, kind: str, *__: Any) -> AsyncIterator[Page]:
        if kind == "ServiceAccount" and self.fails:
            self.fails = False
            raise ApiError(0, "no answer")
        yield Page([service(1)] if kind == "Service" else [], 5)


async def test_a_list_that_fails_costs_no_app_what_an_earlier_one_has_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rounds, "_REPEAT", 0.0)
    api, store, told = Lists(), Store(), list[Key]()
    await see_all(api, None, store, told.append)  # type: ignore[arg-type]
    assert not api.fails
    assert told == [DEMO]
