"""The chart's files: a JSON for each dashboard, one YAML with the groups of alert rules.

Belongs here: their paths and text. The chart's templates put them into ConfigMaps and a
PrometheusRule; the rules' file is what Prometheus itself reads, too.
"""

from pathlib import Path
from typing import Any, Final

import yaml
from tools.dashboards.alerts import ALERTS
from tools.dashboards.boards import BOARDS
from tools.dashboards.drawing import draw
from tools.dashboards.records import Alert

__all__ = ["RUNBOOKS", "files", "rules"]

RUNBOOKS: Final = "docs/runbooks"
"""Of each alert's page; the chart puts the address of your copy of them before it."""

_HEAD: Final = "# Made by tools/dashboards; change that and run: make dashboards\n"


def files(root: Path) -> dict[Path, str]:
    """What is to be in a checkout."""
    chart = root / "charts" / "immutant"
    drawn = {chart / "dashboards" / f"{one.name}.json": draw(one) for one in BOARDS}
    text = _HEAD + yaml.safe_dump(rules(), sort_keys=False, width=1000)
    return {**drawn, chart / "alerts" / "immutant.yaml": text}


def rules(lasting: str | None = None) -> dict[str, Any]:
    """The rules as Prometheus reads them.

    Args:
        lasting: Instead of each rule's own `for`, such as "0s" for a test that cannot wait.
    """
    return {
        "groups": [{"name": "immutant", "rules": [_rule(one, lasting) for one in ALERTS]}],
    }


def _rule(alert: Alert, lasting: str | None) -> dict[str, Any]:
    return {
        "alert": alert.name,
        "expr": alert.expr,
        "for": lasting or alert.lasting,
        "labels": {"severity": alert.severity, **alert.labels},
        "annotations": {
            "summary": alert.summary,
            "description": alert.description,
            "runbook_url": f"{RUNBOOKS}/{alert.name}.md",
        },
    }
