import inspect
import subprocess
import sys

import pytest
import typer

from immutant.cli.commands import SECTIONS
from immutant.cli.lazy import Entry

ENTRIES = [(name, entry) for part in SECTIONS.values() for name, entry in part.items()]


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
