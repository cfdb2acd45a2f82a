"""The rules for a tree, against git itself."""

import subprocess
import tempfile
from pathlib import Path

from hypothesis import example, given, settings
from hypothesis import strategies as st

from immutant.remote.ignoring import Rules

_parts = st.sampled_from(["a", "b", "c.py", "d.log"])
_FOLDERS = ("", "a", "a/b")
_paths = st.lists(_parts, min_size=1, max_size=3).map("/".join)
_asked = _paths.filter(lambda path: path not in _FOLDERS)
_patterns = st.builds(
    lambda bang, root, path, end: f"{bang}{root}{path}{end}",
    st.sampled_from(["", "", "!"]),
    st.sampled_from(["", "/", "**/"]),
    st.one_of(_paths, st.sampled_from(["*", "*.log", "a/*", "a/**", "**/b", "a/**/c.py", "?"])),
    st.sampled_from(["", "/"]),
)
_files = st.dictionaries(st.sampled_from(_FOLDERS), st.lists(_patterns, max_size=4))


def _as_git(folder: Path, ignored: dict[str, list[str]], paths: list[str]) -> set[str]:
    """The paths that git leaves out; none of them needs to exist."""
    run = ["git", "-C", str(folder)]
    subprocess.run([*run, "init", "-q"], check=True)
    for where in _FOLDERS:
        (folder / where).mkdir(parents=True, exist_ok=True)
        (folder / where / ".gitignore").write_text("\n".join(ignored.get(where, [])))
    asked = "\0".join(paths).encode()
    said = subprocess.run(
        [*run, "check-ignore", "--no-index", "-z", "--stdin"],
        input=asked,
        capture_output=True,
        check=False,
    )
    return {one.decode() for one in said.stdout.split(b"\0") if one}


@example({"": ["a/**/"]}, ["a/c.py", "a/b/c.py", "b/a/c.py"])
@example({"": ["c.py", "!?"]}, ["a/c.py/b", "c.py"])
@example({"": ["d.log/", "!*/"]}, ["d.log/d.log/b"])
@example({"": ["a/**", "!a/d.log"]}, ["a/d.log", "a/c.py"])
@settings(max_examples=25, deadline=None)
@given(_files, st.lists(_asked, min_size=1, max_size=12, unique=True))
def test_files_are_left_out_as_git_leaves_them_out(
    ignored: dict[str, list[str]], paths: list[str]
) -> None:
    rules = Rules()
    for where, lines in ignored.items():
        rules.add(where, "\n".join(lines))
    with tempfile.TemporaryDirectory() as folder:
        expected = _as_git(Path(folder), ignored, paths)
    assert {path for path in paths if rules.hide(path)} == expected
