"""`git push` as a user types it, by git itself, against a real API server."""

import base64
import hashlib
import io
import re
import tarfile
from pathlib import Path
from typing import Any

from tests.integration.operator.harness import Operated
from tests.integration.remote.repository import Repository

APP = "from immutant import App\n\napp = App('demo')\n"


async def source(operated: Operated) -> Any:
    app = await operated.api.get("immutant.org/v1alpha1", "ImmutantApp", operated.namespace, "demo")
    return app["spec"].get("source")


async def parts(operated: Operated) -> list[Any]:
    labels = {"immutant.org/app": "demo"}
    found = await operated.api.list("v1", "ConfigMap", operated.namespace, labels)
    return [one for one in found if "immutant.org/source" in one["metadata"]["labels"]]


async def unpacked(operated: Operated) -> dict[str, bytes]:
    """The files of what the app runs."""
    archive = (await source(operated))["archive"]
    there = {one["metadata"]["name"]: one for one in await parts(operated)}
    chunks = [base64.b64decode(there[name]["binaryData"]["part"]) for name in archive["configMaps"]]
    packed = b"".join(chunks)
    assert hashlib.sha256(packed).hexdigest() == archive["sha256"]
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:xz") as tar:
        return {
            one.name: (tar.extractfile(one) or io.BytesIO()).read() for one in tar if one.isreg()
        }


async def test_a_push_stores_the_tree_and_points_the_app_at_it(
    operated: Operated, repository: Repository
) -> None:
    await operated.write(replicas=2)
    commit = repository.commit({"app.py": APP, "web/page.html": "<h1>hello</h1>"}, "Greet politely")
    ended = repository.push()
    assert ended.returncode == 0, ended.stderr
    assert re.search(
        rf'^remote: Received {commit[:10]} "Greet politely" by Ada', ended.stderr, re.MULTILINE
    )
    assert "remote: Packed 2 files" in ended.stderr
    assert "* [new branch]      main -> main" in ended.stderr
    assert (await source(operated))["archive"]["revision"] == commit
    assert await unpacked(operated) == {"app.py": APP.encode(), "web/page.html": b"<h1>hello</h1>"}
    (part,) = await parts(operated)
    assert part["immutable"]
    assert part["metadata"]["annotations"]["immutant.org/message"] == "Greet politely"
    assert part["metadata"]["annotations"]["immutant.org/author"] == "Ada <ada@example.org>"
    (owner,) = part["metadata"]["ownerReferences"]
    assert owner["name"] == "demo"
    assert "controller" not in owner


async def test_an_app_that_is_not_there_is_named_with_the_command_that_makes_it(
    repository: Repository,
) -> None:
    repository.commit({"app.py": APP})
    ended = repository.push()
    assert ended.returncode == 128
    where = f"in namespace {repository.namespace}"
    assert f"remote: there is no app demo {where}; make it: immutant create demo" in ended.stderr
    assert "Traceback" not in ended.stderr


async def test_what_is_deployed_already_is_up_to_date(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"app.py": APP})
    assert repository.push().returncode == 0
    ended = repository.push()
    assert ended.returncode == 0
    assert "Everything up-to-date" in ended.stderr


async def test_a_tree_without_the_application_is_refused_before_anything_is_stored(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"main.py": APP})
    ended = repository.push()
    assert ended.returncode == 1
    assert "the source has no app.py, which the entrypoint app:app of demo names" in ended.stderr
    assert "! [remote rejected] main -> main" in ended.stderr
    assert await parts(operated) == []
    assert await source(operated) is None


async def test_a_file_that_does_not_compile_is_refused_before_anything_is_stored(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"app.py": "import shop\n" + APP, "shop.py": "x = 1\nif x\n"})
    ended = repository.push()
    assert ended.returncode == 1
    said = "the application cannot be imported: shop.py, line 2: expected ':': if x; mend it first"
    assert f"remote: {said}" in ended.stderr
    assert await parts(operated) == []
    assert await source(operated) is None


async def test_a_file_that_does_not_compile_and_may_not_be_needed_is_told_of_unless_ignored(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"app.py": APP, "old/two.py": "print 1\n"})
    ended = repository.push()
    assert ended.returncode == 0, ended.stderr
    assert "remote: Note: old/two.py, line 1: Missing parentheses" in ended.stderr
    repository.commit({".immutantignore": "old/\n"})
    ended = repository.push()
    assert ended.returncode == 0, ended.stderr
    assert "Note:" not in ended.stderr


async def test_what_does_not_build_on_what_is_deployed_is_refused_and_forced(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    first = repository.commit({"app.py": APP})
    second = repository.commit({"app.py": APP + "# 2\n"})
    assert repository.push().returncode == 0
    assert repository.push(f"{first}:main").returncode == 1
    other = repository.push(f"{first}:refs/heads/other")
    assert f"demo runs {second[:10]}, and what you push does not build on it" in other.stderr
    assert (await source(operated))["archive"]["revision"] == second
    assert repository.push("--force", f"{first}:main").returncode == 0
    assert (await source(operated))["archive"]["revision"] == first


async def test_a_commit_that_somebody_else_pushed_is_not_replaced_by_accident(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"app.py": APP})
    assert repository.push().returncode == 0
    archive = {**(await source(operated))["archive"], "revision": "f" * 40}
    await operated.write(source={"archive": archive})
    repository.commit({"app.py": APP + "# mine\n"})
    ended = repository.push("main:theirs")
    assert ended.returncode == 1
    assert "which this repository does not have; get it from whoever pushed it" in ended.stderr


async def test_deletions_tags_and_several_branches_are_refused(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    repository.commit({"app.py": APP})
    repository.git("tag", "v1")
    repository.git("branch", "other")
    assert repository.push().returncode == 0
    before = await source(operated)
    repository.commit({"app.py": APP + "# 2\n"})
    for arguments, sentence in (
        ([":main"], "immutant delete demo"),
        (["v1"], "only branches can be deployed"),
        (["main", "other"], "one branch at a time"),
    ):
        ended = repository.push(*arguments)
        assert ended.returncode == 1, arguments
        assert sentence in ended.stderr
    assert await source(operated) == before


async def test_it_is_pushed_from_a_folder_below_and_by_an_option_without_a_wait(
    operated: Operated, repository: Repository
) -> None:
    await operated.write()
    commit = repository.commit({"app.py": APP, "web/page.html": ""})
    ended = repository.try_git("-C", "web", "push", "-q", "-o", "nowait", "demo", "main")
    assert ended.returncode == 0, ended.stderr
    assert ended.stderr == ""
    assert (await source(operated))["archive"]["revision"] == commit
    wrong = repository.try_git("push", "-o", "later", "demo", "main:other")
    assert wrong.returncode == 128
    assert "there is no push option later; there are wait and nowait" in wrong.stderr


async def test_clones_are_refused_and_fetches_of_what_is_here_need_nothing(
    operated: Operated, repository: Repository, tmp_path: Path
) -> None:
    await operated.write()
    commit = repository.commit({"app.py": APP})
    assert repository.push().returncode == 0
    repository.git("fetch", "demo")
    assert repository.git("rev-parse", "demo/main").strip() == commit
    url = f"immutant://{repository.namespace}/demo"
    ended = repository.try_git("clone", url, str(tmp_path / "clone"))
    assert ended.returncode == 128
    assert "has what it runs and no history" in ended.stderr


async def test_a_dry_run_changes_nothing(operated: Operated, repository: Repository) -> None:
    await operated.write()
    repository.commit({"app.py": APP})
    assert repository.push("--dry-run", "main").returncode == 0
    assert await source(operated) is None
    assert await parts(operated) == []


async def test_another_source_is_replaced(operated: Operated, repository: Repository) -> None:
    await operated.write(source={"configMap": {"name": "demo-source"}})
    repository.commit({"app.py": APP})
    assert repository.push().returncode == 0
    assert set(await source(operated)) == {"archive"}


async def test_an_app_with_an_image_is_left_alone(
    operated: Operated, repository: Repository
) -> None:
    await operated.write(image="shop:7")
    repository.commit({"app.py": APP})
    ended = repository.push()
    assert ended.returncode == 1
    assert "demo runs the image shop:7" in ended.stderr
    assert await parts(operated) == []
