import io
import tarfile
import tempfile
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from immutant.errors import ConfigurationError, ValueRefusedError
from immutant.remote import packing
from immutant.remote.folder import walk
from immutant.remote.packing import Entry, File, Link, check_entrypoint, pack
from immutant.source import archive
from immutant.source.tree import write_tree

MOMENT = 1_800_000_000

_names = st.text(
    st.characters(blacklist_categories=("Cc", "Cs"), blacklist_characters="/\0"),
    min_size=1,
    max_size=40,
).filter(lambda name: name not in (".", ".."))
_contents = st.binary(max_size=2000)


@st.composite
def _trees(draw: st.DrawFn) -> list[Entry]:
    """Files and links in folders `d0`, `d1`, which no file is called."""
    entries: list[Entry] = []
    for name in draw(st.sets(_names, max_size=8)):
        folder = draw(st.sampled_from(["", "d0/", "d0/d1/"]))
        path = f"{folder}f-{name}"
        if draw(st.booleans()):
            entries.append(File(path, draw(_contents), draw(st.booleans())))
        else:
            entries.append(Link(path, "../" * folder.count("/") + draw(_names)))
    return entries


def _unpacked(packed: bytes) -> dict[str, Entry]:
    """What a pod makes of an archive."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "app"
        write_tree(archive.entries(packed), root)
        return {one.path: one for one in walk(root).entries}


@settings(max_examples=60, deadline=None)
@given(_trees())
def test_what_is_unpacked_is_what_was_packed(tree: list[Entry]) -> None:
    assert _unpacked(pack(tree, MOMENT)) == {one.path: one for one in tree}


def test_an_archive_says_nothing_of_who_packed_it() -> None:
    with tarfile.open(fileobj=io.BytesIO(pack([File("a", b"1")], MOMENT)), mode="r:xz") as tar:
        (one,) = tar
    assert (one.uid, one.gid, one.uname, one.gname, one.mtime) == (0, 0, "", "", MOMENT)


@settings(max_examples=30, deadline=None)
@given(_trees(), st.randoms())
def test_a_tree_has_the_same_archive_in_any_order(tree: list[Entry], random: Random) -> None:
    shuffled = list(tree)
    random.shuffle(shuffled)
    assert pack(shuffled, MOMENT) == pack(tree, MOMENT)


def test_names_that_are_no_utf_8_survive() -> None:
    path = b"caf\xe9.txt".decode(errors="surrogateescape")
    assert _unpacked(pack([File(path, b"1")], MOMENT)) == {path: File(path, b"1")}


@pytest.mark.parametrize("target", ["/etc/passwd", "..", "../../x", "a/../../../x"])
def test_a_link_that_leads_out_is_refused(target: str) -> None:
    with pytest.raises(ValueRefusedError, match="the link d/l leads out of the source"):
        pack([Link("d/l", target if target != ".." else "../..")], MOMENT)


def test_too_much_names_the_largest_files_and_the_ways_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(packing, "LARGEST", 100)
    noise = bytes(value * 73 % 251 for value in range(3000))
    with pytest.raises(ValueRefusedError) as refused:
        pack([File("big.bin", noise), File("app.py", b"")], MOMENT)
    for word in ("big.bin (2.9 KiB)", ".immutantignore", "spec.image", "spec.source.git"):
        assert word in str(refused.value)


@pytest.mark.parametrize(
    ("entrypoint", "path"),
    [
        ("app:app", "app.py"),
        ("app", "app/__init__.py"),
        ("shop.web:api", "shop/web.py"),
        ("shop.web:api", "src/shop/web.py"),
        ("src/main.py:app", "src/main.py"),
    ],
)
def test_the_file_of_the_entrypoint_has_to_be_there(entrypoint: str, path: str) -> None:
    check_entrypoint([File(path, b"")], entrypoint, "demo")
    with pytest.raises(ConfigurationError, match="add the file, or name the one"):
        check_entrypoint([File("other.py", b"")], entrypoint, "demo")
