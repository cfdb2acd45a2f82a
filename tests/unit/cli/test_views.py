import json
import time
from datetime import UTC, datetime

import pytest

from immutant.cli import printing, views
from immutant.cli.options import Output
from immutant.run.gears import Gear

GEAR = Gear("demo-0", "running", 12, 13, True, ["daemon.counter", "job.ajob"], 0)
STOPPED = Gear("demo-10", "stopped", None, None, False, None, 2)


def test_the_table_is_aligned_and_has_a_dash_for_what_is_not_known(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [views.replica_row(GEAR), views.replica_row(STOPPED)]
    printing.listing(Output.table, [], views.REPLICA_COLUMNS, rows)
    printed = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert printed == [
        "NAME      STATE     PID   WEB    SINGLETONS                 RESTARTS",
        "demo-0    running   12    up     daemon.counter, job.ajob   0",
        "demo-10   stopped   -     down   -                          2",
    ]


def test_where_nobody_looks_no_cell_is_folded(capsys: pytest.CaptureFixture[str]) -> None:
    printing.listing(Output.table, [], ("NAME", "MESSAGE"), [("demo", "word " * 100)])
    assert len(capsys.readouterr().out.splitlines()) == 2


def test_where_nobody_looks_no_line_is_as_wide_as_the_longest(
    capsys: pytest.CaptureFixture[str],
) -> None:
    rows = [("demo", "word " * 100), ("shop", "word")]
    printing.listing(Output.table, [], ("NAME", "MESSAGE"), rows)
    assert capsys.readouterr().out.splitlines()[::2] == ["NAME   MESSAGE", "shop   word"]


@pytest.mark.parametrize("output", [Output.json, Output.yaml])
def test_programs_get_records(output: Output, capsys: pytest.CaptureFixture[str]) -> None:
    printing.listing(output, [{"name": "demo", "ready": "1/1"}], ("NAME",), [("never",)])
    printed = capsys.readouterr().out
    expected = [{"name": "demo", "ready": "1/1"}]
    if output is Output.json:
        assert json.loads(printed) == expected
    else:
        assert printed == "- name: demo\n  ready: 1/1\n"


@pytest.mark.parametrize(
    ("stamp", "told"),
    [
        ("2027-01-15T08:00:00Z", "0s"),
        ("2027-01-15T07:58:59Z", "1m"),
        ("2027-01-14T23:00:00Z", "9h"),
        ("2027-01-01T08:00:00Z", "14d"),
        ("2027-01-15T08:00:07Z", "0s"),  # this machine's clock is behind
        ("", "-"),
    ],
)
def test_an_age_is_told_in_the_largest_unit(stamp: str, told: str) -> None:
    assert views.age(stamp, datetime(2027, 1, 15, 8, tzinfo=UTC)) == told


def test_an_instant_is_told_in_local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    assert views.instant("2026-08-01T06:00:00Z") == "2026-08-01 08:00:00"
    monkeypatch.undo()
    time.tzset()
    assert views.instant("") == "-"
