"""One incarnation's whole part in the election.

Belongs here: routing what happened to the parts, and asking each part what is to be done now. Not
here: whose turn it is (`candidacies`), nor any rule; those are in `membership`, `campaign`, `view`,
`placement` and `ticks`.
"""

import math
from collections.abc import Callable, Collection, Iterator
from dataclasses import replace
from functools import partial

from immutant.contract.gridview import GridView
from immutant.contract.records import member_lease
from immutant.contract.timings import Timings
from immutant.election.campaign import Campaign, Holder
from immutant.election.candidacies import Candidacies
from immutant.election.effects import Effect, Get, Move, Put, Tell
from immutant.election.membership import Life, Membership
from immutant.election.misnamed import Misnamed
from immutant.election.observer import Observer, Predecessor
from immutant.election.pace import UNHURRIED, Pace
from immutant.election.pending import Pending
from immutant.election.placement import Placement
from immutant.election.stance import Data, Stance
from immutant.election.ticks import Ticker
from immutant.election.view import View
from immutant.leases import Lease, LeaseEvent, LeaseSnapshot
from immutant.link import Outcome, Probe

__all__ = ["Election"]


class Election:
    """One incarnation, from its first listing to its end.

    Every method that tells it something returns the effects that follow, in order. `now` is the
    member's own boot clock in seconds; the lease store's calendar is `now` plus what `calendar`
    was last given. After `ended` nothing comes of it any more: begin a new incarnation.
    """

    def __init__(
        self,
        app: str,
        member: str,
        incarnation: str,
        timings: Timings,
        fresh: Callable[[], str],
        *,
        absence_is_proof: bool = False,
        epoch: int = 0,
        observer: Observer | None = None,
        zone: str = "",
        data: Data = Data.WRITABLE,
        grid: GridView | None = None,
        resident: bool = False,
        pace: Pace | None = None,
    ) -> None:
        """Begin an incarnation.

        Args:
            app: The application.
            member: The member that this is an incarnation of.
            incarnation: Its name, never used before.
            timings: The election's timings.
            fresh: Draws a text that was never drawn before.
            absence_is_proof: See `LeaseStore`.
            epoch: Tokens of a greater epoch are greater than all of a smaller one. It is raised
                when the store's versions have begun anew, as after a restored backup.
            observer: Who hears of the renewals that count.
            zone: Where the member is, for those singletons that prefer a zone; "" if unknown.
            data: How the grid's data is reached from here.
            grid: What the grid's member beside it sees; see `Stance`.
            resident: Whether it is a member as long as it lives; else only while the application
                stands for something.
            pace: How gently singletons move; by default what goes with the timings.
        """
        self._observer = observer or Observer()
        self._holder = Holder(incarnation, member)
        self._epoch = epoch
        self._timings = timings
        self._fresh = fresh
        self._own = member_lease(app, member)
        self._view = View(app, timings.lease_duration, absence_is_proof=absence_is_proof)
        self._me = Membership(self._own, member, incarnation, timings, fresh)
        self._me.stance = Stance(zone=zone)
        pace = pace or Pace.of(timings)
        self._placement = Placement(incarnation, member, zone, timings, pace)
        self._placement.data = data
        self._placement.grid = grid
        self._resident = resident
        pause = timings.renew_period / 4
        self._pending = Pending(pause)
        self._candidacies = Candidacies(self._view, self._pending, pause)
        self._misnamed = Misnamed(self._view, self._own, incarnation, timings.lease_duration)
        self._drawn: set[str] = set()
        self._listed = False
        self._look_at = 0.0
        self._draining = False
        self._idle_since: float | None = None
        self._linger = timings.renew_period / 2

    @property
    def ended(self) -> bool:
        """Whether this incarnation is over."""
        return self._me.life is Life.ENDED

    @property
    def joined(self) -> bool:
        """Whether this incarnation is in its member lease."""
        return self._me.life is Life.JOINED

    @property
    def good_until(self) -> float:
        """The deadline that the last renewal that counts gives."""
        return self._me.good_until

    def members(self) -> list[Lease] | None:
        """The records of all members, also of those that have ended; None before a listing."""
        return self._view.all_members() if self._listed else None

    def tenures(self) -> dict[str, int]:
        """The fencing tokens of what is held, by singleton lease."""
        return {name: one.token for name, one in self._candidacies.campaigns.items() if one.holds}

    @property
    def held(self) -> Collection[str]:
        """The singleton leases of which there is a tenure, also one that is ending."""
        return self._candidacies.held

    def predecessor(self, name: str) -> Predecessor | None:
        """Who held a singleton before this member took it, None if nobody did."""
        campaign = self._candidacies.campaigns.get(name)
        return campaign.predecessor if campaign else None

    def wall(self, now: float) -> float:
        """The lease store's calendar, in seconds since the epoch."""
        return now + self._candidacies.offset

    def stepped_back(self, now: float) -> frozenset[str]:
        """The singletons that failed here again and again, so that others should have them."""
        return self._placement.avoided(now)

    def calendar(self, offset: float) -> None:
        """Learn how far the lease store's calendar is ahead of `now`."""
        self._candidacies.offset = offset
        self._candidacies.touch_scheduled()

    def listed(self, snapshot: LeaseSnapshot, now: float) -> list[Effect]:
        """All records were listed, at the beginning or after the watch broke."""
        self._view.reset(snapshot, now)
        self._listed = True
        for lease in snapshot.leases:
            self._misnamed.saw(lease)
        self._candidacies.touch_all()
        return self.wake(now)

    def saw(self, event: LeaseEvent, now: float) -> list[Effect]:
        """The watch showed a change."""
        self._misnamed.saw(event.lease)
        if self._view.apply(event, now):
            self._candidacies.touch_all()  # what it held may be free now, or to be waited out
        elif self._view.is_others(event.name, self._own) and now < self._look_at:
            return []  # one of many renewals of others: what they say is looked at soon enough
        self._candidacies.touch(event.name)
        return self.wake(now)

    def proved_dead(self, incarnation: str, now: float) -> list[Effect]:
        """Another incarnation is dead beyond doubt."""
        self._view.prove_dead(incarnation)
        return self.wake(now)

    def stand(
        self, name: str, ticker: Ticker | None, now: float, *, prefer: str = ""
    ) -> list[Effect]:
        """The application stands for a singleton; nothing comes of it unless `may_stand`."""
        if self.may_stand(name):
            self._candidacies.add(
                Campaign(
                    name,
                    self._holder,
                    self._timings,
                    self._fresh,
                    self._drawn,
                    ticker,
                    self._epoch,
                    prefer,
                )
            )
        return self.wake(now)

    def may_stand(self, name: str) -> bool:
        """False while an earlier candidacy for it has not come to its end, or this life does."""
        there = self._candidacies.campaigns.get(name)
        busy = name in self._pending or (there is not None and (there.standing or there.holds))
        return not (busy or self._me.leaves) and self._me.life in (Life.OUTSIDE, Life.JOINED)

    def leave(self, name: str, now: float) -> list[Effect]:
        """The application's stream for a singleton ended."""
        if campaign := self._candidacies.touch(name):
            campaign.leave()
        return self.wake(now)

    def stopped(self, name: str, nonce: str, now: float) -> list[Effect]:
        """The application answers that nothing of the tenure runs any more."""
        if campaign := self._candidacies.touch(name):
            campaign.stopped(nonce)
        return self.wake(now)

    def done(self, name: str, outcome: Outcome, now: float) -> list[Effect]:
        """The application answers that a tick's run ended."""
        campaign = self._candidacies.touch(name)
        if campaign and campaign.ticker:
            campaign.ticker.done(outcome.tick, outcome.error, outcome.attempt)
        return self.wake(now)

    def failed(self, name: str, nonce: str, now: float) -> list[Effect]:
        """The application says that a daemon fails again and again: another should try it.

        It goes on here until one comes that wants it.
        """
        campaign = self._candidacies.campaigns.get(name)
        if campaign and campaign.is_tenure(nonce):
            self._placement.failed(name, now)
        return self.wake(now)

    def ready(self, now: float) -> list[Effect]:
        """The application has answered that it is alive."""
        self._placement.ready(now)
        return self.wake(now)

    def reaches(self, data: Data, now: float) -> list[Effect]:
        """The grid's data is reached in another way from now on."""
        self._placement.data = data
        return self.wake(now)

    def sees(self, grid: GridView, now: float) -> list[Effect]:
        """The grid's member sees this from now on; the next renewal says so."""
        self._placement.grid = grid
        return self.wake(now)

    def drain(self, reason: str, grace: float, now: float) -> list[Effect]:
        """Hand over what is held, take nothing more, resign when all is given back."""
        self._draining = True
        effects: list[Effect] = []
        for name, campaign in self._candidacies.campaigns.items():
            if campaign.runs:
                effects.append(Move(name, "drain"))
            effects += campaign.stop(reason, grace)
        self._candidacies.touch_all()
        return effects + self.wake(now)

    def app_died(self, now: float) -> list[Effect]:
        """The application is dead beyond doubt: one write frees all that it held (rule 9)."""
        self._candidacies.forget()
        self._me.leave()
        return self.wake(now)

    def stored(self, put: Put, version: int, now: float) -> list[Effect]:
        """A write landed with this version."""
        effects: list[Effect] = []
        self._pending.landed(put.lease.name)
        if self._is_own(put):
            self._me.stored(put, version)
        elif campaign := self._candidacies.touch(put.lease.name):
            good_until = self._me.good_until if self._may_acquire(now) else -math.inf
            had = campaign.token
            effects = campaign.stored(put, version, good_until, now)
            if campaign.runs and campaign.token != had:
                self._placement.took(campaign.name, campaign.prefer, self._view, now)
        return effects + self.wake(now)

    def refused(self, put: Put, now: float) -> list[Effect]:
        """A write met another version: read what stands there, where that matters."""
        name = put.lease.name
        if self._matters(put):
            return [Get(name)]
        self._view.restart_wait(name, now)
        self._not_landed(name, now)
        return self.wake(now)

    def unknown(self, put: Put, now: float) -> list[Effect]:
        """It is not known whether a write landed: reading settles it (rule 1)."""
        return [Get(put.lease.name)]

    def got(self, name: str, lease: Lease | None, now: float) -> list[Effect]:
        """A record was read to settle a write."""
        put = self._pending.of(name)
        if lease is not None and lease.write == put.lease.write:
            # A command may have changed the body since (rule 12).
            landed = replace(put, lease=replace(put.lease, body=lease.body))
            return self.stored(landed, lease.version, now)
        self._not_landed(name, now)
        effects: list[Effect] = []
        if campaign := self._candidacies.campaigns.get(name):
            effects = campaign.found(put, lease)
        elif self._is_own(put):
            self._me.found(put, lease)
        return effects + self.wake(now)

    def unreadable(self, name: str, now: float) -> list[Effect]:
        """The read that was to settle a write failed: it will be asked for again."""
        self._pending.reread(name, now, urgent=name == self._own)
        return self.wake(now)

    def wake(self, now: float) -> list[Effect]:
        """Do what is due; called after anything happened, and at `next_wake`."""
        if not self._listed:
            return []
        self._look_at = self._candidacies.soon(now)
        could_acquire = self._may_acquire(now)
        self._me.observe(self._view)
        effects: list[Effect] = []
        if self._me.count(self._view):
            effects += self._candidacies.extend(self._me.good_until, now)
        for sent in self._me.counted:
            self._observer.renewed(now - sent)
        if self._may_acquire(now) and not could_acquire:
            self._candidacies.touch_all()
        due = self._candidacies.due(now)
        effects += self._candidacies.check(due, self._me.good_until, now)
        if self.ended:
            return effects + self._candidacies.end()
        effects += self._moves(now)
        effects += self._say(now)
        effects += [Get(name) for name in self._pending.rereads_due(now)]
        send = self._pending.send
        effects += [put for name, make in self._writes(now) if (put := send(name, make, now))]
        due += self._candidacies.due(now)
        write = partial(self._campaign_write, now)
        return effects + self._candidacies.write(due, write, now)

    def next_wake(self, now: float) -> float:
        """When `wake` should be called if nothing happens before."""
        if self.ended:
            return math.inf
        moments = [self._me.next_wake(), self._candidacies.next_look(), self._pending.next_reread()]
        if self._idle_since is not None:
            moments.append(self._idle_since + self._linger)
        # What is past was either done by the last `wake` or waits for a reply.
        due = min((moment for moment in moments if moment > now), default=math.inf)
        looks = self._listed and (self._candidacies.campaigns or self._resident)
        return min(due, self._look_at) if looks else due  # others' silence, and what they say

    def _writes(self, now: float) -> Iterator[tuple[str, Callable[[], Put | None]]]:
        """Each member's record with what one might write to it now."""
        self._leave_when_idle(now)
        yield self._own, lambda: self._own_write(now)
        if not self._candidacies.campaigns and not self._resident:
            return
        for lease in self._view.members():
            if lease.holder != self._holder.incarnation and self._view.is_silent(lease, now):
                yield lease.name, partial(self._expulsion, lease)
        if self.joined:
            for lease in self._misnamed.due(self._record, now):
                yield lease.name, partial(self._disavowal, lease)

    def _leave_when_idle(self, now: float) -> None:
        if self._draining:
            self._me.draining = True
        stands = self._candidacies.campaigns or self._resident
        if self.held or (stands and not self._draining):
            self._idle_since = None
            return
        if any(name in self._candidacies.campaigns for name in self._pending.names()):
            return  # an acquisition under way must not land in a life that has been given up
        # An application stands again a moment after a hand-over: no reason to begin a new life.
        self._idle_since = now if self._idle_since is None else self._idle_since
        if self._draining or (self.joined and now >= self._idle_since + self._linger):
            self._me.leave()

    def _own_write(self, now: float) -> Put | None:
        joins = self._candidacies.campaigns or (self._resident and not self._draining)
        joining = self._me.join(self._view, now) if joins else None
        return joining or self._me.resign(now) or self._me.renew(now)

    def _expulsion(self, lease: Lease) -> Put:
        """Write down the death of a member that was silent for too long (rule 3)."""
        return Put(replace(lease, ended="expelled", write=self._fresh()), lease.version)

    def _record(self, name: str) -> Lease | None:
        campaign = self._candidacies.campaigns.get(name)
        return campaign.record if campaign else None

    def _disavowal(self, lease: Lease) -> Put:
        """Give back what one never had, or has no more (rule e)."""
        return Put(replace(lease, released=lease.nonce, write=self._fresh()), lease.version)

    def _campaign_write(self, now: float, campaign: Campaign) -> Put | None:
        wall = self.wall(now)
        put = campaign.release(wall) or campaign.amend(wall)
        if put is None and self._may_acquire(now):
            return campaign.acquire(self._view, partial(self._patience, now), now)
        return put

    def _patience(self, now: float, name: str, prefer: str) -> float:
        return self._placement.patience(name, prefer, self._view, now)

    def _moves(self, now: float) -> list[Effect]:
        """Begin to hand over what another should have, when it is time for that."""
        if not self._may_acquire(now):
            return []
        move = self._placement.next_move(
            self._view, self._candidacies.campaigns, self._pending, now
        )
        if move is None:
            return []
        why = (
            "it failed here again and again" if move.reason == "failures" else "its place is there"
        )
        reason = f"it goes to {move.to}: {why}"
        campaign = self._candidacies.touch(move.singleton)
        assert campaign is not None, "it moves what is held"
        return [move, *campaign.stop(reason, UNHURRIED)]

    def _say(self, now: float) -> list[Effect]:
        """Make up what the next renewal says, when it is due."""
        if not self._me.is_due(now) or self._own in self._pending:
            return []
        self._me.stance, ask = self._placement.stance(self._view, self._candidacies.campaigns, now)
        return [Tell(ask, Probe())] if ask else []

    def _may_acquire(self, now: float) -> bool:
        return self.joined and not self._draining and now < self._me.good_until

    def _not_landed(self, name: str, now: float) -> None:
        self._pending.failed(name, now)
        self._candidacies.look_soon(name, now)
        self._candidacies.touch(name)

    def _matters(self, put: Put) -> bool:
        """Whether a refused write is one's own life or tenure, so that its record must be read."""
        campaign = self._candidacies.campaigns.get(put.lease.name)
        return self._is_own(put) or (campaign is not None and campaign.holds)

    def _is_own(self, put: Put) -> bool:
        """Whether this writes one's own life, and not the death of a former one in its place."""
        return put.lease.name == self._own and put.lease.holder == self._holder.incarnation
