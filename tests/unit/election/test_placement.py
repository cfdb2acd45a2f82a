from collections import Counter

from immutant.election.placement import preferred

SINGLETONS = [f"demo.daemon.d{n}" for n in range(300)]


def test_singletons_spread_over_the_members() -> None:
    counts = Counter(preferred(name, ["demo-0", "demo-1", "demo-2"]) for name in SINGLETONS)
    assert all(70 <= count <= 130 for count in counts.values()), counts


def test_a_member_that_goes_moves_only_what_it_held() -> None:
    before = {name: preferred(name, ["demo-0", "demo-1", "demo-2"]) for name in SINGLETONS}
    after = {name: preferred(name, ["demo-0", "demo-2"]) for name in SINGLETONS}
    assert all(after[name] == holder for name, holder in before.items() if holder != "demo-1")


def test_without_members_nobody_is_preferred() -> None:
    assert preferred("demo.daemon.counter", []) is None
