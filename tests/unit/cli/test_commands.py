import inspect
import subprocess
import sys
from typing import Any

import pytest
import typer

from immutant.cli.commands import SECTIONS, commands
from immutant.cli.lazy import Entry

GROUP: Any = typer.main.get_command(commands)
ENTRIES = [(name, entry) for part in SECTIONS.values() for name, entry in part.items()]


def command(name: str) -> Any:
    return GROUP.get_command(None, name)


@pytest.mark.parametrize(("name", "entry"), ENTRIES, ids=[name for name, _ in ENTRIES])
def test_the_line_in_the_list_is_the_first_of_the_commands_own_help(
    name: str, entry: Entry
) -> None:
    found = entry.load()
    told = found.info.help if isinstance(found, typer.Typer) else inspect.getdoc(found)
    assert isinstance(told, str)
    assert told.splitlines()[0] == entry.help


def test_help_loads_no_command() -> None:
    asked = "import sys; sys.argv = ['immutant', '--help']; from immutant.cli import main\n"
    asked += "try: main()\nexcept SystemExit: pass\n"
    asked += "print([name for name in sys.modules if 'immutant' in name or name == 'rich'])"
    said = subprocess.run(
        [sys.executable, "-c", asked], capture_output=True, text=True, check=True
    ).stdout
    loaded = said.splitlines()[-1]
    assert "immutant.cli.commands" in loaded
    assert "immutant.cli.looking" not in loaded
    assert "'rich'" not in loaded


def test_a_name_that_is_not_known_is_told_with_one_that_is_like_it() -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "immutant", "staus"], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert "Did you mean 'status'" in ended.stderr.replace("\n", " ")


NAMING = [
    "gears",
    "status",
    "url",
    "open",
    "logs",
    "doctor",
    "queues",
    "dead",
    "jobs",
    "cache",
    "scale",
    "repl",
    "threaddump",
]


@pytest.mark.parametrize("name", NAMING)
def test_an_app_is_named_by_one_option_everywhere(name: str) -> None:
    own = {"repl": ["demo-0"], "threaddump": ["demo-0"], "scale": ["3"]}.get(name, [])
    for option in ("--app", "-a"):
        command(name).make_context(name, [*own, option, "demo"])


@pytest.mark.parametrize("name", ["jobs", "cache"])
def test_a_groups_help_is_about_the_group(name: str) -> None:
    told = subprocess.run(
        [sys.executable, "-m", "immutant", name, "--help"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "Without a verb it lists." in told
    assert "Usage: immutant " + name + " [OPTIONS] [COMMAND]" in told


@pytest.mark.parametrize(
    ("line", "verb", "left"),
    [
        ("jobs", "list", []),
        ("jobs shop", "list", ["shop"]),
        ("jobs shop -o json", "list", ["shop", "-o", "json"]),
        ("jobs -n apps shop", "list", ["-n", "apps", "shop"]),
        ("jobs -a list", "list", ["-a", "list"]),
        ("jobs --app=shop -ojson", "list", ["--app=shop", "-ojson"]),
        ("jobs -a shop pause nightly", "pause", ["-a", "shop", "nightly"]),
        ("jobs -a pause resume nightly", "resume", ["-a", "pause", "nightly"]),
        ("jobs list pause", "list", ["pause"]),
        ("cache -a shop get counters k", "get", ["-a", "shop", "counters", "k"]),
        ("cache --limit 5 counters", "list", ["--limit", "5", "counters"]),
        ("cache put counters k -1", "put", ["counters", "k", "-1"]),
    ],
)
def test_the_verb_of_a_group_is_the_first_word_and_else_list(
    line: str, verb: str, left: list[str]
) -> None:
    name, *arguments = line.split()
    found = command(name).make_context(name, arguments)
    assert (found._protected_args, found.args) == ([verb], left)


@pytest.mark.parametrize(
    "line", ["jobs pasue nightly", "jobs -a shop pasue nightly", "jobs pasue", "cache lst"]
)
def test_a_verb_that_is_mistyped_is_no_app_and_is_told_with_the_one_like_it(line: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "immutant", *line.split()],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    right = "list" if "lst" in line else "pause"
    assert f"Did you mean '{right}'" in ended.stderr.replace("\n", " ")


@pytest.mark.parametrize("name", ["gears", "logs", "queues"])
def test_two_apps_at_once_are_refused(name: str) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "immutant", name, "demo", "--app", "shop"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "name one app: demo, or --app shop" in " ".join(ended.stderr.split())


@pytest.mark.parametrize("name", [name for name, _ in ENTRIES])
def test_help_has_one_word_for_an_app(name: str) -> None:
    found = command(name)
    told = found.get_help(found.make_context(name, [], resilient_parsing=True))
    assert "--help" in told
    assert "pplication" not in told
