"""The singletons for which the application stands, each looked at when it is time.

Belongs here: which campaigns there are, and whose turn it is. Not here: what a campaign does
(`campaign`), and where it may do it (`core`).
"""

from collections import OrderedDict
from collections.abc import Callable, Collection
from functools import partial

from immutant.election.agenda import Agenda
from immutant.election.campaign import Campaign
from immutant.election.effects import Effect, Put
from immutant.election.observer import LIFE_ENDED
from immutant.election.pending import Pending
from immutant.election.view import View

__all__ = ["Candidacies"]


class Candidacies:
    """One incarnation's campaigns.

    Attributes:
        campaigns: All, by singleton lease.
        offset: How far the lease store's calendar is ahead of the member's clock, in seconds.
    """

    def __init__(self, view: View, pending: Pending, pause: float) -> None:
        """Begin with none.

        Args:
            view: What the watch has shown.
            pending: The writes that are under way.
            pause: Seconds after which a campaign that waits for an answer is looked at again.
        """
        self.campaigns: dict[str, Campaign] = {}
        self.offset = 0.0
        self._view = view
        self._pending = pending
        self._pause = pause
        self._agenda = Agenda()
        self._line: OrderedDict[str, None] = OrderedDict()
        self._held: set[str] = set()

    @property
    def held(self) -> Collection[str]:
        """Those of which there is a tenure, also one that is ending."""
        return self._held

    def add(self, campaign: Campaign) -> None:
        """Begin a campaign."""
        self.campaigns[campaign.name] = campaign
        self._agenda.add(campaign.name)

    def touch(self, name: str) -> Campaign | None:
        """The campaign, which is to be looked at since something happens to it; None: none."""
        if name in self.campaigns:
            self._agenda.add(name)
        return self.campaigns.get(name)

    def touch_all(self) -> None:
        """Look at all."""
        for name in self.campaigns:
            self._agenda.add(name)

    def touch_scheduled(self) -> None:
        """Look at those that follow the calendar."""
        for name, campaign in self.campaigns.items():
            if campaign.ticker:
                self._agenda.add(name)

    def look_soon(self, name: str, now: float) -> None:
        """Look at a record again, also one that is no campaign's yet."""
        self._agenda.add(name, self.soon(now))

    def soon(self, now: float) -> float:
        """When to look again at what no event tells: a few times a period."""
        return now + self._pause

    def next_look(self) -> float:
        """When it is the next one's turn."""
        return self._agenda.next()

    def due(self, now: float) -> list[str]:
        """The singletons to be looked at now."""
        return [name for name in self._agenda.due(now) if name in self.campaigns]

    def extend(self, good_until: float, now: float) -> list[Effect]:
        """The deadline has moved: what that means for all tenures."""
        effects: list[Effect] = []
        for campaign in self.campaigns.values():
            effects += campaign.extend(self._view, good_until, now)
        return effects

    def check(self, due: list[str], good_until: float, now: float) -> list[Effect]:
        """What the watch and the time that passed mean for the tenures of these."""
        effects: list[Effect] = []
        for name in due:
            campaign = self.campaigns[name]
            effects += campaign.check(self._view, now)
            effects += campaign.extend(self._view, good_until, now)
            if name not in self._pending:
                campaign.observe(self._view)
            (self._held.add if campaign.holds else self._held.discard)(name)
        return effects

    def write(
        self, due: list[str], make: Callable[[Campaign], Put | None], now: float
    ) -> list[Effect]:
        """What one writes to these singletons and has to say of them, once it is their turn.

        Args:
            due: Those that were looked at now; some may wait since an earlier call.
            make: What is to be written to one, if anything is.
            now: The member's clock.
        """
        effects: list[Effect] = []
        self._line.update(dict.fromkeys(due))
        reached: list[str] = []
        while self._line and not self._pending.is_full():
            name, _ = self._line.popitem(last=False)
            if campaign := self.campaigns.get(name):
                reached.append(name)
                if put := self._pending.send(name, partial(make, campaign), now):
                    effects.append(put)
                effects += campaign.overtaken()
        for name in (*due, *reached):
            self._plan(name, now)
        return effects

    def end(self) -> list[Effect]:
        """The incarnation's life has ended, and with it all tenures."""
        effects: list[Effect] = []
        for campaign in self.campaigns.values():
            effects += campaign.drop(LIFE_ENDED)
        self.forget()
        return effects

    def forget(self) -> None:
        """Nothing runs any more for any of them."""
        self.campaigns.clear()
        self._held.clear()

    def _plan(self, name: str, now: float) -> None:
        """Decide when to look at a singleton again if nothing happens before."""
        campaign = self.campaigns.get(name)
        if campaign is None or campaign.idle:
            self.campaigns.pop(name, None)
            return
        moment = campaign.next_look(self._view, self.offset, now)
        moment = min(moment, self._pending.retry_at(name))
        # What is past waits for an answer, which comes sooner.
        self._agenda.add(name, moment if moment > now else self.soon(now))
