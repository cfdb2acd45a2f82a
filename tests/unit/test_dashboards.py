"""Dashboards and alert rules: the chart's files are those of tools/dashboards, and they work."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.machine import PROMETHEUS, need
from tests.unit.scenarios import SCENARIOS
from tools.dashboards.alerts import ALERTS
from tools.dashboards.boards import BOARDS
from tools.dashboards.files import files, rules

ROOT = Path(__file__).parents[2]
DRAWN = [(name, json.loads(text)) for name, text in files(ROOT).items() if name.suffix == ".json"]
METRICS = (ROOT / "docs" / "cluster.md").read_text()
OTHERS = ("haproxy_", "jvm_")
"""Whose names are not ours, and not in our documents."""

_METRIC = re.compile(r"\b((?:immutant|hazelcast|haproxy|jvm)_\w+)")
_NO_METRICS = {"immutant_org_app"}


def expressions() -> list[str]:
    shown = [query.expr for board in BOARDS for panel in board.panels() for query in panel.queries]
    return [*shown, *(alert.expr for alert in ALERTS)]


def test_the_charts_files_are_what_their_source_says() -> None:
    made = subprocess.run(
        [sys.executable, "-m", "tools.dashboards", "--check"], cwd=ROOT, check=False
    )
    assert made.returncode == 0
    there = {
        *(ROOT / "charts/immutant/dashboards").iterdir(),
        *(ROOT / "charts/immutant/alerts").iterdir(),
    }
    assert there == set(files(ROOT)), "remove what is made no more"


@pytest.mark.parametrize("expr", expressions())
def test_every_metric_that_is_asked_for_is_in_the_documents(expr: str) -> None:
    for name in set(_METRIC.findall(expr)) - _NO_METRICS:
        base = re.sub(r"_(bucket|count|sum)$", "", name)
        assert name.startswith(OTHERS) or re.search(rf"`{base}[`{{]", METRICS), name


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.name)
def test_every_panel_selects_what_one_chose_and_says_what_it_is(board: Any) -> None:
    for panel in board.panels():
        assert panel.what.endswith("."), panel.title
        for query in panel.queries:
            assert query.legend, panel.title
            selectors = re.findall(r"(?:immutant|hazelcast|haproxy|jvm)_\w+\{([^}]*)\}", query.expr)
            assert selectors, query.expr
            for one in selectors:
                assert 'namespace="$namespace"' in one, query.expr
                assert ('immutant_org_app="$app"' in one) == board.is_of_an_app, query.expr


@pytest.mark.parametrize(("path", "drawn"), DRAWN, ids=[path.name for path, _ in DRAWN])
def test_a_dashboard_has_its_own_address_and_no_two_panels_in_one_place(
    path: Path, drawn: dict[str, Any]
) -> None:
    assert drawn["uid"] == path.stem
    assert len(drawn["uid"]) <= 40, "Grafana takes no longer ones"
    names = [one["name"] for one in drawn["templating"]["list"]]
    assert names[:2] == ["datasource", "namespace"]
    ids = [one["id"] for one in drawn["panels"]]
    assert len(ids) == len(set(ids))
    cells = [cell for panel in drawn["panels"] for cell in _cells(panel["gridPos"])]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)


def _cells(place: dict[str, int]) -> list[tuple[int, int]]:
    across = range(place["x"], place["x"] + place["w"])
    return [(x, y) for x in across for y in range(place["y"], place["y"] + place["h"])]


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: alert.name)
def test_every_alert_has_a_page_that_says_what_to_do(alert: Any) -> None:
    page = (ROOT / "docs" / "runbooks" / f"{alert.name}.md").read_text()
    assert page.startswith(f"# {alert.name}\n")
    for heading in ("## What it means", "## How to look", "## What to do"):
        assert heading in page, heading


def test_the_documents_list_every_alert() -> None:
    text = (ROOT / "docs" / "monitoring.md").read_text()
    assert set(re.findall(r"\[`(\w+)`\]\(runbooks/", text)) == {alert.name for alert in ALERTS}


def test_each_alert_is_played_both_ways() -> None:
    for alert in ALERTS:
        found = {one.fires is not None for one in SCENARIOS if one.alert == alert.name}
        assert found == {True, False}, alert.name


@pytest.fixture
def promtool(tmp_path: Path) -> Callable[..., None]:
    need(*PROMETHEUS)

    def run(*arguments: str) -> None:
        ended = subprocess.run(
            ["promtool", *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ended.returncode == 0, ended.stdout + ended.stderr

    return run


def test_prometheus_takes_the_rules(promtool: Callable[..., None]) -> None:
    promtool("check", "rules", str(ROOT / "charts" / "immutant" / "alerts" / "immutant.yaml"))


def test_each_alert_fires_when_it_should_and_only_then(
    promtool: Callable[..., None], tmp_path: Path
) -> None:
    silent = rules()
    for rule in silent["groups"][0]["rules"]:
        del rule["annotations"]  # promtool would compare the sentences
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(silent))
    played = {"rule_files": ["rules.yaml"], "tests": [one.played() for one in SCENARIOS]}
    (tmp_path / "tests.yaml").write_text(yaml.safe_dump(played))
    promtool("test", "rules", "tests.yaml")
