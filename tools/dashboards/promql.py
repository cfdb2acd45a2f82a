"""Queries that many panels have in common. All select the app that the dashboard shows."""

from tools.dashboards.records import APP

__all__ = ["gained", "quantile", "rate", "total"]


def total(metric: str, *by: str) -> str:
    """The sum over the pods."""
    return f"{_sum(by)}({metric}{{{APP}}})"


def rate(counter: str, *by: str) -> str:
    """How much there is a second."""
    return f"{_sum(by)}(rate({counter}{{{APP}}}[$__rate_interval]))"


def gained(counter: str, *by: str) -> str:
    """How much came in one step of the panel."""
    return f"{_sum(by)}(increase({counter}{{{APP}}}[$__rate_interval]))"


def quantile(share: float, histogram: str, *by: str) -> str:
    """What that share was not above."""
    return f"histogram_quantile({share}, {rate(f'{histogram}_bucket', 'le', *by)})"


def _sum(by: tuple[str, ...]) -> str:
    return f"sum by ({', '.join(by)}) " if by else "sum"
