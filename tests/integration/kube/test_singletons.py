"""What daemons and jobs may rely on, on a real API server.

Here are the promises in which the store has a part; the election's own are the same on any store.
"""

from tests.behaviour.singletons.test_daemons import (
    test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after,
    test_a_tenure_without_renewals_ends_at_its_deadline,
    test_the_death_of_a_whole_replica_frees_it_in_time,
    test_the_death_of_the_application_frees_it_at_once,
)
from tests.behaviour.singletons.test_jobs import (
    test_a_run_that_was_cut_off_is_begun_again_with_the_same_id,
    test_each_tick_is_claimed_by_one_replica,
)

__all__ = [
    "test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after",
    "test_a_run_that_was_cut_off_is_begun_again_with_the_same_id",
    "test_a_tenure_without_renewals_ends_at_its_deadline",
    "test_each_tick_is_claimed_by_one_replica",
    "test_the_death_of_a_whole_replica_frees_it_in_time",
    "test_the_death_of_the_application_frees_it_at_once",
]
