"""Archives and wheels for the tests of sources, made by hand."""

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

from immutant.contract.sourcing import Archive, Order


def packed(files: Mapping[str, str | bytes], *others: tarfile.TarInfo) -> bytes:
    """An archive as the client packs it, with members of other kinds behind the files."""
    whole = io.BytesIO()
    with tarfile.open(fileobj=whole, mode="w:xz") as tar:
        for name, text in files.items():
            content = text.encode() if isinstance(text, str) else text
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o755 if content.startswith(b"#!") else 0o644
            tar.addfile(member, io.BytesIO(content))
        for other in others:
            tar.addfile(other)
    return whole.getvalue()


def other(name: str, kind: bytes, target: str = "") -> tarfile.TarInfo:
    """A member that is no file."""
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


def ordered(data: bytes, folder: Path, *, size: int = 200, entrypoint: str = "app:app") -> Order:
    """An archive in parts of a size, as they are mounted; and what a pod is told of it."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = [data[start : start + size] for start in range(0, len(data), size)]
    for number, part in enumerate(parts):
        (folder / f"{number:02}").write_bytes(part)
    names = tuple(f"demo-part-{number}" for number in range(len(parts)))
    return Order(Archive(names, hashlib.sha256(data).hexdigest()), entrypoint)


def wheel(folder: Path, name: str, version: str, *requires: str) -> None:
    """A wheel whose one module tells its version."""
    folder.mkdir(parents=True, exist_ok=True)
    info = f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {one}\n" for one in requires)
    files = {
        f"{name}.py": f"VERSION = {version!r}\n",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\n"
        "Tag: py3-none-any\n",
    }
    record = "".join(f"{path},,\n" for path in files) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as made:
        for path, text in {**files, f"{info}/RECORD": record}.items():
            made.writestr(path, text)
