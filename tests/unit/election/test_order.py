from collections import Counter

from immutant.election.order import rank
from immutant.election.stance import Stance

SINGLETONS = [f"demo.daemon.d{n}" for n in range(300)]
MEMBERS = ["demo-0", "demo-1", "demo-2"]


def first(name: str, members: list[str], prefer: str = "", **stances: Stance) -> str:
    """The member that should have it; stances by the member's number, as in `n0=`."""
    known = {f"demo-{key[1:]}": stance for key, stance in stances.items()}
    return max(members, key=lambda one: rank(name, prefer, one, known.get(one, Stance())))


def test_singletons_spread_over_the_members() -> None:
    counts = Counter(first(name, MEMBERS) for name in SINGLETONS)
    assert all(70 <= count <= 130 for count in counts.values()), counts


def test_a_member_that_goes_moves_only_what_it_held() -> None:
    before = {name: first(name, MEMBERS) for name in SINGLETONS}
    after = {name: first(name, ["demo-0", "demo-2"]) for name in SINGLETONS}
    assert all(after[name] == holder for name, holder in before.items() if holder != "demo-1")


def test_the_preferred_member_comes_first_and_without_it_the_order_is_as_ever() -> None:
    assert {first(name, MEMBERS, "demo-1") for name in SINGLETONS} == {"demo-1"}
    there = ["demo-0", "demo-2"]
    assert all(first(name, there, "demo-1") == first(name, there) for name in SINGLETONS)


def test_in_the_preferred_zone_singletons_spread_over_its_members() -> None:
    near = Stance(zone="near")
    counts = Counter(first(name, MEMBERS, "near", n0=near, n2=near) for name in SINGLETONS)
    assert counts.keys() == {"demo-0", "demo-2"}
    assert all(count > 100 for count in counts.values()), counts


def test_who_stepped_back_comes_last_though_preferred() -> None:
    avoiding = Stance(avoids=frozenset(SINGLETONS))
    assert {first(name, MEMBERS, "demo-1", n1=avoiding) for name in SINGLETONS} <= {
        "demo-0",
        "demo-2",
    }


def test_no_zone_is_nobodys_preference() -> None:
    assert rank("demo.daemon.d1", "", "demo-0", Stance(zone=""))[1] is False
