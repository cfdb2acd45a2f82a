"""`immutant create` on a real API server: what is made, and what is told."""

from pathlib import Path

from tests.integration.operator.harness import Operated
from tests.integration.remote.repository import Repository


async def test_a_name_that_is_taken_or_cannot_be_is_refused(
    operated: Operated, repository: Repository, admin: Path
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    await operated.write()
    taken = repository.immutant("create", "demo")
    assert taken.returncode == 1
    assert "there is an app demo already; deploy to it" in taken.stderr
    wrong = repository.immutant("create", "My.App")
    assert wrong.returncode == 78
    assert "write it as in my-app" in wrong.stderr


async def test_an_app_is_made_as_its_folders_file_has_it(
    operated: Operated, repository: Repository, admin: Path
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    described = "{kind: ImmutantApp, metadata: {name: demo}, spec: {replicas: 3}}"
    repository.write({"app.yaml": described})
    made = repository.immutant("create", "demo", "--no-wait")
    assert made.returncode == 0, made.stderr
    assert f"Made demo in namespace {operated.namespace}, as app.yaml has it" in made.stdout
    assert made.stdout.rstrip().endswith("git push demo main")
    assert (await operated.look())["spec"]["replicas"] == 3
    other = repository.immutant("create", "other", "--no-wait")
    assert "Note: app.yaml here is not of other, and was not used" in other.stdout


async def test_in_a_part_of_a_repository_create_tells_that_the_whole_would_be_pushed(
    operated: Operated, repository: Repository, admin: Path
) -> None:
    repository.environ["KUBECONFIG"] = str(admin)
    repository.write({"lib/app.py": ""})
    repository.folder /= "lib"
    made = repository.immutant("create", "demo", "--no-wait")
    assert made.returncode == 0, made.stderr
    assert '    git add . && git commit -m "Begin"\n' in made.stdout
    assert "\nNote: this folder is a part of the repository " in made.stdout
