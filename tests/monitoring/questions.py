"""What is asked of a Prometheus: the queries of all panels, for one app.

Belongs here: putting an app in the place of Grafana's variables, and saying what is not answered.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.monitoring.prometheus import Prometheus
from tools.dashboards.boards import BOARDS

__all__ = ["Question", "questions", "unanswered"]


@dataclass(frozen=True, slots=True)
class Question:
    """One query of a panel.

    Attributes:
        where: Dashboard and panel.
        expr: In PromQL, without variables.
    """

    where: str
    expr: str


def questions(namespace: str, app: str, operator: str, window: str) -> list[Question]:
    """All queries.

    Args:
        namespace: The app's.
        app: Its name.
        operator: The namespace of the operator.
        window: What rates are taken over, such as "60s".
    """
    return [
        Question(
            f"{board.title}: {panel.title} ({query.legend})",
            query.expr.replace("$namespace", namespace if board.is_of_an_app else operator)
            .replace("$app", app)
            .replace("$__rate_interval", window),
        )
        for board in BOARDS
        for panel in board.panels()
        for query in panel.queries
    ]


def unanswered(server: Prometheus, asked: Iterable[Question]) -> list[str]:
    """Those that give nothing."""
    return [f"{one.where}: {one.expr}" for one in asked if not server.query(one.expr)]
