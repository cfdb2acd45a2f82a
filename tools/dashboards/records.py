"""What dashboards and alerts are made of, before they are anybody's format.

Belongs here: the records, and the labels that every query selects by.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

__all__ = ["APP", "GROUP", "OPERATOR", "Alert", "Board", "Panel", "Query", "Section"]

Shape = Literal["lines", "number", "states"]

APP: Final = 'namespace="$namespace",immutant_org_app="$app"'
"""Selects the app that the dashboard shows. `immutant_org_app` is the pods' label immutant.org/app
as Prometheus writes it."""

GROUP: Final = "namespace,immutant_org_app"
"""By what an app is told from others."""

OPERATOR: Final = 'namespace="$namespace"'


@dataclass(frozen=True, slots=True)
class Query:
    """One query of a panel.

    Attributes:
        expr: In PromQL, with Grafana's variables.
        legend: A name for each series, with its labels in braces.
    """

    expr: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel.

    Attributes:
        title: What it shows.
        what: How to read it, in a sentence or two.
        unit: Grafana's name of the unit.
        queries: What is drawn.
        shape: Lines over time, the last value as a number, or states over time.
        width: Of the 24 columns that a dashboard has.
    """

    title: str
    what: str
    unit: str
    queries: tuple[Query, ...]
    shape: Shape = "lines"
    width: int = 8


@dataclass(frozen=True, slots=True)
class Section:
    """A row of panels under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard.

    Attributes:
        name: Of its file, and of its address in Grafana.
        title: Its title.
        what: What it is for.
        anchor: The metric by whose series one chooses namespace and app.
        sections: What it shows.
        is_of_an_app: Whether one chooses an app beside the namespace.
    """

    name: str
    title: str
    what: str
    anchor: str
    sections: tuple[Section, ...]
    is_of_an_app: bool = True

    def panels(self) -> tuple[Panel, ...]:
        """All panels."""
        return tuple(panel for section in self.sections for panel in section.panels)


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert rule. Its page is docs/runbooks/NAME.md.

    Attributes:
        name: Its name.
        expr: In PromQL; the alert is pending while it has a result.
        lasting: How long that must be so, as Prometheus writes it.
        severity: "critical": somebody has to act now; "warning": soon.
        summary: One sentence, with the labels of what it is about.
        description: What that means.
        labels: Further labels.
    """

    name: str
    expr: str
    lasting: str
    severity: Literal["critical", "warning"]
    summary: str
    description: str
    labels: Mapping[str, str] = field(default_factory=dict)
