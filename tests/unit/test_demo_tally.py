from tools.demo import Tally, table, verdict

LOG = """\
immutant | demo: 2 replicas
demo-0 | send 7
\x1b[36mdemo-1 | \x1b[0mrecv 7 {'value': 8}
demo-0 | send 8
demo-0 | recv 8 {'value': 9}
demo-1 | web /
demo-0 | job 3
demo-0 | send 9
demo-0 | recv 10 {}
demo-0 | recv 10 {}
"""


def tally() -> Tally:
    counted = Tally()
    for line in LOG.splitlines():
        counted.count(line)
    return counted


def test_lines_are_counted_by_replica_and_kind() -> None:
    assert [line.split() for line in table(tally()).splitlines()] == [
        ["send", "recv", "web", "job"],
        ["demo-0", "3", "3", "0", "1"],
        ["demo-1", "0", "1", "1", "0"],
        ["all", "3", "4", "1", "1"],
    ]


def test_numbers_missing_and_twice_are_named() -> None:
    assert verdict(tally(), "send") == "send 7 to 9: none missing, none twice"
    assert verdict(tally(), "recv") == "recv 7 to 10: 9 missing, 10 twice"
    assert verdict(Tally(), "job") == "job: no line"
