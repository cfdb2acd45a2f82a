"""What the commands print of what they are answered."""

import json
from collections.abc import Mapping
from typing import Any

import pytest
import typer
import yaml

from immutant.cli import answers, asking, printing
from immutant.cli.options import Output

LETTER = {
    "queue": "orders",
    "id": "7",
    "attempts": 10,
    "reason": "ValueError: line one\nline two \x1b[31m" + "x" * 100,
    "died_at": 1_750_000_000.0,
    "headers": {},
    "base64": "AP8=",
}


class Told:
    """A Console that has its answer already."""

    def __init__(self, answer: Any, mention: str = "") -> None:
        self.answer = answer
        self.mention = mention
        self.requests: list[Any] = []

    def ask(self, request: Any, replica: str = "") -> Any:
        self.requests.append(request)
        return self.answer

    def prompt(self, replica: str) -> None: ...

    def names(self) -> Mapping[str, str]:
        return {"10.0.0.7": "demo-0", "fd00::8": "demo-1"}


def test_owners_are_told_by_their_pods_names(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told({"owners": ["10.0.0.7:5701", "[fd00::8]:5701", "10.0.0.9:5701"]})
    asking._cache_owners(told, "counters", "value")
    assert capsys.readouterr().out == "demo-0\ndemo-1\n10.0.0.9:5701\n"


@pytest.mark.parametrize("mention", ["", " -a shop"])
def test_what_is_to_be_typed_next_names_the_app_that_was_named(
    mention: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for command in (asking._pause, asking._unschedule):
        command(Told({}, mention), "report")
        assert f"`immutant jobs resume report{mention}`" in capsys.readouterr().out


def test_a_cell_is_one_line_and_no_terminal_obeys_what_is_in_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    asking._dead(Told({"letters": [LETTER], "more": True}))
    table = capsys.readouterr().out.rstrip()
    assert len(table.splitlines()) == 3
    assert "ValueError: line one line two \N{REPLACEMENT CHARACTER}[31m" in table
    assert "…" in table
    assert "base64 AP8=" in table
    assert table.endswith("there are more: --limit")


def test_json_and_yaml_have_all_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    answer = {"letters": [LETTER], "more": True}
    printing.listing(Output.json, answer, *answers.letters(answer))
    assert json.loads(capsys.readouterr().out) == answer
    printing.listing(Output.yaml, answer, *answers.letters(answer))
    assert yaml.safe_load(capsys.readouterr().out) == answer


@pytest.mark.parametrize(
    "options",
    [
        {"replay": True, "discard": True, "everything": True, "queue": "q"},
        {"replay": True, "everything": True},
        {"discard": True, "queue": "q"},
        {"discard": True, "queue": "q", "ids": ["1"], "everything": True},
    ],
)
def test_dead_letters_are_sent_or_forgotten_only_when_it_is_clear_which(
    options: dict[str, Any],
) -> None:
    told = Told({"discarded": 1})
    with pytest.raises(typer.BadParameter, match="either --id ID"):
        asking._dead(told, **options)
    assert told.requests == []


def test_a_trigger_draws_a_key_of_its_own_each_time(capsys: pytest.CaptureFixture[str]) -> None:
    told = Told({"tick": "report/x"})
    for _ in range(2):
        asking._trigger(told, "report")
    asking._trigger(told, "report", "mine")
    keys = [request["key"] for request in told.requests]
    assert len(set(keys)) == 3
    assert keys[2] == "mine"
    assert "report/x" in capsys.readouterr().out
