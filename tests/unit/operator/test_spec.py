"""The spec: parsing, the definition made from it, and the rules of both."""

import math
import random
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.unit.operator.apps import app, body

from immutant.contract.timings import Timings
from immutant.errors import ConfigurationError
from immutant_operator.crd.__main__ import main
from immutant_operator.crd.manifest import chart_template, definition
from immutant_operator.errors import SpecError
from immutant_operator.spec import AppSpec, parse
from immutant_operator.spec.singletons import RULES

ROOT = Path(__file__).parents[3]


def schema() -> dict[str, Any]:
    version = definition()["spec"]["versions"][0]
    found: dict[str, Any] = version["schema"]["openAPIV3Schema"]
    return found


def test_an_empty_spec_is_one_pod_of_the_welcome_page() -> None:
    parsed = app().spec
    assert parsed == AppSpec()
    assert (parsed.replicas, parsed.cache.owners, parsed.cache.memory) == (1, 2, 128 << 20)
    assert parsed.serves == "immutant.welcome:app"


def test_the_defaults_that_the_api_server_fills_in_parse_to_the_same_spec() -> None:
    spec = schema()["properties"]["spec"]["properties"]
    filled = {name: field["default"] for name, field in spec.items() if "default" in field}
    assert filled["singletons"]["leaseDuration"] == "4s"
    assert filled["cache"]["memory"] == "128Mi"
    assert app(**filled).spec == AppSpec()


@pytest.mark.parametrize(("text", "seconds"), [("250ms", 0.25), ("2.5s", 2.5), ("10s", 10.0)])
def test_durations_are_seconds(text: str, seconds: float) -> None:
    assert app(web={"health": {"period": text}}).spec.web.health.period == seconds


@pytest.mark.parametrize(
    ("spec", "sentence"),
    [
        ({"replicas": "two"}, "spec.replicas"),
        ({"cache": {"memory": "lots"}}, "write it as 128Mi or 1Gi"),
        ({"web": {"health": {"period": "2"}}}, "write seconds or milliseconds"),
        ({"rollout": {"maxUnavailable": 0}}, "spec.rollout.maxUnavailable"),
        ({"rollout": {"maxUnavailable": "0%"}}, "spec.rollout.maxUnavailable"),
        ({"singletons": {"renewDeadline": "3.9s"}}, "raise leaseDuration or lower renewDeadline"),
    ],
)
def test_what_an_older_definition_let_pass_is_still_refused(spec: Any, sentence: str) -> None:
    with pytest.raises(SpecError, match=re.escape(sentence)):
        parse(body(**spec))


def test_fields_that_a_newer_definition_knows_are_left_alone() -> None:
    assert app(replicas=2, novelty={"a": 1}).spec.replicas == 2


def test_the_files_hold_the_definition_that_the_models_make(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--check", "--root", str(ROOT)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 1
    assert "run: make crd" in capsys.readouterr().err
    assert main(["--root", str(tmp_path)]) == 0
    assert main(["--check", "--root", str(tmp_path)]) == 0


def test_the_chart_holds_the_same_definition_between_its_conditions() -> None:
    lines = chart_template().splitlines(keepends=True)
    plain = "".join(line for line in lines if "{{" not in line)
    made = yaml.safe_load(plain)
    assert made["metadata"].pop("annotations") == {"helm.sh/resource-policy": "keep"}
    assert made == definition()


def test_every_field_is_described_and_none_is_untyped() -> None:
    def walk(field: dict[str, Any], path: str) -> None:
        assert field.get("type") or field.get("x-kubernetes-int-or-string"), path
        for name, child in field.get("properties", {}).items():
            assert child.get("description"), f"{path}.{name}"
            walk(child, f"{path}.{name}")
        if "items" in field:
            walk(field["items"], f"{path}[]")

    for part in ("spec", "status"):
        walk(schema()["properties"][part], part)


def cel(expression: str, **durations: int) -> bool:
    """A rule's verdict: CEL's `||` and `&&` in Python, durations in milliseconds."""
    for name, milliseconds in durations.items():
        expression = expression.replace(
            f"duration(self.{name}).getMilliseconds()", str(milliseconds)
        )
    return bool(eval(expression.replace("||", "or").replace("&&", "and")))


def fits(lease: int, deadline: int, period: int) -> bool:
    try:
        Timings.fitting(lease / 1000, deadline / 1000, period / 1000)
    except ConfigurationError:
        return False
    return True


def is_edge(lease: int, deadline: int, period: int) -> bool:
    """Whether two sides are equal: CEL's integers refuse that, the sidecar's floats round."""
    overrun = (deadline + min(1400, 0.35 * lease)) * 101 / 99
    renewal = period + min(1450, 0.3625 * lease)
    return math.isclose(overrun, lease) or math.isclose(renewal, deadline)


def test_the_rules_in_cel_say_what_the_sidecar_says() -> None:
    chance = random.Random(1)
    verdicts = []
    for _ in range(5000):
        lease = chance.choice([chance.randint(1, 4000), chance.randint(3500, 60000)])
        deadline = round(lease * chance.uniform(0.3, 1.0))
        period = round(deadline * chance.uniform(0.0, 1.0))
        stated = {"leaseDuration": lease, "renewDeadline": deadline, "renewPeriod": period}
        verdict = all(cel(rule.expression, **stated) for rule in RULES)
        if not is_edge(lease, deadline, period):
            assert verdict == fits(lease, deadline, period), stated
        verdicts.append(verdict)
    assert 500 < sum(verdicts) < 4500


@pytest.mark.parametrize("profile", [(4000, 2500, 1000), (1200, 700, 250), (15000, 10000, 2000)])
def test_the_known_profiles_fit(profile: tuple[int, int, int]) -> None:
    lease, deadline, period = profile
    stated = {"leaseDuration": lease, "renewDeadline": deadline, "renewPeriod": period}
    assert all(cel(rule.expression, **stated) for rule in RULES)
