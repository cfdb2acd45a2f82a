"""The API server keeps every promise of a lease store but the proof of death by a lock."""

from tests.behaviour import test_lease_store

_BY_LOCKS = {
    test_lease_store.test_an_incarnation_is_dead_once_nobody_holds_its_lock,
    test_lease_store.test_deaths_hear_of_members_that_come_later,
    test_lease_store.test_who_never_held_a_lock_is_not_proved_dead,
}

globals().update(
    (name, promise)
    for name, promise in vars(test_lease_store).items()
    if name.startswith("test_") and promise not in _BY_LOCKS
)
