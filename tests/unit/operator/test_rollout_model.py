"""The rollout's decisions against a played cluster: pods, a grid, and Leases that lag behind.

Whatever comes and goes in whatever order, no pod that serves is taken while another is missing or
while the grid has copies to make, and all comes to its end once pods become ready again.
"""

from dataclasses import dataclass, field, replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from immutant.contract.gridview import GridView
from immutant_operator.grid import Grid
from immutant_operator.members import MemberLease
from immutant_operator.observed import Fleet, Pod
from immutant_operator.pace import Pace
from immutant_operator.rollout import next_size, next_step
from immutant_operator.sightings import Sightings

BROKEN = "v3"
"""A version that never becomes ready."""

DURATION = 30.0
"""Seconds for which a Lease is good: much longer than a pod has to be ready, so that old words are
there to be believed."""


@dataclass
class Played:
    """The cluster around the operator, and the operator's looks at it."""

    wanted: int = 3
    pace: Pace = field(default_factory=Pace)
    size: int = 0
    revision: str = "v1"
    now: float = 0.0
    pods: dict[str, Pod] = field(default_factory=dict)
    members: set[str] = field(default_factory=set)
    to_copy: set[str] = field(default_factory=set)
    leases: dict[str, MemberLease] = field(default_factory=dict)
    sightings: Sightings = field(default_factory=Sightings)
    made: int = 0

    def look(self) -> bool:
        """A reconcile, and what the StatefulSet's controller makes of it; whether all is done."""
        grid = self._grid()
        size = next_size(self.wanted, self._fleet(), grid, self.pace)
        if size < self.size:
            self._take([one for one in self.pods.values() if one.ordinal == size])
        self.size = size
        step = next_step(self.wanted, self._fleet(), grid, self.pace)
        self._take(step.replace)
        self._obey()
        return step.reason == "Complete"

    def _fleet(self) -> Fleet:
        pods = sorted(self.pods.values(), key=lambda one: (one.ordinal, one.uid))
        return Fleet(self.size, self.revision, tuple(pods))

    def _grid(self) -> Grid:
        fleet = self._fleet()
        ages = self.sightings.look(fleet.pods, self.leases, self.now, self.now)
        return Grid(fleet.pods, dict(self.leases), ages)

    def _take(self, taken: "list[Pod] | tuple[Pod, ...]") -> None:
        taken = [one for one in taken if not one.leaving]
        serving = [one for one in taken if one.ready]
        if serving and self.wanted:
            others = [one for one in self.pods.values() if one not in taken]
            assert all(one.ready for one in others), "another is coming or going"
            needed = {one.ordinal for one in taken} | {one.ordinal for one in others}
            assert needed >= set(range(self.size)), "another is missing"
            assert not self.to_copy, "copies are being made"
            assert self.members == set(self.pods), "the grid is not made of the pods"
            assert others, "nobody is left"
            assert len(taken) < max(2, self.pace.owners), "as many go as keep an entry"
        leaving = any(one.leaving for one in self.pods.values())
        assert not (taken and leaving and self.wanted), "another is leaving"
        for one in taken:
            self.pods[one.uid] = replace(one, ready=False, leaving=True)

    def _obey(self) -> None:
        for one in list(self.pods.values()):
            if one.ordinal >= self.size:
                self.pods[one.uid] = replace(one, ready=False, leaving=True)
        there = {one.ordinal for one in self.pods.values()}
        for ordinal in set(range(self.size)) - there:
            self.made += 1
            uid = f"uid-{self.made}"
            self.pods[uid] = Pod(f"demo-{ordinal}", uid, ordinal, self.revision, False, False)

    def happen(self, what: str, which: int) -> None:
        """One event, to one of the pods or to all."""
        pods = sorted(self.pods.values(), key=lambda one: one.uid)
        pod = pods[which % len(pods)] if pods else None
        if what == "wait":
            self.now += (6.0, 70.0)[which % 2]
        elif what == "copy" and pod is not None:
            self.to_copy.discard(pod.uid)
        elif what == "beat":
            self.now += 2.0
            for one in pods:
                if one is not pod:
                    self._renew(one)
        elif what == "version":
            self.revision = ("v1", "v2", BROKEN)[which % 3]
        elif what == "scale":
            self.wanted = which % 5
        elif what == "pace":
            self.pace = Pace(1 + which % 3, 1 + which % 4, paused=which % 5 == 0)
        elif pod is not None:
            self._happen_to(pod, what)

    def _happen_to(self, pod: Pod, what: str) -> None:
        if what == "come up":
            self._come_up(pod)
        elif what == "end" and pod.leaving:
            del self.pods[pod.uid]
            self._part(pod)
        elif what == "crash" and not pod.leaving:
            self.pods[pod.uid] = replace(pod, ready=False, restarts=pod.restarts + 1)
            self._part(pod)
            self.renew_all()  # the others notice; before that nothing could be known

    def _part(self, pod: Pod) -> None:
        if pod.uid in self.members:
            self.members.discard(pod.uid)
            self.to_copy = set(self.members)

    def _come_up(self, pod: Pod) -> None:
        if pod.leaving:
            return
        if pod.uid not in self.members:
            self.members.add(pod.uid)
            self.to_copy = set(self.members)
        elif pod.revision != BROKEN:
            since = pod.ready_since if pod.ready else str(self.now)
            self.pods[pod.uid] = replace(pod, ready=True, ready_since=since)

    def _renew(self, pod: Pod) -> None:
        if pod.uid not in self.members:
            return
        safe = pod.uid not in self.to_copy
        view = GridView(len(self.members), ",".join(sorted(self.members)), safe)
        stamp = str(int(self.leases[pod.uid].stamp) + 1) if pod.uid in self.leases else "1"
        said = None if pod.leaving else view
        self.leases[pod.uid] = MemberLease(pod.uid, stamp, "", pod.leaving, said, DURATION)

    def renew_all(self) -> None:
        for one in self.pods.values():
            self._renew(one)

    def calm(self) -> None:
        """What comes to pass by itself, when nothing disturbs."""
        for one in list(self.pods.values()):
            self._happen_to(one, "end")
        for _ in range(2):
            for one in list(self.pods.values()):
                self._come_up(one)
        self.to_copy.clear()
        self.now += 2.0
        self.renew_all()

    def rest(self) -> None:
        """Until nothing is left to do."""
        looks = 0
        while not self.look():
            self.calm()
            looks += 1
            assert looks < 400, (self.pods, self.size)


EVENTS = st.lists(
    st.tuples(
        st.sampled_from(
            ["beat"] * 8
            + ["come up"] * 8
            + ["copy"] * 6
            + ["end", "end", "wait"]
            + ["crash", "version", "scale", "pace"]
        ),
        st.integers(0, 60),
    ),
    min_size=30,
    max_size=120,
)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(EVENTS, st.integers(0, 4), st.sampled_from(["v1", "v2"]))
def test_no_pod_that_serves_is_taken_in_an_ill_moment_and_all_comes_to_its_end(
    events: list[tuple[str, int]], wanted: int, revision: str
) -> None:
    played = Played()
    played.rest()
    played.revision = "v2"
    for what, which in events:
        played.happen(what, which)
        played.look()
    played.wanted, played.revision = wanted, revision
    played.pace = replace(played.pace, paused=False)
    played.rest()
    assert [one.revision for one in played.pods.values()] == [revision] * wanted


def test_the_model_goes_through_the_moments_that_it_is_about() -> None:
    played = Played()
    played.rest()
    played.revision = "v2"
    takes = []
    for _ in range(200):
        before = {one.uid for one in played.pods.values() if one.leaving}
        done = played.look()
        after = {one.uid for one in played.pods.values() if one.leaving}
        takes += sorted(played.pods[uid].name for uid in after - before)
        if done:
            break
        played.calm()
    assert takes == ["demo-2", "demo-1", "demo-0"]
