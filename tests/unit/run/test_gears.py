import json
from dataclasses import replace

from immutant.run.gears import Gear, as_json, as_table

GEAR = Gear("demo-0", "running", 12, 13, True, ["daemon.counter", "job.ajob"], 0)


def test_the_table_is_aligned_and_has_a_dash_for_what_is_not_known() -> None:
    stopped = replace(
        GEAR, name="demo-10", state="stopped", pid=None, web=False, singletons=None, restarts=2
    )
    assert as_table([GEAR, stopped]).splitlines() == [
        "NAME      STATE     PID   WEB    SINGLETONS                 RESTARTS",
        "demo-0    running   12    up     daemon.counter, job.ajob   0",
        "demo-10   stopped   -     down   -                          2",
    ]


def test_programs_get_every_field() -> None:
    (listed,) = json.loads(as_json([GEAR]))
    assert listed["singletons"] == ["daemon.counter", "job.ajob"]
    assert (listed["pid"], listed["coordinator"], listed["web"]) == (12, 13, True)
