import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote import packing
from immutant.remote.folder import walk
from immutant.remote.packing import File, Link


def paths(folder: Path, files: Mapping[str, str]) -> list[str]:
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return [one.path for one in walk(folder).entries]


def test_what_is_of_this_machine_stays_behind(tmp_path: Path) -> None:
    files = {
        "app.py": "",
        "lib/util.py": "",
        ".git/config": "",
        ".venv/bin/python": "",
        "lib/__pycache__/util.pyc": "",
        ".immutant/state.db": "",
    }
    assert paths(tmp_path, files) == ["app.py", "lib/util.py"]


def test_ignore_files_count_in_their_folder_and_the_nearest_decides(tmp_path: Path) -> None:
    files = {
        ".gitignore": "*.log\nbuild/\n",
        "sub/.gitignore": "!keep.log\n/only-here\n",
        "a.log": "",
        "build/x": "",
        "sub/keep.log": "",
        "sub/other.log": "",
        "sub/only-here": "",
        "sub/deep/only-here": "",
    }
    kept = paths(tmp_path, files)
    assert [one for one in kept if not one.endswith("ignore")] == [
        "sub/deep/only-here",
        "sub/keep.log",
    ]


def test_immutantignore_takes_back_what_gitignore_leaves_out(tmp_path: Path) -> None:
    files = {
        ".gitignore": "dist/\n*.secret\n",
        ".immutantignore": "# built before\n!dist/\ntests/\n",
        "dist/page.js": "",
        "a.secret": "",
        "tests/test_app.py": "",
    }
    assert paths(tmp_path, files) == [".gitignore", ".immutantignore", "dist/page.js"]


def test_links_stay_links_and_the_bit_for_programs_stays(tmp_path: Path) -> None:
    (tmp_path / "run.sh").write_text("#!/bin/sh\n")
    (tmp_path / "run.sh").chmod(0o755)
    (tmp_path / "data").mkdir()
    (tmp_path / "link").symlink_to("data")
    assert walk(tmp_path).entries == [
        Link("link", "data"),
        File("run.sh", b"#!/bin/sh\n", executable=True),
    ]


def test_the_time_is_that_of_the_newest_file(tmp_path: Path) -> None:
    for name, moment in (("old", 1_700_000_000), ("new", 1_800_000_000)):
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (moment, moment))
    assert walk(tmp_path).moment == 1_800_000_000


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueRefusedError, match="pipe is neither a file nor a link"):
        walk(tmp_path)


def test_too_much_is_refused_before_it_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "LARGEST_TREE", 10)
    (tmp_path / "film.mp4").write_bytes(b"0" * 11)
    (tmp_path / "film.mp4").chmod(0)
    with pytest.raises(ValueRefusedError, match=r"film\.mp4 \(11 bytes\)"):
        walk(tmp_path)


def test_no_folder_and_no_pattern_are_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="is no folder"):
        walk(tmp_path / "nowhere")
    (tmp_path / ".immutantignore").write_text("a\n!\n")
    with pytest.raises(ConfigurationError, match="a line that is no pattern"):
        walk(tmp_path)
