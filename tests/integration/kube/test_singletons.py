"""What daemons and jobs may rely on, on a real API server.

Here are the promises in which the store has a part; the election's own are the same on any store.
"""

from tests.behaviour.singletons.test_daemons import (
    test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after,
    test_the_death_of_a_whole_replica_frees_it_in_time,
)
from tests.behaviour.singletons.test_jobs import (
    test_each_tick_is_claimed_by_one_replica,
)

__all__ = [
    "test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after",
    "test_each_tick_is_claimed_by_one_replica",
    "test_the_death_of_a_whole_replica_frees_it_in_time",
]
