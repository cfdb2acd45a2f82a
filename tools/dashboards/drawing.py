"""Dashboards as Grafana takes them, by Grafana's own library.

Belongs here: how a panel of each shape looks. Not here: what is shown (`boards`).
"""

import json
from itertools import count
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import (
    common,
    dashboard,
    prometheus,
    stat,
    statetimeline,
    timeseries,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from tools.dashboards.records import Board, Panel, Query

__all__ = ["draw"]

_SOURCE: Final = "$datasource"
_HEIGHT: Final = 8
_TAG: Final = "immutant"

_Built: TypeAlias = timeseries.Panel | stat.Panel | statetimeline.Panel


def draw(board: Board) -> str:
    """The dashboard's JSON text."""
    built = (
        dashboard.Dashboard(board.title)
        .uid(board.name)
        .description(board.what)
        .tags([_TAG])
        .readonly()
        .refresh("30s")
        .time("now-1h", "now")
        .tooltip(models.DashboardCursorSync.CROSSHAIR)
        .link(_others())
        .variables([_datasource(), *_choices(board)])
    )
    number = count(1)
    for section in board.sections:
        built.with_row(dashboard.Row(section.title).id(next(number)))
        for panel in section.panels:
            built.with_panel(_panel(panel).id(next(number)))
    return json.dumps(built.build(), cls=JSONEncoder, indent=1, sort_keys=True) + "\n"


def _others() -> dashboard.DashboardLink:
    """A way to the other dashboards, for the same app and time."""
    return (
        dashboard.DashboardLink("Immutant")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags([_TAG])
        .as_dropdown(True)
        .include_vars(True)
        .keep_time(True)
    )


def _datasource() -> dashboard.DatasourceVariable:
    return dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")


def _choices(board: Board) -> list[dashboard.QueryVariable]:
    namespace = _choice("namespace", "Namespace", f"label_values({board.anchor}, namespace)")
    if not board.is_of_an_app:
        return [namespace]
    series = f'{board.anchor}{{namespace="$namespace"}}'
    return [namespace, _choice("app", "App", f"label_values({series}, immutant_org_app)")]


def _choice(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(models.DataSourceRef("prometheus", _SOURCE))
        .query({"query": query, "refId": name})
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(models.VariableSort.ALPHABETICAL_ASC)
    )


def _panel(panel: Panel) -> _Built:
    built = {"lines": _lines, "number": _number, "states": _states}[panel.shape]()
    built.title(panel.title).description(panel.what).unit(panel.unit)
    built.datasource(models.DataSourceRef("prometheus", _SOURCE)).span(panel.width).height(_HEIGHT)
    for number, query in enumerate(panel.queries):
        built.with_target(_target(query, chr(ord("A") + number)))
    return built


def _lines() -> _Built:
    legend = (
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(shapes.LegendDisplayMode.TABLE)
        .placement(shapes.LegendPlacement.BOTTOM)
        .calcs(["lastNotNull", "max"])
    )
    tooltip = (
        common.VizTooltipOptions()
        .mode(shapes.TooltipDisplayMode.MULTI)
        .sort(shapes.SortOrder.DESCENDING)
    )
    return timeseries.Panel().min(0).fill_opacity(10).legend(legend).tooltip(tooltip)


def _number() -> _Built:
    return stat.Panel().reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))


def _states() -> _Built:
    """Bars over time: green where the value is 1, nothing to see where it is 0."""
    held = models.ValueMappingResult(text="yes", color="green", index=0)
    free = models.ValueMappingResult(text="no", color="transparent", index=1)
    mapping = models.ValueMap(options={"1": held, "0": free})
    return (
        statetimeline.Panel()
        .mappings([mapping])
        .merge_values(True)
        .show_value(shapes.VisibilityMode.NEVER)
    )


def _target(query: Query, reference: str) -> prometheus.Dataquery:
    return (
        prometheus.Dataquery()
        .expr(query.expr)
        .legend_format(query.legend)
        .range()
        .ref_id(reference)
    )
