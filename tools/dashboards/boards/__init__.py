"""All dashboards, in the order in which they are listed."""

from typing import Final

from tools.dashboards.boards.app import APP_BOARD
from tools.dashboards.boards.cluster import CLUSTER_BOARD
from tools.dashboards.boards.messaging import MESSAGING_BOARD
from tools.dashboards.boards.operator import OPERATOR_BOARD
from tools.dashboards.boards.singletons import SINGLETONS_BOARD

__all__ = ["BOARDS"]

BOARDS: Final = (APP_BOARD, CLUSTER_BOARD, SINGLETONS_BOARD, MESSAGING_BOARD, OPERATOR_BOARD)
