"""What a member wants of the others, takes at once, and hands over: singletons find their places.

Belongs here: the choices, each by one's own clock and memory. Not here: the order of members
(`order`), the records (`view`), how a tenure ends (`campaign`). Nothing of this is needed for
safety: a wrong choice costs a move.
"""

from collections.abc import Container, Iterator, Mapping
from typing import Final

from immutant.contract.gridview import GridView
from immutant.contract.timings import Timings
from immutant.election.campaign import Campaign
from immutant.election.effects import Move, MoveReason
from immutant.election.order import Peer, Rank, peers, rank
from immutant.election.pace import Pace, Strikes
from immutant.election.stance import ROOM, Data, Stance
from immutant.election.view import View

__all__ = ["Placement"]

_TURN_MISSED: Final = 0.5
"""Renew periods after which the others take what the member whose turn it is has not taken."""

_LAST_RESORT: Final = 2.0
"""Renew periods after which a member takes what it has stepped back from, or cannot write for:
better than nobody."""

_ANSWERED: Final = 1.5
"""Renew periods for which an answer of the application is good: until the next renewal, at which it
is asked again."""

_SAYING: Final = 3
"""Renew periods in which a settled member has said what it wants: asked, answered, renewed."""


class Placement:
    """One incarnation's part in it; what it remembers is its own, by its own clock.

    Attributes:
        data: How the data is reached. Where it cannot be written this member wants nothing, and
            takes what nobody else has taken.
        grid: What the grid's member beside this one sees, to be passed on.
    """

    def __init__(
        self, incarnation: str, member: str, zone: str, timings: Timings, pace: Pace
    ) -> None:
        self.data = Data.WRITABLE
        self.grid: GridView | None = None
        self._incarnation = incarnation
        self._member = member
        self._zone = zone
        self._period = timings.renew_period
        self._pace = pace
        self._avoided: dict[str, float] = {}
        self._steps_back = Strikes()
        self._missed = Strikes()
        self._cooling: dict[str, float] = {}
        self._moving: tuple[str, int, float] | None = None
        self._next_move = 0.0
        self._ready_at = float("-inf")

    def stance(
        self, view: View, campaigns: Mapping[str, Campaign], now: float
    ) -> tuple[Stance, str]:
        """What to say with the next renewal.

        Returns:
            The stance, and the name of a singleton on whose stream the application is to be asked
            whether it is alive; "" when there is no need. A member wants nothing for an application
            that does not answer, or cannot write: what is handed over to it would stand still.
        """
        wanted = list(self._wanted(view, campaigns, now))
        answers = now - self._ready_at < _ANSWERED * self._period
        shown = self._named(wanted, now) if answers and self.data is Data.WRITABLE else []
        said = Stance(
            zone=self._zone,
            avoids=self.avoided(now),
            wants={name: campaigns[name].prefer for name in shown},
            more=len(wanted) > len(shown) > 0,
            dataless=self.data is Data.GONE,
            grid=self.grid,
        )
        return said, wanted[0] if wanted else ""

    def _named(self, wanted: list[str], now: float) -> list[str]:
        """As many as there is room for; others after a while, since some may never be given."""
        begin = int(now / self._pace.step) * ROOM % len(wanted) if len(wanted) > ROOM else 0
        return [*wanted[begin:], *wanted[:begin]][:ROOM]

    def ready(self, now: float) -> None:
        """The application has answered."""
        self._ready_at = now

    def failed(self, name: str, now: float) -> None:
        """A daemon that is held fails again and again: whoever else stands for it should try."""
        until = now + self._pace.failing
        self._avoided[name] = max(until, self._avoided.get(name, until))

    def avoided(self, now: float) -> frozenset[str]:
        """What this member would rather leave to others."""
        self._avoided = {name: end for name, end in self._avoided.items() if end > now}
        return frozenset(self._avoided)

    def _avoids(self, name: str, now: float) -> bool:
        return self._avoided.get(name, now) > now

    def patience(self, name: str, prefer: str, view: View, now: float) -> float:
        """How long a free singleton is left to others, in seconds.

        It is the turn of the best of those who want it. Where nobody does, as after a death, of the
        best of all: not each of these need stand for it.
        """
        if self.data is not Data.WRITABLE or self._avoids(name, now):
            return _LAST_RESORT * self._period
        others = [one for one in peers(view, self._incarnation) if not one.stance.draining]
        wanting = [one for one in others if one.wants(name, prefer)]
        own = view.living(self._incarnation)
        if own is not None and prefer == Stance.of(own.body).wants.get(name):
            others = wanting
        elif wanting:
            return _TURN_MISSED * self._period
        mine = self._own_rank(name, prefer, now)
        is_best = all(one.rank(name, prefer) < mine for one in others)
        return 0.0 if is_best else _TURN_MISSED * self._period

    def took(self, name: str, prefer: str, view: View, now: float) -> None:
        """A tenure has begun; if a better one wanted it and did not come, that one waits longer."""
        mine = self._own_rank(name, prefer, now)
        wanting = (one for one in peers(view, self._incarnation) if one.wants(name, prefer))
        if any(one.rank(name, prefer) > mine for one in wanting):
            self._cooling[name] = now + self._pace.cool * self._missed.factor(name, now)
            self._missed.add(name, now)

    def next_move(
        self,
        view: View,
        campaigns: Mapping[str, Campaign],
        busy: Container[str],
        now: float,
    ) -> Move | None:
        """The singleton to be handed over now, one at a time and with a pause between.

        Args:
            view: What the watch has shown.
            campaigns: One's own.
            busy: The records to which a write is under way.
            now: One's own clock.
        """
        if self._is_moving(campaigns, now) or now < self._next_move:
            return None
        failing = self.avoided(now)
        offers = [
            (name not in failing, name, peer)
            for name, peer in self._offers(view, campaigns, now)
            if name not in busy
        ]
        if not offers:
            return None
        _, name, _ = min(offers, key=lambda offer: offer[:2])
        prefer = campaigns[name].prefer
        wanting = (peer for _, wanted, peer in offers if wanted == name)
        successor = max(wanting, key=lambda peer: peer.rank(name, prefer))
        self._moving = (name, campaigns[name].token, now + self._pace.step)
        if name in failing:
            self._avoided[name] = now + self._pace.away * self._steps_back.factor(name, now)
            self._steps_back.add(name, now)
        reason: MoveReason = "failures" if name in failing else "placement"
        return Move(name, reason, successor.lease.member)

    def _is_moving(self, campaigns: Mapping[str, Campaign], now: float) -> bool:
        if self._moving is None:
            return False
        name, token, until = self._moving
        if name in campaigns and campaigns[name].token == token and now < until:
            return True
        self._moving = None
        self._next_move = now + self._pace.pause
        return False

    def _offers(
        self, view: View, campaigns: Mapping[str, Campaign], now: float
    ) -> Iterator[tuple[str, Peer]]:
        """What could be handed over, each with a member that wants it and ranks before this one."""
        for peer in peers(view, self._incarnation):
            if peer.stance.wants and self._is_trusted(peer, view, now):
                for name in peer.stance.wants:
                    if name in campaigns and self._may_give(campaigns[name], peer, now):
                        yield name, peer

    def _is_trusted(self, peer: Peer, view: View, now: float) -> bool:
        """Whether its life is old enough: all the older, the more of that member's lives ended."""
        lease = peer.lease.name
        return view.age(lease, now) >= self._pace.settle * view.deaths.factor(lease, now)

    def _may_give(self, campaign: Campaign, peer: Peer, now: float) -> bool:
        name, prefer = campaign.name, campaign.prefer
        return (
            campaign.may_move(now - self._pace.settle)
            and self._cooling.get(name, now) <= now
            and self._is_before(peer, name, prefer, now)
        )

    def _is_before(self, peer: Peer, name: str, prefer: str, now: float) -> bool:
        """Whether one that wants it should have it rather than this member.

        From where it fails it goes to any that does not avoid it, whatever the two prefer: else a
        version that fails and prefers differently would keep it from the one before.
        """
        if self._avoids(name, now):
            return name in peer.stance.wants and name not in peer.stance.avoids
        order = peer.rank(name, prefer) > self._own_rank(name, prefer, now)
        return peer.wants(name, prefer) and order

    def _wanted(self, view: View, campaigns: Mapping[str, Campaign], now: float) -> Iterator[str]:
        """What others hold and this member should have, by name."""
        own = view.living(self._incarnation)
        if own is None or view.age(own.name, now) < self._pace.settle:
            return
        others = {one.lease.holder: one for one in peers(view, self._incarnation)}
        avoided = self.avoided(now)
        for name in sorted(campaigns.keys() - avoided):
            campaign = campaigns[name]
            may = campaign.standing and not campaign.holds and view.could_follow(name, now)
            if may and self._outranks(name, campaign.prefer, others, view, now):
                yield name

    def _outranks(
        self, name: str, prefer: str, others: Mapping[str, Peer], view: View, now: float
    ) -> bool:
        """Whether this member ranks before the holder, and nobody who may come ranks before it."""
        record = view.lease(name)
        holder = others.get(record.holder) if record else None
        mine = self._own_rank(name, prefer, now)
        if holder is None or holder.rank(name, prefer) > mine:
            return False
        return not any(
            one.rank(name, prefer) > mine
            for one in others.values()
            if one is not holder and self._may_come(one, name, prefer, view, now)
        )

    def _may_come(self, peer: Peer, name: str, prefer: str, view: View, now: float) -> bool:
        """Whether a member wants the singleton, or may yet say so.

        Who has been there for a while and does not want it does not stand for it: during a rolling
        update not every pod stands for every name.
        """
        young = view.age(peer.lease.name, now) < self._pace.settle + _SAYING * self._period
        return not peer.stance.draining and (young or peer.stance.more or peer.wants(name, prefer))

    def _own_rank(self, name: str, prefer: str, now: float) -> Rank:
        own = Stance(zone=self._zone, avoids=frozenset({name} if self._avoids(name, now) else ()))
        return rank(name, prefer, self._member, own)
