"""An archive in parts becomes a folder, or a sentence that says what is wrong with it."""

import os
import tarfile
import tempfile
from contextlib import suppress
from operator import add
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.source.packing import ordered, other, packed

from immutant.contract.sourcing import Archive, Order
from immutant.errors import ConfigurationError
from immutant.source import archive
from immutant.source.fetch import fetch
from immutant.source.tree import Limits, write_tree

FILES = {"app.py": "one = 1\n", "shop/__init__.py": "", "run.sh": "#!/bin/sh\n"}


def fetched(tmp_path: Path, data: bytes, **more: Any) -> Path:
    parts, folder = tmp_path / "parts", tmp_path / "app"
    assert fetch(ordered(data, parts, **more), folder, parts)
    return folder


def test_files_arrive_as_they_were_packed(tmp_path: Path) -> None:
    link = other("latest.py", tarfile.SYMTYPE, "shop/__init__.py")
    folder = fetched(tmp_path, packed(FILES, other("empty", tarfile.DIRTYPE), link))
    found = {str(one.relative_to(folder)): one.read_text() for one in folder.rglob("*.*")}
    assert found == {**FILES, "latest.py": ""}
    assert (folder / "run.sh").stat().st_mode & 0o777 == 0o755
    assert (folder / "app.py").stat().st_mode & 0o777 == 0o644


def test_what_was_fetched_once_is_not_fetched_again(tmp_path: Path) -> None:
    folder = fetched(tmp_path, packed(FILES))
    order = Order(Archive(("gone",), "0" * 64), "app:app")
    assert not fetch(order, folder, tmp_path / "nowhere")


def test_a_fetch_that_was_cut_off_begins_anew(tmp_path: Path) -> None:
    half = tmp_path / "app.new" / "half.py"
    half.parent.mkdir()
    half.write_text("")
    assert not (fetched(tmp_path, packed(FILES)) / "half.py").exists()


def test_parts_that_were_changed_or_swapped_are_refused(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    order = ordered(packed(FILES), parts, size=100)
    (parts / "00").write_bytes(b"another")
    with pytest.raises(ConfigurationError, match=r"together have the sha256 .* push the source"):
        fetch(order, tmp_path / "app", parts)
    assert not (tmp_path / "app").exists()


def test_a_part_that_is_missing_is_named(tmp_path: Path) -> None:
    parts = tmp_path / "parts"
    order = ordered(packed(FILES), parts, size=100)
    (parts / "01").unlink()
    with pytest.raises(ConfigurationError, match=r"part 2 of .* no ConfigMap demo-part-1 with"):
        fetch(order, tmp_path / "app", parts)


@pytest.mark.parametrize(
    ("member", "sentence"),
    [
        (other("up", tarfile.SYMTYPE, "../../etc/passwd"), "the link up in the source points out"),
        (other("up", tarfile.SYMTYPE, "/etc/passwd"), "the link up in the source points out"),
        (other("app.py", tarfile.SYMTYPE, "run.sh"), "has 'app.py' twice"),
        (other("app.py", tarfile.LNKTYPE, "run.sh"), "neither file, folder nor symbolic link"),
        (other("null", tarfile.CHRTYPE), "neither file, folder nor symbolic link"),
        (other("pipe", tarfile.FIFOTYPE), "neither file, folder nor symbolic link"),
        (other("../app.py", tarfile.SYMTYPE, "x"), "outside of its root"),
    ],
)
def test_what_leaves_the_folder_or_is_no_file_is_refused(
    tmp_path: Path, member: tarfile.TarInfo, sentence: str
) -> None:
    with pytest.raises(ConfigurationError, match=sentence):
        fetched(tmp_path, packed(FILES, member))


@pytest.mark.parametrize("name", ["../app.py", "/app.py", "shop/../../x", "app.py/x"])
def test_files_outside_of_the_root_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigurationError, match=r"outside of its root|twice"):
        fetched(tmp_path, packed({**FILES, name: "evil"}))
    assert not (tmp_path / "x").exists()
    assert not (tmp_path / "app.py").exists()


def test_a_link_to_a_folder_leads_no_file_and_no_other_link_out(tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    links = [other("a", tarfile.SYMTYPE, "shop"), other("a/b", tarfile.SYMTYPE, "../../outside")]
    with pytest.raises(ConfigurationError, match=r"has 'a/b' twice, or as a file and as a folder"):
        fetched(tmp_path, packed(FILES, *links))
    assert list((tmp_path / "outside").iterdir()) == []


@pytest.mark.parametrize(
    "links",
    [
        {"a": "p/q/../../etc", "p": ".", "q": "."},
        {"a": "../app.new/app.py"},
        {"a": "b", "b": "a"},
    ],
    ids=["by way of links", "by the folder's name while it is built", "in a circle"],
)
def test_a_link_that_leads_out_with_all_others_is_refused(
    tmp_path: Path, links: dict[str, str]
) -> None:
    with pytest.raises(ConfigurationError, match="the link a in the source points out of it, or"):
        fetched(tmp_path, packed(FILES, *of_links(links)))


def test_a_link_may_lead_through_others_inside(tmp_path: Path) -> None:
    links = {"now": "versions/2", "versions/2": "../shop", "shop/up": "../now/../app.py"}
    folder = fetched(tmp_path, packed(FILES, *of_links(links)))
    assert (folder / "now" / "up").read_text() == FILES["app.py"]


def of_links(links: dict[str, str]) -> list[tarfile.TarInfo]:
    return [other(name, tarfile.SYMTYPE, target) for name, target in links.items()]


_STEPS = st.sampled_from(["a", "b", "c", ".", "..", "app", "app.new"])
_PATHS = st.lists(st.sampled_from(["a", "b", "c"]), min_size=1, max_size=3).map("/".join)
_TARGETS = st.builds(add, st.sampled_from(["", "/"]), st.lists(_STEPS, max_size=5).map("/".join))


@settings(max_examples=200, deadline=None)
@given(st.dictionaries(_PATHS, st.just("")), st.lists(st.tuples(_PATHS, _TARGETS), max_size=6))
def test_whatever_is_unpacked_no_link_of_it_leads_out(
    files: dict[str, str], links: list[tuple[str, str]]
) -> None:
    members = [other(name, tarfile.SYMTYPE, target) for name, target in links]
    with tempfile.TemporaryDirectory() as name:
        top = Path(name).resolve()
        folder = top / "app.new"
        with suppress(ConfigurationError):
            write_tree(archive.entries(packed(files, *members)), folder)
            folder = folder.rename(top / "app")
        assert list(top.iterdir()) == [folder]
        for at, folders, names in os.walk(folder):
            for one in (*folders, *names):
                assert is_inside(Path(at, one), folder)


def is_inside(place: Path, folder: Path) -> bool:
    return Path(os.path.realpath(place)).is_relative_to(folder)


@pytest.mark.parametrize(
    ("limits", "sentence"),
    [
        (Limits(files=2), "more than 2 files"),
        (Limits(size=1 << 20), "more than 1 MiB"),
    ],
)
def test_a_source_has_bounds(tmp_path: Path, limits: Limits, sentence: str) -> None:
    data = packed({**FILES, "zeros": "0" * (2 << 20)})
    assert len(data) < 10_000
    with pytest.raises(ConfigurationError, match=sentence):
        write_tree(archive.entries(data), tmp_path / "app", limits)


def test_a_header_that_unpacks_to_no_end_is_not_read(tmp_path: Path) -> None:
    member = tarfile.TarInfo("app.py")
    member.pax_headers = {"comment": "0" * (66 << 20)}
    with pytest.raises(ConfigurationError, match="unpacks to more than 65 MiB"):
        write_tree(archive.entries(packed({}, member), Limits(size=1 << 20)), tmp_path / "app")


@pytest.mark.parametrize("data", [b"no archive", packed(FILES)[:-40], b""])
def test_what_is_no_archive_is_said(tmp_path: Path, data: bytes) -> None:
    with pytest.raises(ConfigurationError, match=r"cannot be read|is missing"):
        fetched(tmp_path, data)


@pytest.mark.parametrize("entrypoint", ["app:app", "app.py:app", "shop:app", "app"])
def test_an_entrypoint_that_is_there_is_found(tmp_path: Path, entrypoint: str) -> None:
    assert fetched(tmp_path, packed(FILES), entrypoint=entrypoint).is_dir()


def test_modules_below_src_are_found(tmp_path: Path) -> None:
    assert fetched(tmp_path, packed({"src/shop/main.py": ""}), entrypoint="shop.main:app").is_dir()


@pytest.mark.parametrize("entrypoint", ["main:app", "shop.main:app", "src/app.py"])
def test_an_entrypoint_that_is_missing_is_said_before_anything_is_installed(
    tmp_path: Path, entrypoint: str
) -> None:
    with pytest.raises(ConfigurationError, match=r"its root has: app\.py, run\.sh, shop/\. Add"):
        fetched(tmp_path, packed(FILES), entrypoint=entrypoint)
    assert not (tmp_path / "app").exists()
