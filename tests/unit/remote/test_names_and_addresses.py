import pytest

from immutant.errors import ConfigurationError
from immutant.remote.address import Address
from immutant.remote.naming import check_name


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("immutant://demo", Address("demo")),
        ("immutant://demo/", Address("demo")),
        ("demo", Address("demo")),
        ("immutant://shop/demo", Address("demo", "shop")),
        ("immutant://prod@shop/demo", Address("demo", "shop", "prod")),
        ("immutant://admin@kubernetes@demo", Address("demo", "", "admin@kubernetes")),
        (
            "immutant://arn:aws:eks:eu-west-1:1:cluster/prod@shop/demo",
            Address("demo", "shop", "arn:aws:eks:eu-west-1:1:cluster/prod"),
        ),
    ],
)
def test_an_address_names_app_namespace_and_context(url: str, address: Address) -> None:
    assert Address.parse(url) == address


@pytest.mark.parametrize(
    "url", ["immutant://demo", "immutant://shop/demo", "immutant://a@kind@shop/demo"]
)
def test_an_address_is_written_as_it_is_read(url: str) -> None:
    assert str(Address.parse(url)) == url


@pytest.mark.parametrize("url", ["immutant://", "immutant://a/b/c", "immutant://prod@"])
def test_what_names_no_app_is_refused_with_the_forms(url: str) -> None:
    with pytest.raises(ConfigurationError, match="write immutant://APP"):
        Address.parse(url)


@pytest.mark.parametrize("name", ["Demo", "1a", "a.b", "a_b", "a-", "", "a" * 41, "x-router"])
def test_a_name_that_cannot_be_is_refused_in_a_sentence(name: str) -> None:
    with pytest.raises(ConfigurationError, match="cannot be an app's name"):
        check_name(name)


def test_a_name_that_can_be_is_taken() -> None:
    for name in ("a", "demo", "my-app-2", "a" * 40, "router"):
        check_name(name)
