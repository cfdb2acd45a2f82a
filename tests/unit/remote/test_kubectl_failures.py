"""What kubectl says when it fails, and what a user is told."""

import pytest

from immutant.errors import ClusterError, MissingError, NotRunningError
from immutant.remote.kubectl import failure

NOBODY = (
    "The connection to the server localhost:8080 was refused - did you specify the right host or "
    "port?"
)
ENDED = "command terminated with exit code 1\n"


def test_the_sentence_of_a_program_in_a_pod_is_told_and_not_that_it_ended() -> None:
    told = failure(f"immutant: the queue 'orders' is not defined\n{ENDED}")
    assert str(told) == "the queue 'orders' is not defined"


def test_a_program_that_says_nothing_is_told_by_its_exit_code() -> None:
    assert "exit code 1" in str(failure(ENDED))


@pytest.mark.parametrize(
    "sentence",
    [
        "stat python: no such file or directory",
        "error: stat /x: no such file or directory",
        "the entry does not exist",
        'pods "a" is forbidden: User "b" cannot get resource',
        "Error from server (NotFound): no such thing",
    ],
)
def test_what_a_program_in_a_pod_says_is_not_taken_for_kubectls_words(sentence: str) -> None:
    told = failure(f"{sentence}\n{ENDED}")
    assert type(told) is ClusterError
    assert str(told) == sentence


def test_all_that_is_wrong_with_an_object_is_told_and_no_more() -> None:
    said = (
        'The ImmutantApp "bad" is invalid: \n'
        '* spec.replicas: Invalid value: "string": spec.replicas must be of type integer\n'
        "* spec.web: Required value\n"
        "* <nil>: Invalid value: null: some validation rules were not checked because the object "
        "was invalid; correct the existing errors to complete validation\n"
    )
    assert str(failure(said)) == (
        'spec.replicas: Invalid value: "string": spec.replicas must be of type integer; '
        "spec.web: Required value"
    )


def test_what_is_wrong_with_an_option_is_told_and_not_where_its_usage_is() -> None:
    said = 'error: invalid argument "yesterday" for "--since" flag: time: invalid duration\n'
    told = failure(f"{said}See 'kubectl logs --help' for usage.\n")
    assert str(told) == 'invalid argument "yesterday" for "--since" flag: time: invalid duration'


def test_a_container_that_lacks_the_program_is_no_missing_kubeconfig() -> None:
    said = 'error: Internal error occurred: exec: "python": stat python: no such file or directory'
    assert not isinstance(failure(said), NotRunningError)


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("error: stat /nowhere: no such file or directory", "no such kubeconfig"),
        ('error: context "nowhere" does not exist', "no such context"),
        (
            "Error in configuration: context was not found for specified context: nowhere",
            "no such context",
        ),
        ("error: current-context is not set", "names no cluster"),
        ("Unable to connect to the server: dial tcp: i/o timeout", "not reached"),
        (f"E1 memcache.go:265\n{NOBODY}", "no cluster is reached"),
    ],
)
def test_where_there_is_no_cluster_it_is_told_how_to_choose_one(said: str, told: str) -> None:
    error = failure(f"{said}\n")
    assert isinstance(error, NotRunningError)
    assert told in str(error)


@pytest.mark.parametrize("module", ["immutant.console", "immutant.serve.stopping"])
def test_an_older_image_is_told_to_be_one(module: str) -> None:
    told = failure(f"/usr/local/bin/python: No module named {module}\n{ENDED}")
    assert "the app's next rollout" in str(told)


def test_a_container_that_does_not_run_is_told_in_our_words() -> None:
    told = failure('error: Internal error occurred: unable to upgrade: container not found ("app")')
    assert str(told).startswith("the container does not run at the moment: `immutant gears`")


def test_a_missing_right_is_told_and_a_quota_is_none() -> None:
    right = (
        'Error from server (Forbidden): pods is forbidden: User "ada" cannot list resource "pods"'
    )
    quota = 'Error from server (Forbidden): pods "a" is forbidden: exceeded quota: small, used: 2'
    assert "your account" in str(failure(right))
    assert "your account" not in str(failure(quota))
    assert "quota is used up" in str(failure(quota))


def test_what_is_not_there_is_told_apart() -> None:
    told = failure('Error from server (NotFound): pods "a" not found\n')
    assert isinstance(told, MissingError)
    assert str(told) == 'pods "a" not found'


def test_an_object_that_cannot_be_sent_anywhere_is_no_matter_of_its_validation() -> None:
    said = (
        'error: error validating "STDIN": error validating data: failed to download openapi: Get '
        '"http://localhost:8080/openapi/v2?timeout=32s": dial tcp [::1]:8080: connect: connection '
        "refused; if you choose to ignore these errors, turn validation off with --validate=false\n"
    )
    told = failure(said)
    assert isinstance(told, NotRunningError)
    assert str(told).startswith("no cluster is reached: see that it answers (kubectl cluster-info)")
    assert "validat" not in str(told)


def test_a_run_on_this_machine_is_spoken_of_where_it_would_do_as_well() -> None:
    assert "immutant run" not in str(failure(NOBODY))
    told = str(failure(NOBODY, or_here=True))
    assert told.startswith("no `immutant run` is used here, and no cluster is reached")
    assert "or start one with `immutant run app.py`" in told
