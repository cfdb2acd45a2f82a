"""The site that the documents become: what stops its build, and what is generated from the code."""

from pathlib import Path

import pytest
import yaml
from mkdocs.commands.build import build
from mkdocs.config import load_config
from mkdocs.exceptions import Abort, PluginError
from mkdocs.structure.files import File
from mkdocs.structure.pages import Page
from tests.documents import ROOT
from tools.docs import commandline, crd, hooks, outside, values

import immutant
from immutant_operator.crd.manifest import definition

CONFIG = ROOT / "mkdocs.yml"


def built(folder: Path, text: str, nav: list[str]) -> None:
    """Build a site of two pages by the project's own rules."""
    (folder / "docs").mkdir()
    (folder / "docs" / "index.md").write_text(f"# Begin\n\n{text}\n")
    (folder / "docs" / "other.md").write_text("# Other\n\n## A part\n")
    config = load_config(
        str(CONFIG),
        docs_dir=str(folder / "docs"),
        site_dir=str(folder / "site"),
        nav=nav,
        hooks=[],
        plugins=[],
    )
    build(config)


BOTH = ["index.md", "other.md"]


def test_a_site_whose_links_lead_somewhere_is_built(tmp_path: Path) -> None:
    built(tmp_path, "[Other](other.md#a-part)", BOTH)
    assert "a-part" in (tmp_path / "site" / "other" / "index.html").read_text()


@pytest.mark.parametrize(
    ("text", "nav"),
    [
        pytest.param("[Other](othre.md)", BOTH, id="to no page"),
        pytest.param("[Other](other.md#a-prat)", BOTH, id="to no part of a page"),
        pytest.param("[Other](#a-part)", BOTH, id="to no part of its own page"),
        pytest.param("[Other](/home/me/other.md)", BOTH, id="to a path of a machine"),
        pytest.param("[Other](other.md)", ["index.md"], id="to a page that no list names"),
        pytest.param("Nothing", [*BOTH, "third.md"], id="a list names no page"),
    ],
)
def test_a_link_to_nowhere_stops_the_build(tmp_path: Path, text: str, nav: list[str]) -> None:
    with pytest.raises(Abort):
        built(tmp_path, text, nav)


@pytest.mark.parametrize(
    ("text", "path", "becomes"),
    [
        ("[a](docs/cluster.md#scale)", "README.md", "[a](cluster.md#scale)"),
        ("[a](docs/cluster.md)", "operator/README.md", "[a](docs/cluster.md)"),
        ("[a](../docs/cluster.md)", "operator/README.md", "[a](cluster.md)"),
        ("[a](../SECURITY.md)", "docs/guarantees.md", "[a](security.md)"),
        ("[a](../../SECURITY.md)", "docs/decisions/0003-x.md", "[a](../security.md)"),
        ("[a](https://example.org/README.md)", "README.md", "[a](https://example.org/README.md)"),
        ("[a](LICENSE)", "README.md", "[a](LICENSE)"),
    ],
)
def test_links_lead_to_the_same_document_on_the_site(text: str, path: str, becomes: str) -> None:
    assert outside.rewritten(text, path) == becomes


def test_a_block_keeps_its_language_alone() -> None:
    text = "```python postgres\nprint(1)\n```\n"
    assert outside.rewritten(text, "docs/how-to.md") == "```python\nprint(1)\n```\n"


@pytest.mark.parametrize(
    ("output", "wrong"),
    [
        ('<script src="https://example.org/x.js"></script>', "loads from elsewhere"),
        ('<link rel="stylesheet" href="//example.org/x.css">', "loads from elsewhere"),
        ("<p>```python postgres\nprint(1)</p>", "has what mkdocs does not read"),
        ('<p><a href="https://example.org">There</a></p>', None),
        ('<script src="../assets/x.js"></script>', None),
    ],
)
def test_a_page_that_loads_from_elsewhere_or_is_not_read_stops_the_build(
    output: str, wrong: str | None
) -> None:
    config = load_config(str(CONFIG), hooks=[], plugins=[])
    file = File("page.md", "docs", "site", use_directory_urls=True)
    page = Page("A page", file, config)
    if wrong is None:
        assert hooks.on_post_page(output, page, config) == output
        return
    with pytest.raises(PluginError, match=f"page.md {wrong}"):
        hooks.on_post_page(output, page, config)


def test_the_reference_names_all_that_is_public() -> None:
    text = (ROOT / "docs" / "reference" / "sdk.md").read_text()
    named = {line.removeprefix("::: immutant.") for line in text.splitlines() if line[:1] == ":"}
    errors = {name for name in immutant.__all__ if name.endswith("Error")}
    assert named - {"testing", "errors"} == set(immutant.__all__) - errors - {"__version__"}


def test_the_reference_has_every_field_of_an_app() -> None:
    (version,) = definition()["spec"]["versions"]
    spec = version["schema"]["openAPIV3Schema"]["properties"]["spec"]
    told = {one.path: one for one in crd.fields(spec)}
    assert {path for path in told if "." not in path} == set(spec["properties"])
    assert told["cache.owners"].default == "2"
    assert told["cache.owners"].bounds == "1 to 4"
    assert told["web.gateway.parentRefs[].name"].default == "*needed*"
    assert all(f"| `{path}` |" in crd.page() for path in told)


def test_the_reference_has_every_command() -> None:
    text = commandline.page()
    for command in ("run", "gears", "scale"):
        assert f"### `immutant {command}`" in text
    assert "--replicas" in text


def test_a_value_is_told_by_the_comment_above_it_or_above_what_it_is_in() -> None:
    text = "# All.\nouter:\n  # The one.\n  one: 1\n  two: [a]\n\n# Many\n# words.\nlast: {}\n"
    assert list(values.values(text)) == [
        ("outer.one", "1", "The one."),
        ("outer.two", '["a"]', "All."),
        ("last", "{}", "Many words."),
    ]


def test_every_value_of_the_chart_is_told() -> None:
    text = (ROOT / "charts" / "immutant" / "values.yaml").read_text()
    told = list(values.values(text))
    assert [one.path for one in told if not one.meaning] == []
    assert {one.path.split(".")[0] for one in told} == set(yaml.safe_load(text))
