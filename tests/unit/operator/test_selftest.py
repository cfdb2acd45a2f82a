"""What the installation's test says to what it finds, on an API that answers as it is told to."""

from collections.abc import Callable
from typing import Any

import pytest

from immutant_operator.api import ApiError, NotFoundError
from immutant_operator.selftest import SelfTestError, checks

REFUSED = "spec.replicas should be greater than or equal to 0"


class Answers:
    """What of the API the test asks."""

    def __init__(self, lease: Callable[[int], dict[str, Any] | None]) -> None:
        self.lease = lease
        self.looks = 0
        self.accepted: Exception | None = None
        self.refused: Exception | None = ApiError(422, REFUSED)
        self.kept: list[dict[str, Any]] = []

    async def find(self, *_: str) -> dict[str, Any] | None:
        self.looks += 1
        return self.lease(self.looks)

    async def create(self, manifest: dict[str, Any], *, dry_run: bool = False) -> dict[str, Any]:
        if not dry_run:
            self.kept.append(manifest)
        answer = self.refused if manifest["spec"]["replicas"] < 0 else self.accepted
        if answer is not None:
            raise answer
        return manifest


async def at_once(seconds: float) -> None:
    assert seconds == 1.0


async def said(api: Answers) -> list[str]:
    return [one async for one in checks(api, "system", "team", at_once)]  # type: ignore[arg-type]


def held(holder: str, renewed: int) -> dict[str, Any]:
    return {"spec": {"holderIdentity": holder, "renewTime": str(renewed)}}


async def test_a_sound_installation_is_told_in_three_sentences_and_nothing_is_kept() -> None:
    api = Answers(lambda look: held("one", look))
    lead, accepted, refused = await said(api)
    assert "renews its Lease: one" in lead
    assert "accepted in namespace team" in accepted
    assert refused.endswith(REFUSED)
    assert api.kept == []


@pytest.mark.parametrize(
    "lease",
    [
        pytest.param(lambda _: None, id="there is none"),
        pytest.param(lambda look: held("", look), id="given back"),
        pytest.param(lambda _: held("one", 1), id="never renewed"),
        pytest.param(lambda look: held(f"holder {look}", look), id="another holder each time"),
        pytest.param(lambda _: {}, id="empty"),
    ],
)
async def test_a_lease_that_nobody_renews_has_no_leader(
    lease: Callable[[int], dict[str, Any] | None],
) -> None:
    with pytest.raises(SelfTestError, match=r"no operator leads.*kubectl -n system logs"):
        await said(Answers(lease))


async def test_a_leader_that_starts_late_is_waited_for() -> None:
    assert len(await said(Answers(lambda look: held("one", look) if look > 20 else None))) == 3


@pytest.mark.parametrize(
    ("accepted", "refused", "sentence"),
    [
        (NotFoundError(404, "no"), None, "no definition of ImmutantApp; install the chart with"),
        (ApiError(403, "forbidden"), None, "an app is not accepted in namespace team: forbidden"),
        (None, ApiError(0, "no answer"), "a wrong app is not looked at: no answer"),
        (None, None, "not this chart's; upgrade the chart"),
    ],
)
async def test_what_is_wrong_is_told_with_the_remedy(
    accepted: Exception | None, refused: Exception | None, sentence: str
) -> None:
    api = Answers(lambda look: held("one", look))
    api.accepted, api.refused = accepted, refused
    with pytest.raises(SelfTestError, match=sentence):
        await said(api)
