"""What daemons and jobs may rely on, on a real API server.

Here are the promises in which the store has a part; the election's own are the same on any store.
"""

from tests.behaviour.singletons.test_daemons import (
    test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after,
    test_a_preferred_replica_gets_it_when_it_comes_and_it_ends_between_its_steps,
    test_code_that_fails_again_and_again_is_tried_elsewhere,
    test_the_death_of_a_whole_replica_frees_it_in_time,
)
from tests.behaviour.singletons.test_job_commands import (
    test_a_body_that_was_garbled_by_hand_is_written_anew_by_its_holder,
    test_a_pause_outlives_its_holder,
    test_a_trigger_survives_the_death_of_the_holder,
    test_commands_of_many_replicas_at_once_all_come_true,
)
from tests.behaviour.singletons.test_job_overlap import (
    test_a_retry_survives_its_holder,
    test_several_runs_that_were_cut_off_are_each_begun_again,
)
from tests.behaviour.singletons.test_jobs import (
    test_each_tick_is_claimed_by_one_replica,
)

__all__ = [
    "test_a_body_that_was_garbled_by_hand_is_written_anew_by_its_holder",
    "test_a_hand_over_lets_it_end_between_its_steps_and_its_successor_begins_after",
    "test_a_pause_outlives_its_holder",
    "test_a_preferred_replica_gets_it_when_it_comes_and_it_ends_between_its_steps",
    "test_a_retry_survives_its_holder",
    "test_a_trigger_survives_the_death_of_the_holder",
    "test_code_that_fails_again_and_again_is_tried_elsewhere",
    "test_commands_of_many_replicas_at_once_all_come_true",
    "test_each_tick_is_claimed_by_one_replica",
    "test_several_runs_that_were_cut_off_are_each_begun_again",
    "test_the_death_of_a_whole_replica_frees_it_in_time",
]
