"""A commit of a real git server becomes a folder, or a sentence that says why not."""

import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.integration.source.remote import BySsh, Http, Repository, by_http, by_ssh

from immutant.contract.sourcing import GitCommit, Order
from immutant.errors import ConfigurationError, SourceUnreachableError
from immutant.gitlogin import Login
from immutant.gitserver import GitServer
from immutant.source.fetch import fetch

FILES = {"app.py": "one = 1\n", "run.sh": "#!/bin/sh\n", "web/app.py": "two = 2\n"}
ANYBODY = Login()


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    return Repository(tmp_path)


@pytest.fixture(params=[2, 0], ids=["protocol-2", "protocol-0"])
def http(request: pytest.FixtureRequest, repository: Repository) -> Iterator[Http]:
    with by_http(repository.bare.parent) as served:
        served.version = request.param
        yield served


@pytest.fixture
def ssh(repository: Repository) -> Iterator[BySsh]:
    with by_ssh(repository.bare.parent) as served:
        yield served


def fetched(
    tmp_path: Path, url: str, commit: str, *, path: str = "", secret: Path = Path("/nowhere")
) -> dict[str, str]:
    folder = tmp_path / "app"
    order = Order(GitCommit(url, commit, "main", path), "app:app")
    assert fetch(order, folder, secret=secret)
    files = [one for one in folder.rglob("*") if one.is_file()]
    return {str(one.relative_to(folder)): one.read_text() for one in files}


def login(ssh: BySsh, *, known_hosts: str | None = None) -> Login:
    text = io.StringIO()
    ssh.client_key.write_private_key(text)
    return Login(key=text.getvalue(), known_hosts=known_hosts or ssh.known_hosts)


def test_branches_and_tags_are_found_and_head_is_the_default_branch(
    repository: Repository, http: Http
) -> None:
    first = repository.push(FILES, tag="v1")
    second = repository.push({**FILES, "app.py": "new"})
    other = repository.push(FILES, "feature/one")
    server = GitServer(http.url, ANYBODY)
    assert server.commit_of("HEAD") == server.commit_of("main") == second
    assert server.commit_of("feature/one") == other
    assert server.commit_of("v1") == server.commit_of("refs/tags/v1") == first


def test_a_commit_is_known_without_asking() -> None:
    assert GitServer("http://127.0.0.1:9/a", ANYBODY).commit_of("ab" * 20) == "ab" * 20


@pytest.mark.parametrize(
    ("revision", "sentence"),
    [("gone", "no branch or tag gone; push it"), ("abcdef12", "write all of its 40 digits")],
)
def test_a_revision_that_is_not_there_is_said(
    repository: Repository, http: Http, revision: str, sentence: str
) -> None:
    repository.push(FILES)
    with pytest.raises(ConfigurationError, match=sentence):
        GitServer(http.url, ANYBODY).commit_of(revision)


def test_a_commit_is_fetched_as_it_was_pushed(
    repository: Repository, http: Http, tmp_path: Path
) -> None:
    commit = repository.push(FILES)
    assert fetched(tmp_path, http.url, commit) == FILES
    assert (tmp_path / "app" / "run.sh").stat().st_mode & 0o777 == 0o755


def test_a_commit_that_is_no_branchs_last_any_more_is_still_fetched(
    repository: Repository, http: Http, tmp_path: Path
) -> None:
    first = repository.push(FILES)
    repository.push({**FILES, "app.py": "new"})
    assert fetched(tmp_path, http.url, first) == FILES


def test_a_folder_of_it_is_the_source(repository: Repository, http: Http, tmp_path: Path) -> None:
    commit = repository.push(FILES)
    assert fetched(tmp_path, http.url, commit, path="web") == {"app.py": "two = 2\n"}


def test_a_folder_or_a_commit_that_is_not_there_is_said(
    repository: Repository, http: Http, tmp_path: Path
) -> None:
    commit = repository.push(FILES)
    with pytest.raises(ConfigurationError, match=r"has no folder nothing/here; mend spec\.source"):
        fetched(tmp_path, http.url, commit, path="nothing/here")
    with pytest.raises(ConfigurationError, match=r"does not give commit abab.*push it"):
        fetched(tmp_path, http.url, "ab" * 20)
    assert not (tmp_path / "app").exists()


def test_a_token_is_needed_where_the_server_wants_one_and_is_never_shown(
    repository: Repository, http: Http, tmp_path: Path
) -> None:
    commit = repository.push(FILES)
    http.user = "x-access-token:sesame"
    with pytest.raises(SourceUnreachableError, match="name a Secret with a token"):
        GitServer(http.url, ANYBODY).commit_of("main")
    wrong = Login(token="wrong-one")
    with pytest.raises(SourceUnreachableError) as refused:
        GitServer(http.url, wrong).commit_of("main")
    assert "wrong-one" not in f"{refused.value}{wrong}"
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "token").write_text("sesame\n")
    assert fetched(tmp_path, http.url, commit, secret=secret) == FILES


def test_user_and_password_of_a_basic_auth_secret_work(repository: Repository, http: Http) -> None:
    commit = repository.push(FILES)
    http.user = "ada:sesame"
    ada = Login.of({"username": "ada", "password": "sesame"})
    assert GitServer(http.url, ada).commit_of("main") == commit


def test_a_server_that_fails_is_said_with_its_status(repository: Repository, http: Http) -> None:
    repository.push(FILES)
    http.broken = 503
    with pytest.raises(SourceUnreachableError, match=r"does not answer as git: .*503"):
        GitServer(http.url, ANYBODY).commit_of("main")
    http.broken = 404
    with pytest.raises(SourceUnreachableError, match="there is no repository at"):
        GitServer(http.url, ANYBODY).commit_of("main")


def test_nobody_there_and_a_server_that_says_nothing_are_given_up() -> None:
    with pytest.raises(SourceUnreachableError, match="does not answer as git"):
        GitServer("http://127.0.0.1:9/shop.git", ANYBODY).commit_of("main")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/shop.git"
        with pytest.raises(SourceUnreachableError, match=r"as git: timed out"):
            GitServer(url, ANYBODY, timeout=0.3).commit_of("main")


def test_a_trouble_that_lasts_is_told_in_the_same_words() -> None:
    said = set()
    for _ in range(2):
        with pytest.raises(SourceUnreachableError) as failed:
            GitServer("http://127.0.0.1:9/shop.git", ANYBODY).commit_of("main")
        said.add(str(failed.value))
    assert said == {
        "http://127.0.0.1:9/shop.git does not answer as git: [Errno 111] Connection refused"
    }


def test_by_ssh_a_commit_is_found_and_fetched(
    repository: Repository, ssh: BySsh, tmp_path: Path
) -> None:
    commit = repository.push(FILES)
    url = f"ssh://git@127.0.0.1:{ssh.port}/shop.git"
    assert GitServer(url, login(ssh)).commit_of("main") == commit
    secret = tmp_path / "secret"
    secret.mkdir()
    (secret / "ssh-privatekey").write_text(login(ssh).key)
    (secret / "known_hosts").write_text(ssh.known_hosts)
    assert fetched(tmp_path, url, commit, secret=secret) == FILES


def test_a_host_that_is_not_known_or_is_another_is_refused(
    repository: Repository, ssh: BySsh
) -> None:
    repository.push(FILES)
    url = f"ssh://git@127.0.0.1:{ssh.port}/shop.git"
    with pytest.raises(ConfigurationError, match=r"no key known_hosts.*ssh-keyscan 127"):
        GitServer(url, Login(key=login(ssh).key)).commit_of("main")
    key = ssh.client_key
    another = f"[127.0.0.1]:{ssh.port} {key.get_name()} {key.get_base64()}\n"
    elsewhere = ssh.known_hosts.replace("127.0.0.1", "192.0.2.1")
    for hosts in (another, elsewhere):
        with pytest.raises(SourceUnreachableError):
            GitServer(url, login(ssh, known_hosts=hosts)).commit_of("main")


def test_a_key_that_is_not_let_in_or_is_none_is_said(repository: Repository, ssh: BySsh) -> None:
    repository.push(FILES)
    url = f"ssh://git@127.0.0.1:{ssh.port}/shop.git"
    hosts = ssh.known_hosts
    with pytest.raises(ConfigurationError, match="without a passphrase"):
        GitServer(url, Login(key="nonsense", known_hosts=hosts)).commit_of("main")
    with pytest.raises(ConfigurationError, match="has no key ssh-privatekey"):
        GitServer(url, Login(known_hosts=hosts)).commit_of("main")
    right = login(ssh)
    ssh.client_key = ssh.host_key
    with pytest.raises(SourceUnreachableError, match="deploy keys"):
        GitServer(url, right).commit_of("main")
