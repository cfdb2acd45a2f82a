"""Which pods there are, as they say themselves.

Belongs here: each pod's sign of life, kept in a cache that forgets it. Not here: how it is shown.
"""

from dataclasses import dataclass

from immutant.app import App
from immutant.tenure import Tenure

__all__ = ["Pod", "Roster"]

_RENEWED = "2s"
_FORGOTTEN = "7s"
"""Three renewals may come late before a pod that is there is taken for gone."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod.

    Attributes:
        age: Seconds since it began to serve.
    """

    name: str
    age: float


class Roster:
    """The pods of an application."""

    def __init__(self, app: App) -> None:
        self._binding = app.binding
        self._signs = app.cache("immutant.welcome.pods", ttl=_FORGOTTEN)
        app.daemon(name="immutant.welcome.presence", singleton=False)(self._show_presence)

    @property
    def here(self) -> str:
        """The pod that answers."""
        return self._binding.current("the welcome page").name

    async def pods(self) -> tuple[Pod, ...]:
        """Those that have shown themselves of late, in the order of their numbers.

        Raises:
            StoreError: The cache cannot be read.
        """
        now = self._binding.current("the welcome page").clock.wall()
        signs = await self._signs.entries()
        # Another pod's calendar may be ahead of this one's.
        pods = [Pod(name, max(0.0, now - float(since))) for name, since in signs.items()]
        return tuple(sorted(pods, key=lambda pod: (len(pod.name), pod.name)))

    async def _show_presence(self, tenure: Tenure) -> None:
        replica = self._binding.current("the welcome page")
        since = replica.clock.wall()
        async for _ in tenure.every(_RENEWED):
            await self._signs.put(replica.name, since)
        await self._signs.remove(replica.name)
