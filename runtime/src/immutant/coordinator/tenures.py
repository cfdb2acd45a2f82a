"""The tenures that the application beside a coordinator has been granted.

Belongs here: whose they are and their deadlines, from the grant to the answer `stopped`. Not here:
what is held in the store's eyes, which is more (`immutant.election`), and counting (`ledger`).
"""

from dataclasses import dataclass, replace

from immutant.link import Event, Granted, Heartbeat

__all__ = ["Tenures"]


@dataclass(frozen=True, slots=True)
class _Tenure:
    singleton: str
    not_after: float


class Tenures:
    """Those that are not answered as stopped, by their ids."""

    def __init__(self) -> None:
        self._open: dict[str, _Tenure] = {}
        self._latest: dict[str, str] = {}

    def __bool__(self) -> bool:
        return bool(self._open)

    def tell(self, singleton: str, event: Event) -> None:
        """The application is told something of a singleton."""
        if isinstance(event, Granted):
            self._open[event.tenure] = _Tenure(singleton, event.not_after)
            self._latest[singleton] = event.tenure
        elif isinstance(event, Heartbeat):
            tenure = self._latest.get(singleton, "")
            if known := self._open.get(tenure):
                self._open[tenure] = replace(known, not_after=event.not_after)

    def singleton(self, tenure: str) -> str:
        """The singleton lease that it is about; "" when it has stopped, or never was."""
        known = self._open.get(tenure)
        return known.singleton if known else ""

    def stop(self, tenure: str) -> str:
        """It has stopped: the singleton lease that it was about; "" when that was known before."""
        known = self._open.pop(tenure, None)
        return known.singleton if known else ""

    def clear(self) -> None:
        """None of them runs any more."""
        self._open.clear()
        self._latest.clear()

    def running(self, now: float) -> set[str]:
        """The singletons whose tenures are good at this instant."""
        return {one.singleton for one in self._open.values() if one.not_after > now}

    def deadlines(self) -> dict[str, float]:
        """Until when each is good."""
        return {tenure: one.not_after for tenure, one in self._open.items()}
