"""How a version is released: one source for it, and workflows that name what is there."""

import datetime
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from tests.documents import ROOT
from tests.e2e.images.building import NAMES
from tools import release
from tools.release import ReleaseError, Tree

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
TODAY = datetime.date(2027, 1, 15)
CHANGES = """# Changelog

## [Unreleased]

### Added

- A thing.

## [0.8.0] - 2026-12-24

- Another.
"""
ACTION = re.compile(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+")


def test_the_changelog_has_a_place_for_what_is_not_released() -> None:
    assert "\n## [Unreleased]\n" in (ROOT / "CHANGELOG.md").read_text()


def workflow(name: str) -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((ROOT / ".github" / "workflows" / name).read_text())
    return found


def steps(path: Path) -> list[dict[str, Any]]:
    jobs = workflow(path.name)["jobs"].values()
    return [step for job in jobs for step in job.get("steps", [])]


@pytest.fixture
def tree(tmp_path: Path) -> Tree:
    """The files that say the version, to change."""
    for name in (
        "runtime/src/immutant/_version.py",
        "charts/immutant/Chart.yaml",
        "charts/immutant/values.yaml",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "CHANGELOG.md").write_text(CHANGES)
    return Tree(tmp_path)


class TestOneVersion:
    """`_version.py` is the only source; everything else follows."""

    def test_the_chart_is_in_step(self) -> None:
        Tree(ROOT).agree()

    def test_both_distributions_take_theirs_from_the_source(self) -> None:
        for name in ("runtime", "operator"):
            text = (ROOT / name / "pyproject.toml").read_text()
            (path,) = re.findall(r'^path = "(.+_version\.py)"$', text, re.MULTILINE)
            assert (ROOT / name / path).resolve() == Tree(ROOT).source

    @pytest.mark.parametrize(
        ("version", "chart", "app"),
        [
            ("1.2.3", "1.2.3", "1.2.3"),
            ("1.2.3rc1", "1.2.3-rc.1", "1.2.3-rc.1"),
            ("1.2.3.dev0", "1.2.3-dev.0", "dev"),
        ],
    )
    def test_chart_and_images_have_it_as_they_write_versions(
        self, version: str, chart: str, app: str
    ) -> None:
        assert (release.chart_version(version), release.app_version(version)) == (chart, app)

    @pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3-rc.1", "1.2.3.post1", ""])
    def test_what_is_no_version_is_refused_with_those_that_are(self, version: str) -> None:
        with pytest.raises(ReleaseError, match=r"write 1\.2\.3, 1\.2\.3rc1 or"):
            release.chart_version(version)

    def test_a_release_is_written_everywhere_and_its_tag_fits(self, tree: Tree) -> None:
        tree.set("0.9.0rc1", TODAY)
        tree.check("v0.9.0rc1")
        assert "## [Unreleased]\n\n## [0.9.0rc1] - 2027-01-15\n" in tree.changes.read_text()
        assert tree.notes() == "### Added\n\n- A thing."
        chart = yaml.safe_load(tree.chart.read_text())
        assert (chart["version"], chart["appVersion"]) == ("0.9.0-rc.1", "0.9.0-rc.1")

    def test_what_comes_after_it_leaves_its_changes_alone(self, tree: Tree) -> None:
        tree.set("0.9.0", TODAY)
        released = tree.changes.read_text()
        tree.set("0.10.0.dev0", TODAY)
        assert tree.changes.read_text() == released
        assert tree.version == "0.10.0.dev0"
        tree.agree()

    def test_a_tag_of_another_version_is_refused(self, tree: Tree) -> None:
        tree.set("0.9.0", TODAY)
        with pytest.raises(ReleaseError, match=r"tag v0\.9\.0"):
            tree.check("v0.9.1")

    def test_a_chart_that_was_left_behind_is_refused(self, tree: Tree) -> None:
        tree.set("0.9.0", TODAY)
        tree.source.write_text(tree.source.read_text().replace("0.9.0", "0.9.1"))
        with pytest.raises(ReleaseError, match=r"version in Chart\.yaml has to be 0\.9\.1; run"):
            tree.check("v0.9.1")

    def test_a_release_without_a_word_about_it_is_refused(self, tree: Tree) -> None:
        tree.set("0.9.0", TODAY)
        tree.changes.write_text("# Changelog\n\n## [Unreleased]\n\n## [0.9.0] - 2027-01-15\n")
        with pytest.raises(ReleaseError, match=r"CHANGELOG\.md says nothing of 0\.9\.0"):
            tree.check("v0.9.0")

    def test_a_released_chart_takes_its_images_from_where_they_are(self, tree: Tree) -> None:
        tree.registry("ghcr.io/somebody")
        images = yaml.safe_load(tree.values.read_text())["images"]
        assert (images["registry"], images["tag"]) == ("ghcr.io/somebody", "")

    def test_the_tool_says_what_is_wrong_in_one_line(self) -> None:
        tool = [sys.executable, str(ROOT / "tools" / "release.py"), "check", "v99.0.0"]
        ended = subprocess.run(tool, capture_output=True, text=True, check=False)
        assert ended.returncode == 1
        assert ended.stderr.startswith("release: the tag is v99.0.0 and the version ")


class TestWorkflows:
    """What can be told of them without running them."""

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_every_action_is_of_one_version(self, path: Path) -> None:
        used = [step["uses"] for step in steps(path) if "uses" in step]
        assert used
        assert [one for one in used if not ACTION.fullmatch(one)] == []

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_a_job_may_read_unless_it_says_more(self, path: Path) -> None:
        assert workflow(path.name)["permissions"] == {"contents": "read"}

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_no_script_contains_what_others_may_have_written(self, path: Path) -> None:
        scripts = [step["run"] for step in steps(path) if "run" in step]
        assert [one for one in scripts if "${{" in one] == [], "hand it over by env"

    @pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
    def test_files_that_scripts_name_exist(self, path: Path) -> None:
        scripts = " ".join(step["run"] for step in steps(path) if "run" in step)
        named = re.findall(r"(?<![\w/$-])(?:tools|images|charts|\.ci)/[\w./-]+", scripts)
        assert named
        assert [one for one in named if not (ROOT / one).exists()] == []

    def test_continuous_integration_runs_the_tests_command_of_the_readme(self) -> None:
        scripts = [step["run"] for step in steps(ROOT / "ci.yml") if "run" in step]
        assert any(one.endswith(" .ci/run") for one in scripts)
        assert (ROOT / ".ci" / "run").read_text().splitlines()[-1] == "exec make test"
        assert "    make test " in (ROOT / "README.md").read_text()

    def test_a_release_builds_every_image_for_both_architectures(self) -> None:
        jobs = workflow("release.yml")["jobs"]
        built = jobs["images"]["strategy"]["matrix"]
        assert set(built["image"]) == set(NAMES)
        assert built["platform"] == ["amd64", "arm64"]
        assert set(jobs["tags"]["strategy"]["matrix"]["image"]) == set(NAMES)
        (build,) = [one for one in jobs["images"]["steps"] if one.get("id") == "build"]
        for name in NAMES:
            file = build["with"]["file"].replace("${{ matrix.image }}", name)
            assert (ROOT / file).is_file()
        assert build["with"]["sbom"] is True
        assert build["with"]["provenance"] == "mode=max"

    def test_nothing_is_published_before_all_tests_have_passed(self) -> None:
        jobs = workflow("release.yml")["jobs"]

        def before(job: str) -> set[str]:
            needs = jobs[job].get("needs", [])
            direct = {needs} if isinstance(needs, str) else set(needs)
            return direct.union(*(before(one) for one in direct))

        for job in ("tags", "chart", "pypi", "page"):
            assert {"check", "test"} <= before(job), job

    def test_what_signs_has_a_token_for_it_and_nothing_else_has(self) -> None:
        jobs = workflow("release.yml")["jobs"]
        signing = {name for name, job in jobs.items() if "id-token" in job.get("permissions", {})}
        assert signing == {"wheels", "tags", "chart", "pypi"}
