"""The files beside docs/ that belong to the site: which page each becomes, and links between them.

Belongs here: paths and links. Not here: what a page says, and mkdocs.

A link in a Markdown file leads to another file of the repository, as it does where that is read. On
the site README.md is the first page, and docs/ is the root; so links are written anew.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

__all__ = ["PAGES", "ROOT", "attached", "page_of", "rewritten"]

ROOT = Path(__file__).parents[2]

PAGES = {
    "README.md": "index.md",
    "CHANGELOG.md": "changes.md",
    "CONTRIBUTING.md": "contributing.md",
    "SECURITY.md": "security.md",
    "operator/README.md": "operator.md",
}
"""Documents outside docs/, and the pages that they become."""

_FENCE = re.compile(r"^(```\w+) .+$", re.MULTILINE)
_LINK = re.compile(r"\]\((?![a-z]+:)([^)#\s]+)")


def page_of(path: str) -> str:
    """Where a file of the repository is on the site: `docs/cluster.md` is `cluster.md`."""
    return PAGES.get(path, path.removeprefix("docs/"))


def rewritten(text: str, path: str) -> str:
    """The text of a document, with its links as they are on the site.

    A block's language loses what our tests have written behind it, which mkdocs does not read.

    Args:
        text: What the document says.
        path: Where it is in the repository, such as `docs/cluster.md`.
    """
    here = PurePosixPath(page_of(path)).parent

    def link(found: re.Match[str]) -> str:
        target = _target(found[1], path)
        return f"]({os.path.relpath(page_of(target), here)}" if target else found[0]

    return _FENCE.sub(r"\1", _LINK.sub(link, text))


def attached(documents: list[Path]) -> Iterator[str]:
    """The files that these documents link to and that are no pages, such as LICENSE, each once."""
    seen: set[str] = set()
    for document in documents:
        path = document.relative_to(ROOT).as_posix()
        for found in _LINK.finditer(document.read_text()):
            target = _target(found[1], path)
            if (
                target
                and not target.startswith("docs/")
                and target not in PAGES | dict.fromkeys(seen)
            ):
                seen.add(target)
                yield target


def _target(link: str, path: str) -> str | None:
    """The file that a link in a document leads to; None if it is none of the repository's."""
    target = os.path.normpath(PurePosixPath(path).parent / link)
    return target if (ROOT / target).is_file() else None
