"""Files that go with the operator: the example for a cluster, the chart, the map of the source."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import yaml
from tests.unit.operator.apps import app

from immutant_operator.settings import Settings

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "examples" / "cluster-demo"
CHART = ROOT / "charts" / "immutant"
SOURCE = ROOT / "operator" / "src" / "immutant_operator"


def test_the_example_carries_the_text_of_the_articles_application() -> None:
    source, demo = yaml.safe_load_all((EXAMPLE / "demo.yaml").read_text())
    assert source["data"] == {"app.py": (EXAMPLE / "app.py").read_text()}
    parsed = app(**demo["spec"]).spec
    assert parsed.source is not None
    assert parsed.source.config_map is not None
    assert parsed.source.config_map.name == source["metadata"]["name"]


def test_the_example_is_what_its_tool_makes() -> None:
    tool = [sys.executable, str(ROOT / "tools" / "cluster_demo.py"), "--check"]
    assert subprocess.run(tool, check=False).returncode == 0


def test_every_value_of_the_chart_is_in_its_schema_and_no_other_is() -> None:
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    schema = json.loads((CHART / "values.schema.json").read_text())

    def same(given: Any, described: Any, path: str) -> None:
        if "properties" not in described:
            return
        assert described["additionalProperties"] is False, path
        assert set(given) == set(described["properties"]) - {"global"}, path
        for name, value in given.items():
            same(value, described["properties"][name], f"{path}.{name}")

    same(values, schema, "values")


def test_the_operator_is_told_by_the_chart_all_that_it_needs() -> None:
    text = (CHART / "templates" / "deployment.yaml").read_text()
    told = dict.fromkeys(re.findall(r"- name: (IMMUTANT_\w+)", text), "x")
    told["IMMUTANT_LOG_LEVEL"] = "DEBUG"  # which cannot be anything
    settings = Settings.read(
        {**told, "IMMUTANT_MONITORING": "none", "IMMUTANT_MONITOR_LABELS": "{}"}
    )
    assert (settings.watched, settings.namespace, settings.port) == ("x", "x", 8081)
    assert "containerPort: 8081" in text


def test_the_map_of_the_source_names_every_module_once_and_no_other() -> None:
    text = (ROOT / "operator" / "README.md").read_text()
    mapped = re.findall(r"^- `([\w/]+\.py)`: ", text, re.MULTILINE)
    there = [str(path.relative_to(SOURCE)) for path in SOURCE.rglob("*.py")]
    assert sorted(mapped) == sorted(one for one in there if not one.endswith("__init__.py"))
