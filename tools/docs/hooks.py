"""What mkdocs calls while it builds the site: pages that are made from other files.

Belongs here: mkdocs' events. Not here: what the pages say (crd.py, commandline.py, values.py), and
which page a file becomes (outside.py).
"""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.exceptions import PluginError
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page
from tools.docs import commandline, crd, outside, values

__all__ = ["on_config", "on_files", "on_page_markdown", "on_post_page"]

GENERATED: Final[dict[str, Callable[[], str]]] = {
    "reference/cli.md": commandline.page,
    "reference/crd.md": crd.page,
    "reference/values.md": values.page,
}
"""Pages whose text ends in what is made from the code."""

_FOREIGN = re.compile(
    r'<(?:script|link|img|iframe|source)\b[^>]*(?:src|href)="(?:https?:)?//[^"]*"'
)
_UNREAD = re.compile(r"<p>(?:```|\| |- |\* ).*")
_DECISIONS: Final = "decisions"


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Put every decision into the navigation, by its file's name."""
    folder = Path(config.docs_dir) / _DECISIONS
    records = [f"{_DECISIONS}/{one.name}" for one in sorted(folder.glob("[0-9]*.md"))]
    for section in config.nav or []:
        if _DECISIONS.capitalize() in section:
            section[_DECISIONS.capitalize()] += records
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the documents outside docs/, and the files that documents link to."""
    for path, page in outside.PAGES.items():
        files.append(File.generated(config, page, content=(outside.ROOT / path).read_text()))
    documents = [outside.ROOT / path for path in outside.PAGES]
    documents += sorted(Path(config.docs_dir).rglob("*.md"))
    for path in outside.attached(documents):
        files.append(File.generated(config, path, abs_src_path=str(outside.ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Write links anew, and add what is generated."""
    uri = page.file.src_uri
    sources = {page: path for path, page in outside.PAGES.items()}
    text = outside.rewritten(markdown, sources.get(uri, f"docs/{uri}"))
    return text + GENERATED[uri]() if uri in GENERATED else text


def on_post_page(output: str, page: Page, config: MkDocsConfig) -> str:
    """Refuse a page that would load something from another host, or shows Markdown as text."""
    if found := _FOREIGN.search(output):
        raise PluginError(f"{page.file.src_uri} loads from elsewhere; keep it in docs/: {found[0]}")
    if found := _UNREAD.search(output):
        raise PluginError(f"{page.file.src_uri} has what mkdocs does not read: {found[0]}")
    return output
